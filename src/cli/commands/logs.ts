import type { Command } from 'commander';
import type { HyperClient, LogRecord } from '../../client/index.ts';
import type { Cli } from '../cli.ts';
import { addExamples } from '../examples.ts';
import { followOn } from '../outlive-daemon.ts';
import { LineStamper } from '../output/line-stamper.ts';
import { OutputSink } from '../terminal/output-sink.ts';
import { UsageError } from '../usage-error.ts';
import { parseWhole } from '../values/container-values.ts';
import { parseMoment } from '../values/moment.ts';
import { stderr, stdout } from '../standard-streams.ts';

interface LogsOptions {
  readonly follow?: boolean;
  readonly tail?: number;
  readonly since?: string;
  readonly until?: string;
  readonly timestamps?: boolean;
}

export function define(command: Command, cli: Cli): void {
  command
    .argument('<pod>', "a pod's name or id, or the beginning of an id")
    .option('-f, --follow', 'go on until the pod ends')
    .option('-n, --tail <lines>', 'only the last lines (default: all)', (text) =>
      text === 'all' ? undefined : parseWhole(text, '--tail'),
    )
    .option('--since <time>', 'only what came after: a time, seconds since 1970, or how long ago, as 10m', (text) =>
      parseMoment(text, '--since', Date.now()),
    )
    .option('--until <time>', 'only what came before: the same', (text) => parseMoment(text, '--until', Date.now()))
    .option('-t, --timestamps', 'print the time before each line')
    .action(async (pod: string, options: LogsOptions) => {
      if (options.follow === true && options.until !== undefined)
        throw new UsageError('--follow goes on, and --until ends: give one of them');
      const client = await cli.connect();
      const records = options.follow === true ? followLogs(client, pod, options, cli) : client.podLogs(pod, options);
      await printLogs(records, options.timestamps === true);
    });
  addExamples(command, [
    ['hyper logs web', 'all that it has written'],
    ['hyper logs -f --tail 10 web', 'the last ten lines, and what comes'],
    ['hyper logs --since 10m -t web', 'of the last ten minutes, with times'],
  ]);
}

/**
 * What a pod writes, over restarts of hyperd: each time from the time of the last record on, without those of that time which
 * were there already. Of none so far, all that was asked for.
 */
function followLogs(
  client: HyperClient,
  pod: string,
  options: LogsOptions,
  cli: Cli,
): AsyncGenerator<LogRecord, void, undefined> {
  const begun = String(Date.now() / 1000);
  let first: bigint | undefined;
  let last: bigint | undefined;
  let opened = false;
  /** How many records of the time of the last one have come. */
  let ofLast = 0;
  const open = async function* () {
    const from = last;
    const missed = opened && options.tail === 0 ? { since: begun, tail: undefined } : {};
    const again = from === undefined ? missed : { since: secondsOf(from), tail: undefined };
    opened = true;
    // What `tail` has left out may be of that time as well.
    let skip = options.tail !== undefined && first === last ? Infinity : ofLast;
    for await (const record of client.podLogs(pod, { ...options, ...again })) {
      if (from !== undefined && (record.timeNs < from || (record.timeNs === from && skip-- > 0))) continue;
      ofLast = record.timeNs === last ? ofLast + 1 : 1;
      last = record.timeNs;
      first ??= last;
      yield record;
    }
  };
  return followOn({ client, cli }, open);
}

/** Nanoseconds since 1970 as seconds, rounded down to the API's microseconds. */
function secondsOf(timeNs: bigint): string {
  const micros = timeNs / 1000n;
  return `${micros / 1_000_000n}.${String(micros % 1_000_000n).padStart(6, '0')}`;
}

/** stdout's records to stdout, stderr's to stderr, until they end or stdout's reader has gone. */
async function printLogs(records: AsyncIterable<LogRecord>, timestamps: boolean): Promise<void> {
  const gone = Promise.withResolvers<'gone'>();
  const sink = (stream: NodeJS.WriteStream): OutputSink => new OutputSink(stream, () => gone.resolve('gone'));
  const sinks = { stdout: sink(stdout()), stderr: sink(stderr()) };
  const stampers = { stdout: new LineStamper(), stderr: new LineStamper() };
  const print = async (): Promise<'done'> => {
    for await (const record of records) {
      const data = timestamps ? stampers[record.stream].stamp(record.data, record.timeNs) : record.data;
      await sinks[record.stream].write(data);
    }
    await Promise.all([sinks.stdout.flush(), sinks.stderr.flush()]);
    return 'done';
  };
  await Promise.race([print(), gone.promise]);
}
