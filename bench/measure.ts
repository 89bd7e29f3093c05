import type { Room } from './room.ts';

/** One sample: the figure that counts, and parts of it for whoever reads the raw data. */
export interface Sample {
  readonly value: number;
  readonly parts?: Readonly<Record<string, number>>;
}

export interface Sides extends AsyncDisposable {
  ours(): Promise<Sample>;
  peer(): Promise<Sample>;
}

export type Unit = 'ms' | 'MB/s';

/** Something of ours against the same of a peer. */
export interface Comparison {
  readonly name: string;
  readonly what: string;
  readonly peer: string;
  readonly unit: Unit;
  /** Ours divided by the peer's: at most this where time is measured, at least this where a rate is. */
  readonly target?: number;
  /** Takes this many times the samples asked for: it is short. */
  readonly times?: number;
  prepare(room: Room): Promise<Sides>;
}

/** A figure that has no peer. */
export interface Fact {
  readonly what: string;
  readonly value: number;
  readonly unit: 'ms' | 'MiB';
}

/** Figures of our own that say where time and memory go. */
export interface Survey {
  readonly name: string;
  take(room: Room, runs: number): Promise<readonly Fact[]>;
}
