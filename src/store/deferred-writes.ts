import { HyperError } from '../lib/errors.ts';
import type { Log } from '../lib/log.ts';

/** There may be room again at any time, and nothing tells. */
const retryMs = 1000;

interface Deferred {
  readonly write: () => void;
  /** Called when it is done. */
  readonly done: readonly (() => void)[];
}

/** Writes of what has happened already, that a full disk has kept from being done: they are done as soon as there is room. */
export class DeferredWrites implements Disposable {
  readonly #waiting = new Map<string, Deferred>();
  readonly #log: Log;
  #timer: NodeJS.Timeout | undefined;

  constructor(log: Log) {
    this.#log = log;
  }

  /**
   * Does it now, or as soon as there is room; a later write of the same thing takes its place. `done` is called then.
   *
   * @returns whether it is done
   * @throws what `write` throws but for `no_space`
   */
  do(id: string, write: () => void, done?: () => void): boolean {
    const before = this.#waiting.get(id)?.done ?? [];
    try {
      this.catchUp();
      write();
    } catch (error) {
      if (!isNoSpace(error)) throw error;
      if (!this.#waiting.has(id))
        this.#log.error({ id, error }, 'not stored yet: it is when there is room on the disk');
      this.#waiting.set(id, { write, done: done === undefined ? before : [...before, done] });
      this.#arm();
      return false;
    }
    this.doneWith(id);
    done?.();
    return true;
  }

  /** What waits of a thing has been written by another write of it. */
  doneWith(id: string): void {
    const deferred = this.#waiting.get(id);
    this.#waiting.delete(id);
    for (const done of deferred?.done ?? []) done();
  }

  /** Does what waits, in order. @throws HyperError `no_space` where there is no room still */
  catchUp(): void {
    if (this.#waiting.size === 0) return;
    for (const [id, { write }] of this.#waiting) {
      try {
        write();
      } catch (error) {
        if (isNoSpace(error)) throw error;
        this.#log.error({ id, error }, 'what waited for room on the disk cannot be stored');
      }
      this.doneWith(id);
    }
    this.#log.info({}, 'there is room on the disk again: everything is stored');
  }

  [Symbol.dispose](): void {
    clearTimeout(this.#timer);
    this.#try();
  }

  #arm(): void {
    this.#timer ??= setTimeout(() => {
      this.#timer = undefined;
      if (!this.#try()) this.#arm();
    }, retryMs).unref();
  }

  #try(): boolean {
    try {
      this.catchUp();
      return true;
    } catch {
      return false; // full still: it was told
    }
  }
}

function isNoSpace(error: unknown): boolean {
  return error instanceof HyperError && error.code === 'no_space';
}
