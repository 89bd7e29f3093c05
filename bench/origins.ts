import type { StartTiming } from '../src/contract/index.ts';

export type Origin = StartTiming['origin'];
/** How many pods had their VM from where. */
export type Origins = Readonly<Record<Origin, number>>;

/** Reads hyperd's metrics. An origin that nothing has come from yet is not in them. */
export function countOrigins(metrics: string): Origins {
  const count = (origin: Origin): number =>
    Number(new RegExp(`^hyper_pod_starts_total\\{origin="${origin}"\\} (\\d+)$`, 'm').exec(metrics)?.[1] ?? 0);
  return { pool: count('pool'), template: count('template'), boot: count('boot') };
}
