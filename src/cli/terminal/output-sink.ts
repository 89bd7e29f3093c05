import type { Writable } from 'node:stream';
import { messageOf, systemCode } from '../../lib/errors.ts';

/**
 * Our stdout or stderr as the end of a process's stream. Bytes go on as they are; a full pipe makes the writer wait; a
 * reader that has gone is told once, and what comes after is dropped.
 */
export class OutputSink {
  readonly #stream: Writable;
  #gone = false;
  #drained: PromiseWithResolvers<void> | null = null;

  constructor(stream: Writable, onGone: (reason: string | null) => void) {
    this.#stream = stream;
    stream.on('error', (error) => {
      if (this.#gone) return;
      this.#gone = true;
      this.#release();
      onGone(systemCode(error) === 'EPIPE' ? null : messageOf(error));
    });
    stream.on('drain', () => this.#release());
  }

  /** A promise when the stream is full: it resolves when more may come. */
  write(chunk: Buffer): void | Promise<void> {
    if (this.#gone || this.#stream.write(chunk)) return;
    this.#drained ??= Promise.withResolvers();
    return this.#drained.promise;
  }

  /** Resolves when all that was written has been taken, or nobody is there to take it. */
  flush(): Promise<void> {
    return new Promise((resolve) => {
      if (this.#gone) resolve();
      else this.#stream.write('', () => resolve());
    });
  }

  #release(): void {
    this.#drained?.resolve();
    this.#drained = null;
  }
}
