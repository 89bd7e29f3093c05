import type { StartTiming } from './start-timing.ts';
import type { SupplyMetrics } from './supply/index.ts';

/** What the engine counts and times. */
export interface EngineMetrics extends SupplyMetrics {
  podStarted(timing: StartTiming): void;
  podStartFailed(): void;
}
