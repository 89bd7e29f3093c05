import type { Agent, OutputConsumer, OutputStream } from '../guest/index.ts';
import type { ContainerLog } from './container-log.ts';

/** Takes output as it comes; while a returned promise is pending the process is held. It never rejects. */
export type OutputSubscriber = (stream: OutputStream, bytes: Buffer) => Promise<void> | undefined;

/** What came from the guest and has not been acknowledged yet. */
interface Piece {
  /** Where the stream stands behind it. */
  readonly offset: number;
  readonly ended: boolean;
  logged: boolean;
  /** Subscribers that have yet to take it. */
  waiting: number;
}

/**
 * One process's output on its way from the guest to its log and to whoever is attached. A piece is acknowledged to
 * the guest when the log has it and every subscriber took it: a reader that stalls holds this process, and no other.
 */
export class ProcessOutput implements OutputConsumer {
  readonly #agent: Agent;
  readonly #process: number;
  readonly #log: ContainerLog | undefined;
  /** Of each stream that has not ended, oldest piece first. */
  readonly #pieces = new Map<OutputStream, Piece[]>();
  readonly #subscribers: Set<OutputSubscriber>;
  readonly #ended = Promise.withResolvers<void>();
  #drained = false;

  /** Registers with the agent: call before the process starts, or before the agent listens again. */
  constructor(
    agent: Agent,
    process: number,
    tty: boolean,
    subscribers: Iterable<OutputSubscriber>,
    log?: ContainerLog,
  ) {
    this.#agent = agent;
    this.#subscribers = new Set(subscribers);
    this.#process = process;
    this.#log = log;
    const streams: readonly OutputStream[] = tty ? [1] : [1, 2];
    for (const stream of streams) {
      const { offset, ended } = log?.positions[stream] ?? { offset: 0, ended: false };
      if (ended) continue;
      this.#pieces.set(stream, []);
      agent.consume(process, stream, this, offset);
    }
    if (this.#pieces.size === 0) this.#ended.resolve();
  }

  /** Resolves when all streams have ended and all of them was taken by the log and, before `drain`, the subscribers. */
  get ended(): Promise<void> {
    return this.#ended.promise;
  }

  /** Output from now on. */
  subscribe(subscriber: OutputSubscriber): void {
    this.#subscribers.add(subscriber);
  }

  unsubscribe(subscriber: OutputSubscriber): void {
    this.#subscribers.delete(subscriber);
  }

  data(stream: OutputStream, bytes: Buffer, offset: number): void {
    const piece: Piece = { offset: offset + bytes.length, ended: false, logged: false, waiting: 0 };
    for (const subscriber of this.#subscribers) {
      const taken = subscriber(stream, bytes);
      if (taken === undefined) continue;
      piece.waiting++;
      void taken.then(() => {
        piece.waiting--;
        this.#acknowledge(stream);
      });
    }
    this.#queue(stream, piece, this.#log?.append(stream, offset, bytes));
  }

  end(stream: OutputStream, offset: number): void {
    const piece: Piece = { offset, ended: true, logged: false, waiting: 0 };
    this.#queue(stream, piece, this.#log?.appendEnd(stream, offset));
  }

  /**
   * The process has ended: what it left in the guest (a window and a pipe at most) is taken without waiting for
   * subscribers, who get it from memory. So a reader that stalls does not keep a VM.
   */
  drain(): void {
    this.#drained = true;
    for (const stream of this.#pieces.keys()) this.#acknowledge(stream);
  }

  /** The guest has gone: what has not come will not come. */
  lost(): void {
    this.#ended.resolve();
  }

  #queue(stream: OutputStream, piece: Piece, written: Promise<void> | undefined): void {
    this.#pieces.get(stream)?.push(piece);
    const logged = (): void => {
      piece.logged = true;
      this.#acknowledge(stream);
    };
    if (written === undefined) logged();
    else void written.then(logged); // what cannot be written is dropped: it resolves all the same
  }

  /** Acknowledges, in order, all pieces that are taken. */
  #acknowledge(stream: OutputStream): void {
    const pieces = this.#pieces.get(stream);
    if (pieces === undefined) return;
    const held = pieces.findIndex(({ logged, waiting }) => !logged || (waiting > 0 && !this.#drained));
    const last = pieces.splice(0, held < 0 ? pieces.length : held).at(-1);
    if (last === undefined) return;
    this.#agent.acknowledge(this.#process, stream, last.offset, last.ended);
    if (!last.ended) return;
    this.#pieces.delete(stream);
    if (this.#pieces.size === 0) this.#ended.resolve();
  }
}
