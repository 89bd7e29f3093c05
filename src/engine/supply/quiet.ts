import { throwIfCancelled } from '../../lib/cancellation.ts';
import { timeout } from '../timeout.ts';

/** After the latest start or end: what follows on it, such as the next one of a script, comes first. */
const pauseMs = 30;

/** Knows whether something is being done for a user, which background work must not delay. */
export class Quiet {
  #busy = 0;
  #changed = Promise.withResolvers<void>();
  #since = performance.now();

  async during<T>(work: () => Promise<T>): Promise<T> {
    this.#busy++;
    try {
      return await work();
    } finally {
      this.#busy--;
      this.#since = performance.now();
      this.#changed.resolve();
      this.#changed = Promise.withResolvers<void>();
    }
  }

  /** Resolves when nothing has been under way for a moment. */
  async reached(signal: AbortSignal): Promise<void> {
    const aborted = Promise.withResolvers<void>();
    const giveUp = (): void => aborted.resolve();
    signal.addEventListener('abort', giveUp, { once: true });
    try {
      for (;;) {
        throwIfCancelled(signal);
        const left = this.#since + pauseMs - performance.now();
        if (this.#busy === 0 && left <= 0) return;
        await Promise.race([this.#busy > 0 ? this.#changed.promise : timeout(left), aborted.promise]);
      }
    } finally {
      signal.removeEventListener('abort', giveUp);
    }
  }
}
