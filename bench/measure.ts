import type { Limits } from './limits.ts';
import type { Room } from './room.ts';

/** One sample: the figure that counts, and parts of it for whoever reads the raw data. */
export interface Sample {
  readonly value: number;
  readonly parts?: Readonly<Record<string, number>>;
}

export interface Sides extends AsyncDisposable {
  /** What readers of the result should know of how it was measured here. */
  readonly note?: string;
  /** Waits, off the clock, until neither side has anything left to do. Called before each sample of either side. */
  settle?(): Promise<void>;
  ours(): Promise<Sample>;
  peer(): Promise<Sample>;
}

/** Why something cannot be measured on this machine. */
export interface Impossible {
  readonly impossible: string;
}

/** `/s`: requests, or reads and writes. */
export type Unit = 'ms' | 'µs' | 'MB/s' | '/s';

/** Which way a unit's figures are to go: times down, rates up. */
export const betterOf = (unit: Unit): 'less' | 'more' => (unit === 'ms' || unit === 'µs' ? 'less' : 'more');

/** Something of ours against the same of a peer. Its limits are of the ratio of the medians: ours divided by the peer's. */
export interface Comparison extends Limits {
  readonly name: string;
  readonly what: string;
  readonly peer: string;
  readonly unit: Unit;
  /** Takes this many times the samples asked for: it is short. */
  readonly times?: number;
  prepare(room: Room): Promise<Sides | Impossible>;
}

/** A figure that has no peer: less of it is better. */
export interface Fact extends Limits {
  readonly what: string;
  /** MB are 10⁶ bytes. */
  readonly unit: 'ms' | 'MB';
  /** The median of the samples, where there are several. */
  readonly value: number;
  readonly samples?: readonly number[];
}

/** A part of what something took. */
export interface TimedStep {
  readonly name: string;
  readonly samples: readonly number[];
  /** Their median. */
  readonly milliseconds: number;
}

/** What the time of something went to, step by step. */
export interface Breakdown {
  readonly of: string;
  readonly steps: readonly TimedStep[];
}

export interface Findings {
  readonly facts: readonly Fact[];
  readonly breakdowns: readonly Breakdown[];
}

/** Figures of our own that say where time and memory go. */
export interface Survey {
  readonly name: string;
  take(room: Room, runs: number): Promise<Findings>;
}
