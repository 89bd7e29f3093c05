import type { HealthCheckRecord, HealthStatus, ProbeRecord } from '../../store/index.ts';

/** What the results of a health check come to, by docker's rules. */
export class HealthTally {
  status: HealthStatus;
  /** Failures in a row that count. */
  failingStreak = 0;
  readonly #retries: number;
  readonly #startPeriodMs: number;

  constructor({ retries, startPeriod }: HealthCheckRecord, status: HealthStatus) {
    this.status = status;
    this.#retries = retries;
    this.#startPeriodMs = startPeriod * 1000;
  }

  /** Whether failures are still those of something that starts. */
  isStarting(ranMs: number): boolean {
    return this.status === 'starting' && ranMs < this.#startPeriodMs;
  }

  /** @param ranMs how long its process has run by now */
  add(success: boolean, ranMs: number): void {
    if (success) {
      this.status = 'healthy';
      this.failingStreak = 0;
      return;
    }
    if (this.isStarting(ranMs)) return;
    this.failingStreak++;
    if (this.failingStreak >= this.#retries) this.status = 'unhealthy';
  }
}

/** What the results of a probe come to, by Kubernetes' rules: so many of a kind in a row. */
export class ProbeTally {
  readonly #successThreshold: number;
  readonly #failureThreshold: number;
  #last: boolean | undefined;
  #streak = 0;

  constructor({ successThreshold, failureThreshold }: ProbeRecord) {
    this.#successThreshold = successThreshold;
    this.#failureThreshold = failureThreshold;
  }

  get failures(): number {
    return this.#last === false ? this.#streak : 0;
  }

  /** What is said now: success, failure, or undefined where too few of a kind have come in a row. */
  add(success: boolean): boolean | undefined {
    this.#streak = success === this.#last ? this.#streak + 1 : 1;
    this.#last = success;
    const threshold = success ? this.#successThreshold : this.#failureThreshold;
    return this.#streak >= threshold ? success : undefined;
  }
}
