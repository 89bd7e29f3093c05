import { cancellation, throwIfCancelled } from './cancellation.ts';

interface Flight<T, P> {
  readonly result: Promise<T>;
  readonly abort: AbortController;
  readonly listeners: Set<(progress: P) => void>;
  joined: number;
}

/**
 * Single flight: who asks for what is already being done joins it. Each caller's cancellation ends its own wait; that of
 * the last one stops the work.
 */
export class SharedTasks<T, P> {
  readonly #flights = new Map<string, Flight<T, P>>();

  /**
   * Starts the work for `key`, or joins it.
   *
   * @throws HyperError `cancelled` when this caller gives up (the last to do so waits until the work has cleaned up); what the work throws
   */
  async join(
    key: string,
    signal: AbortSignal,
    onProgress: (progress: P) => void,
    work: (signal: AbortSignal, report: (progress: P) => void) => Promise<T>,
  ): Promise<T> {
    throwIfCancelled(signal);
    // One listener a caller, even when two callers pass the same function.
    const listener = (progress: P): void => onProgress(progress);
    const flight = this.#flights.get(key) ?? this.#start(key, listener, work);
    flight.listeners.add(listener);
    flight.joined++;
    try {
      return await this.#wait(key, flight, signal);
    } finally {
      flight.listeners.delete(listener);
    }
  }

  /** `first` hears what the work reports before it first waits, too. */
  #start(
    key: string,
    first: (progress: P) => void,
    work: (signal: AbortSignal, report: (progress: P) => void) => Promise<T>,
  ): Flight<T, P> {
    const abort = new AbortController();
    const listeners = new Set([first]);
    const report = (progress: P): void => {
      for (const listener of listeners) listener(progress);
    };
    const result = work(abort.signal, report);
    const flight = { result, abort, listeners, joined: 0 };
    this.#flights.set(key, flight);
    const forget = (): void => this.#forget(key, flight);
    result.then(forget, forget);
    return flight;
  }

  #forget(key: string, flight: Flight<T, P>): void {
    if (this.#flights.get(key) === flight) this.#flights.delete(key);
  }

  async #wait(key: string, flight: Flight<T, P>, signal: AbortSignal): Promise<T> {
    const cancelled = Promise.withResolvers<never>();
    const giveUp = (): void => {
      flight.joined--;
      if (flight.joined > 0) {
        cancelled.reject(cancellation(signal));
        return;
      }
      // Who comes now must not join work that is being given up.
      this.#forget(key, flight);
      flight.abort.abort(cancellation(signal));
    };
    signal.addEventListener('abort', giveUp, { once: true });
    try {
      return await Promise.race([flight.result, cancelled.promise]);
    } catch (error) {
      throw signal.aborted ? cancellation(signal) : error;
    } finally {
      signal.removeEventListener('abort', giveUp);
    }
  }
}
