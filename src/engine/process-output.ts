import type { Agent, OutputConsumer, OutputStream } from '../guest/index.ts';
import type { ContainerLog } from './container-log.ts';

/** Takes output as it comes; while the returned promise is pending the process is held. */
export type OutputSubscriber = (stream: OutputStream, bytes: Buffer) => Promise<void>;

interface Position {
  offset: number;
  ended: boolean;
}

/**
 * One process's output on its way from the guest to its log and to whoever is attached. A piece is acknowledged to
 * the guest when the log has it and every subscriber took it: a reader that stalls holds this process, and no other.
 */
export class ProcessOutput implements OutputConsumer {
  readonly #agent: Agent;
  readonly #process: number;
  readonly #log: ContainerLog | undefined;
  readonly #positions = new Map<OutputStream, Position>();
  readonly #subscribers: Set<OutputSubscriber>;
  readonly #acknowledged = new Map<OutputStream, Promise<void>>();
  readonly #ended = Promise.withResolvers<void>();
  readonly #drained = Promise.withResolvers<void>();
  #open: number;

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
    this.#open = streams.length;
    for (const stream of streams) {
      const position = { ...(log?.positions[stream] ?? { offset: 0, ended: false }) };
      this.#positions.set(stream, position);
      if (position.ended) this.#streamEnded();
      else agent.consume(process, stream, this, position.offset);
    }
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

  data(stream: OutputStream, bytes: Buffer): void {
    const position = this.#positions.get(stream);
    if (position === undefined) return;
    const { offset } = position;
    position.offset += bytes.length;
    const subscribers = Promise.allSettled([...this.#subscribers].map((subscriber) => subscriber(stream, bytes)));
    const written = this.#log?.append(stream, offset, bytes);
    const taken = [written, Promise.race([subscribers, this.#drained.promise])];
    this.#acknowledgeAfter(stream, taken, position.offset, false);
  }

  end(stream: OutputStream): void {
    const position = this.#positions.get(stream);
    if (position === undefined || position.ended) return;
    position.ended = true;
    this.#acknowledgeAfter(stream, [this.#log?.appendEnd(stream, position.offset)], position.offset, true);
  }

  /**
   * The process has ended: what it left in the guest (a window and a pipe at most) is taken without waiting for
   * subscribers, who get it from memory. So a reader that stalls does not keep a VM.
   */
  drain(): void {
    this.#drained.resolve();
  }

  /** The guest has gone: what has not come will not come. */
  lost(): void {
    this.#drained.resolve();
    this.#ended.resolve();
  }

  /** Acknowledgements go out in order. A subscriber that fails has left: it holds nobody. */
  #acknowledgeAfter(stream: OutputStream, taken: readonly unknown[], offset: number, ended: boolean): void {
    const earlier = this.#acknowledged.get(stream);
    const all = Promise.allSettled(taken).then(async () => {
      await earlier;
      this.#agent.acknowledge(this.#process, stream, offset, ended);
      if (ended) this.#streamEnded();
    });
    this.#acknowledged.set(stream, all);
  }

  #streamEnded(): void {
    this.#open--;
    if (this.#open === 0) this.#ended.resolve();
  }
}
