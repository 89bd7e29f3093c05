import { setTimeout as delay } from 'node:timers/promises';
import type { Command } from 'commander';
import type { Cli } from '../cli.ts';
import { addExamples } from '../examples.ts';
import { formatList, type ListFormat } from '../output/list-format.ts';
import { shortId } from '../output/units.ts';
import { idleRows, unansweredRows, usageRows } from '../output/usage-rows.ts';
import { samplePods } from '../sample-pods.ts';
import { stdout } from '../standard-streams.ts';

interface StatsOptions {
  readonly all?: boolean;
  readonly stream: boolean;
  readonly trunc: boolean;
  readonly format?: string;
}

/** Between two samples, of which a share of the processor is made. */
const intervalMs = 1000;
const clearScreen = '\x1b[H\x1b[2J';

export function define(command: Command, cli: Cli): void {
  command
    .argument('[pod...]', 'names or ids of pods, or the beginning of an id (default: all that run)')
    .option('-a, --all', 'those that do not run as well, with -- for what they use')
    .option('--no-trunc', 'whole ids')
    .option('--no-stream', 'print one table, a second after the start')
    .option('--format <format>', "table, json, or a template: '{{.Name}} {{.CPUPerc}} {{.MemUsage}}'")
    .action(async (pods: readonly string[], options: StatsOptions) => {
      const client = await cli.connect();
      const all = options.all === true;
      let before = await samplePods(client, pods, all);
      /** Their users are told once of each that does not answer. */
      let told: readonly string[] = [];
      for (;;) {
        await delay(intervalMs);
        const now = await samplePods(client, pods, all);
        const rows = [
          ...now.answered.flatMap((each) =>
            usageRows(
              each,
              before.answered.find(({ podId }) => podId === each.podId),
            ),
          ),
          ...now.silent.flatMap(unansweredRows),
          ...now.idle.flatMap(idleRows),
        ];
        const text = formatList(rows, { ...layout(options.trunc), format: options.format });
        const clears = options.stream && options.format === undefined && stdout().isTTY;
        if (text !== null) cli.print(clears ? `${clearScreen}${text}` : text);
        for (const { name } of now.silent) {
          if (!told.includes(name))
            cli.note(`hyper: pod ${name} does not answer: its VM is hung, or this host is too busy`);
        }
        told = now.silent.map(({ name }) => name);
        if (!options.stream) {
          if (now.silent.length > 0) cli.exitCode = 1;
          return;
        }
        before = now;
      }
    });
  addExamples(command, [
    ['hyper stats', 'a table of all that run, each second anew'],
    ['hyper stats --no-stream --format json web', 'one JSON object for each container of a pod'],
  ]);
}

type Row = ReturnType<typeof usageRows | typeof unansweredRows>[number];

const layout = (truncates: boolean): Omit<ListFormat<Row>, 'format'> => ({
  columns: [
    { header: 'CONTAINER ID', width: 15, align: 'left', cell: ({ ID }) => (truncates ? shortId(ID) : ID) },
    { header: 'NAME', width: 20, align: 'left', cell: ({ Name }) => Name },
    { header: 'CPU %', width: 10, align: 'left', cell: ({ CPUPerc }) => CPUPerc },
    { header: 'MEM USAGE / LIMIT', width: 22, align: 'left', cell: ({ MemUsage }) => MemUsage },
    { header: 'MEM %', width: 9, align: 'left', cell: ({ MemPerc }) => MemPerc },
    { header: 'NET I/O', width: 18, align: 'left', cell: ({ NetIO }) => NetIO },
    { header: 'BLOCK I/O', width: 18, align: 'left', cell: ({ BlockIO }) => BlockIO },
    { header: 'PIDS', align: 'left', cell: ({ PIDs }) => String(PIDs) },
  ],
});
