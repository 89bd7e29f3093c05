import type { PruneRequest } from '../../contract/index.ts';
import { parseTime } from './parse-time.ts';

/** What the engine takes for what a prune is asked for. */
export function pruneFilterOf({ labels, until }: PruneRequest): {
  labels: readonly string[] | undefined;
  until?: number;
} {
  return { labels, ...(until === undefined ? {} : { until: parseTime('until', until) }) };
}
