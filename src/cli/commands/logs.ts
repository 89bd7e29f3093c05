import type { Command } from 'commander';
import type { LogRecord } from '../../client/index.ts';
import type { Cli } from '../cli.ts';
import { addExamples } from '../examples.ts';
import { LineStamper } from '../output/line-stamper.ts';
import { OutputSink } from '../terminal/output-sink.ts';
import { UsageError } from '../usage-error.ts';
import { parseWhole } from '../values/container-values.ts';
import { parseMoment } from '../values/moment.ts';

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
      await printLogs(client.podLogs(pod, options), options.timestamps === true);
    });
  addExamples(command, [
    ['hyper logs web', 'all that it has written'],
    ['hyper logs -f --tail 10 web', 'the last ten lines, and what comes'],
    ['hyper logs --since 10m -t web', 'of the last ten minutes, with times'],
  ]);
}

/** stdout's records to stdout, stderr's to stderr, until they end or stdout's reader has gone. */
async function printLogs(records: AsyncIterable<LogRecord>, timestamps: boolean): Promise<void> {
  const gone = Promise.withResolvers<'gone'>();
  const sink = (stream: NodeJS.WriteStream): OutputSink => new OutputSink(stream, () => gone.resolve('gone'));
  const sinks = { stdout: sink(process.stdout), stderr: sink(process.stderr) };
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
