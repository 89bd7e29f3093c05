import { damaged } from './damaged.ts';

/** What a parser wants next: some bytes in one piece (`orEnd`: or the end of the stream), or to let bytes pass through. */
export type Demand =
  { readonly take: number; readonly orEnd?: boolean } | { readonly pass: number; readonly to: (bytes: Buffer) => void };

/** A parser written as one straight text: it yields what it wants and gets the bytes taken, or undefined at the end. */
export type Demands<T = void> = Generator<Demand, T, Buffer | undefined>;

/** Takes exactly `bytes` bytes. */
export function* take(bytes: number): Demands<Buffer> {
  const taken = yield { take: bytes };
  if (taken === undefined) throw damaged('it ends in the middle of an entry');
  return taken;
}

/** Feeds a stream's chunks, of any size, to a parser. Bytes after the parser's end are ignored. */
export class ByteFeed {
  readonly #parser: Demands;
  #demand: Demand | undefined;
  #gathered: Buffer[] = [];
  #gatheredBytes = 0;
  #passed = 0;

  constructor(parser: Demands) {
    this.#parser = parser;
    this.#next(undefined);
  }

  /** The parser may keep parts of `chunk` until the next call only. */
  push(chunk: Buffer): void {
    let rest = chunk;
    while (rest.length > 0 && this.#demand !== undefined) {
      rest = 'take' in this.#demand ? this.#gather(rest, this.#demand.take) : this.#pass(rest, this.#demand);
    }
  }

  /** The stream is over. */
  end(): void {
    if (this.#demand === undefined) return;
    const atBoundary = 'take' in this.#demand && this.#demand.orEnd === true && this.#gatheredBytes === 0;
    if (!atBoundary) throw damaged('it ends in the middle of an entry');
    this.#next(undefined);
  }

  #gather(chunk: Buffer, wanted: number): Buffer {
    const part = Math.min(chunk.length, wanted - this.#gatheredBytes);
    this.#gathered.push(chunk.subarray(0, part));
    this.#gatheredBytes += part;
    if (this.#gatheredBytes === wanted) {
      const [first] = this.#gathered;
      const whole = this.#gathered.length === 1 && first !== undefined ? first : Buffer.concat(this.#gathered);
      this.#gathered = [];
      this.#gatheredBytes = 0;
      this.#next(whole);
    }
    return chunk.subarray(part);
  }

  #pass(chunk: Buffer, demand: Extract<Demand, { pass: number }>): Buffer {
    const part = Math.min(chunk.length, demand.pass - this.#passed);
    demand.to(chunk.subarray(0, part));
    this.#passed += part;
    if (this.#passed === demand.pass) this.#next(undefined);
    return chunk.subarray(part);
  }

  /** Demands of nothing are met at once, so that a parser need not ask whether there is something to skip. */
  #next(taken: Buffer | undefined): void {
    this.#passed = 0;
    let step = this.#parser.next(taken);
    while (step.done !== true && ('take' in step.value ? step.value.take : step.value.pass) === 0) {
      step = this.#parser.next('take' in step.value ? Buffer.alloc(0) : undefined);
    }
    this.#demand = step.done === true ? undefined : step.value;
  }
}
