import type { Step } from '../lib/stopwatch.ts';
import type { VmOrigin } from './supply/index.ts';

/** Where a start's VM came from, and what its time went to, in order. */
export interface StartTiming {
  readonly origin: VmOrigin;
  readonly steps: readonly Step[];
}
