import type { PodRecord } from '../store/index.ts';

/** Who ends a pod, and how. */
export interface StopOptions {
  readonly by?: 'user' | 'replacement' | 'hyperd';
  readonly signal?: string | undefined;
}

/** A pod or a container whose end is asked for. */
export type Stopped = Pick<PodRecord, 'stopping'>;

/** What is stored before the first signal is sent. Of two who ask at once the less patient counts. */
export function beginStop(record: Stopped, timeoutMs: number): void {
  const until = new Date(Date.now() + timeoutMs).toISOString();
  record.stopping = { until: earlier(record.stopping?.until, until), asked: false };
}

/** How long its processes have still, in milliseconds, before they are ended. */
export function patienceLeft({ stopping }: Stopped): number {
  return stopping === null ? 0 : Math.max(0, Date.parse(stopping.until) - Date.now());
}

function earlier(one: string | undefined, other: string): string {
  return one === undefined || one > other ? other : one;
}
