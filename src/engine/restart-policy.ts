import { HyperError } from '../lib/errors.ts';
import type { PodRecord } from '../store/index.ts';
import type { PodSpec } from './pod-spec.ts';

type RestartSpec = { readonly maxRestarts?: number | null | undefined } & Pick<PodSpec, 'restartPolicy' | 'autoRemove'>;

/** As Docker's: from a tenth of a second, doubled each time, to a minute. */
const firstDelayMs = 100;
const longestDelayMs = 60_000;
/** What has run for so long was no failure to start. */
const settledMs = 10_000;

/** What is stored of what a user asks for. @throws HyperError `bad_request` */
export function restartOf({
  restartPolicy = 'never',
  maxRestarts = null,
  autoRemove = false,
}: RestartSpec): Pick<PodRecord, 'restartPolicy' | 'maxRestarts' | 'restarts' | 'restarting'> {
  if (autoRemove && restartPolicy !== 'never') {
    throw new HyperError('bad_request', 'a pod that is removed when it has ended cannot be started again: drop one');
  }
  if (maxRestarts !== null && restartPolicy !== 'onFailure') {
    throw new HyperError('bad_request', `maxRestarts is of the policy onFailure, and the policy is ${restartPolicy}`);
  }
  return { restartPolicy, maxRestarts, restarts: 0, restarting: false };
}

/** What is known of a process, or a pod, that has ended. */
export interface Ended {
  readonly succeeded: boolean;
  /** How often it was started again before. */
  readonly restarts: number;
}

/** Whether what has ended by itself is to be started again. */
export function isToRestart(
  { restartPolicy, maxRestarts }: Pick<PodRecord, 'restartPolicy' | 'maxRestarts'>,
  { succeeded, restarts }: Ended,
): boolean {
  if (restartPolicy === 'always') return true;
  return restartPolicy === 'onFailure' && !succeeded && restarts < (maxRestarts ?? Infinity);
}

/** What waits to be started again, each with a delay that grows while it ends soon after its start. */
export class Restarts {
  readonly #waiting = new Map<object, NodeJS.Timeout>();
  /** Ends in a row that came soon. */
  readonly #soon = new WeakMap<object, number>();

  /** `act` is called after the delay, once, unless `cancel` comes first. Answers with the delay. */
  schedule(what: object, ranMs: number, act: () => void): number {
    const before = ranMs >= settledMs ? 0 : (this.#soon.get(what) ?? 0);
    this.#soon.set(what, before + 1);
    const delayMs = Math.min(firstDelayMs * 2 ** before, longestDelayMs);
    this.cancel(what);
    const timer = setTimeout(() => {
      this.#waiting.delete(what);
      act();
    }, delayMs);
    this.#waiting.set(what, timer);
    return delayMs;
  }

  isWaiting(what: object): boolean {
    return this.#waiting.has(what);
  }

  /** One, or all. */
  cancel(what?: object): void {
    for (const [each, timer] of this.#waiting) {
      if (what !== undefined && what !== each) continue;
      clearTimeout(timer);
      this.#waiting.delete(each);
    }
  }
}
