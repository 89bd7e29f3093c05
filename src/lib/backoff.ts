import { setTimeout as sleep } from 'node:timers/promises';
import { cancellation } from './cancellation.ts';

/** How often something may fail in a row, and how long to wait in between. */
export interface Backoff {
  readonly attempts: number;
  /** The wait after the first failure; doubled each time. */
  readonly delayMs: number;
}

const longestMs = 30_000;

/** Waits after the `failures`-th failure in a row (from 1); a tenth of chance keeps clients apart. */
export async function waitBackoff(backoff: Backoff, failures: number, signal: AbortSignal): Promise<void> {
  const delay = Math.min(backoff.delayMs * 2 ** (failures - 1), longestMs);
  try {
    await sleep(delay * (1 + Math.random() / 10), undefined, { signal });
  } catch {
    throw cancellation(signal);
  }
}

/**
 * Runs `attempt` until it succeeds, fails for good, or has failed `attempts` times.
 *
 * @throws what the last attempt threw
 */
export async function retry<T>(
  backoff: Backoff,
  signal: AbortSignal,
  isTransient: (error: unknown) => boolean,
  attempt: () => Promise<T>,
): Promise<T> {
  for (let failures = 1; ; failures++) {
    try {
      return await attempt();
    } catch (error) {
      if (signal.aborted || failures >= backoff.attempts || !isTransient(error)) throw error;
      await waitBackoff(backoff, failures, signal);
    }
  }
}
