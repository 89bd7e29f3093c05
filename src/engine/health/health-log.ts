import type { ProbeResult } from './probe-result.ts';

/** As many as docker keeps. */
const kept = 5;

export interface HealthLogEntry extends ProbeResult {
  /** ISO 8601. */
  readonly start: string;
  readonly end: string;
}

/** The latest results of a container's health check. In memory only: what they come to is stored. */
export class HealthLog {
  #entries: readonly HealthLogEntry[] = [];
  failingStreak = 0;

  /** Oldest first. */
  get entries(): readonly HealthLogEntry[] {
    return this.#entries;
  }

  add(entry: HealthLogEntry): void {
    this.#entries = [...this.#entries, entry].slice(-kept);
  }

  clear(): void {
    this.#entries = [];
    this.failingStreak = 0;
  }
}
