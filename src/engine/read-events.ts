import { AsyncQueue } from '../lib/async-queue.ts';
import type { Store, StoredEvent } from '../store/index.ts';

export type { StoredEvent } from '../store/index.ts';

export interface EventQuery {
  /** Milliseconds since 1970. */
  readonly since?: number | undefined;
  /** A sequence. */
  readonly after?: number | undefined;
}

/** What has changed since, where a query says since when; and with `follow` what changes, until the signal. */
export async function* readEvents(
  events: Store['events'],
  { since, after }: EventQuery,
  follow: boolean,
  signal: AbortSignal,
): AsyncGenerator<StoredEvent, void, undefined> {
  const queue = new AsyncQueue<StoredEvent>();
  const unlisten = events.listen((event) => queue.push(event));
  const end = (): void => queue.end();
  signal.addEventListener('abort', end, { once: true });
  try {
    if (since !== undefined || after !== undefined) {
      yield* events.list({ ...(since === undefined ? {} : { since }), ...(after === undefined ? {} : { after }) });
    }
    if (follow && !signal.aborted) yield* queue;
  } finally {
    unlisten();
    signal.removeEventListener('abort', end);
  }
}
