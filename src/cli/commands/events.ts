import type { Command } from 'commander';
import type { Cli } from '../cli.ts';
import { collect } from '../collect.ts';
import { addExamples } from '../examples.ts';
import { followOn } from '../outlive-daemon.ts';
import { formatEvent } from '../output/event-line.ts';
import { parseEventFilters } from '../values/event-filter.ts';
import { parseMoment } from '../values/moment.ts';

interface EventsOptions {
  readonly since?: string;
  readonly until?: string;
  readonly filter?: readonly string[];
  readonly format?: string;
}

export function define(command: Command, cli: Cli): void {
  const moment = (flag: string) => (text: string) => parseMoment(text, flag, Date.now());
  command
    .option(
      '--since <time>',
      'also what has changed since: a time, seconds since 1970, or how long ago',
      moment('--since'),
    )
    .option('--until <time>', 'only what has changed until then; in the past it ends at once', moment('--until'))
    .option(
      '-f, --filter <key=value>',
      'type, event, pod, container, image, network, volume or health; again: any of a kind',
      collect,
    )
    .option('--format <format>', "json, or a template: '{{.Time}} {{.Action}} {{.Name}}'")
    .action(async (options: EventsOptions) => {
      const isWanted = parseEventFilters(options.filter ?? []);
      const until = options.until === undefined ? Infinity : momentMs(options.until);
      const ended = new AbortController();
      const timer = until === Infinity ? undefined : setTimeout(() => ended.abort(), Math.max(0, until - Date.now()));
      const client = await cli.connect();
      const begun = new Date().toISOString();
      const follow = until > Date.now();
      const { signal } = ended;
      /** Where the next connection goes on; before the first event, from the beginning. */
      let from: { since?: string | undefined; after?: number } = { since: options.since };
      const open = async function* () {
        const events = client.eventList({ ...from, follow, signal: follow ? signal : undefined });
        if (from.after === undefined) from = { since: options.since ?? begun };
        for await (const event of events) {
          from = { after: event.sequence };
          yield event;
        }
      };
      try {
        for await (const event of followOn({ client, cli, signal }, open)) {
          if (Date.parse(event.time) > until) break;
          if (isWanted(event)) cli.print(formatEvent(event, options.format));
        }
      } catch (error) {
        if (!ended.signal.aborted) throw error;
      } finally {
        clearTimeout(timer);
      }
    });
  addExamples(command, [
    ['hyper events', 'what changes from now on'],
    ['hyper events --since 1h --until 0s', 'what has changed in the last hour'],
    ['hyper events -f type=container -f event=die', 'the ends of containers'],
    ['hyper events -f health=unhealthy', 'health checks that begin to fail'],
  ]);
}

/** What `parseMoment` gives: ISO 8601, or seconds since 1970. */
function momentMs(text: string): number {
  return /^\d+(\.\d+)?$/.test(text) ? Number(text) * 1000 : Date.parse(text);
}
