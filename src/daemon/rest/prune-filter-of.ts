import type { PruneRequest } from '../../contract/index.ts';
import { HyperError } from '../../lib/errors.ts';

/** What the engine takes for what a prune is asked for. */
export function pruneFilterOf({ labels, until }: PruneRequest): {
  labels: readonly string[] | undefined;
  until?: number;
} {
  return { labels, ...(until === undefined ? {} : { until: parseUntil(until) }) };
}

function parseUntil(text: string): number {
  const milliseconds = /^\d+(\.\d+)?$/.test(text) ? Number(text) * 1000 : Date.parse(text);
  if (Number.isFinite(milliseconds)) return milliseconds;
  throw new HyperError('bad_request', `until: ${text} is no time: use ISO 8601 or seconds since 1970`);
}
