import type { Event } from '../../contract/index.ts';
import type { Engine, StoredEvent } from '../../engine/index.ts';
import { parseSince } from './log-stream.ts';
import type { Handlers } from './route-types.ts';

export function eventHandlers(engine: Engine): Pick<Handlers, 'eventList'> {
  return {
    eventList: ({ query, signal }) => {
      const { since, after, follow = false } = query;
      const from = since === undefined ? undefined : Number(parseSince(since) / 1_000_000n);
      return presentEvents(engine.events({ since: from, after }, follow, signal));
    },
  };
}

async function* presentEvents(events: AsyncIterable<StoredEvent>): AsyncGenerator<Event, void, undefined> {
  for await (const event of events) yield { ...event, time: new Date(event.time).toISOString() };
}
