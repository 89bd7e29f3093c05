import { setTimeout as delay } from 'node:timers/promises';
import type { Command } from 'commander';
import type { HyperClient } from '../../client/index.ts';
import type { PodStats } from '../../contract/index.ts';
import { HyperError } from '../../lib/errors.ts';
import type { Cli } from '../cli.ts';
import { addExamples } from '../examples.ts';
import { formatList, type ListFormat } from '../output/list-format.ts';
import { shortId } from '../output/units.ts';
import { usageRows } from '../output/usage-rows.ts';

interface StatsOptions {
  readonly stream: boolean;
  readonly format?: string;
}

/** Between two samples, of which a share of the processor is made. */
const intervalMs = 1000;
const clearScreen = '\x1b[H\x1b[2J';

export function define(command: Command, cli: Cli): void {
  command
    .argument('[pod...]', 'names or ids of pods, or the beginning of an id (default: all that run)')
    .option('--no-stream', 'print one table, a second after the start')
    .option('--format <format>', "table, json, or a template: '{{.Name}} {{.CPUPerc}} {{.MemUsage}}'")
    .action(async (pods: readonly string[], options: StatsOptions) => {
      const client = await cli.connect();
      let before = await sample(client, pods);
      for (;;) {
        await delay(intervalMs);
        const now = await sample(client, pods);
        const rows = now.flatMap((each) =>
          usageRows(
            each,
            before.find(({ podId }) => podId === each.podId),
          ),
        );
        const text = formatList(rows, { ...layout, format: options.format });
        const clears = options.stream && options.format === undefined && process.stdout.isTTY;
        if (text !== null) cli.print(clears ? `${clearScreen}${text}` : text);
        if (!options.stream) return;
        before = now;
      }
    });
  addExamples(command, [
    ['hyper stats', 'a table of all that run, each second anew'],
    ['hyper stats --no-stream --format json web', 'one JSON object for each container of a pod'],
  ]);
}

/** Of those named, each of which must run; else of those that do. */
async function sample(client: HyperClient, named: readonly string[]): Promise<PodStats[]> {
  if (named.length > 0) return await Promise.all(named.map((pod) => client.podStats(pod)));
  const running = (await client.podList()).filter(({ state }) => state === 'running');
  const all = running.map(async ({ id }) => {
    try {
      return [await client.podStats(id)];
    } catch (error) {
      if (error instanceof HyperError && ['conflict', 'not_found', 'vm_failed'].includes(error.code)) return []; // it has ended
      throw error;
    }
  });
  return (await Promise.all(all)).flat();
}

type Row = ReturnType<typeof usageRows>[number];

const layout: Omit<ListFormat<Row>, 'format'> = {
  columns: [
    { header: 'CONTAINER ID', width: 15, align: 'left', cell: ({ ID }) => shortId(ID) },
    { header: 'NAME', width: 20, align: 'left', cell: ({ Name }) => Name },
    { header: 'CPU %', width: 10, align: 'left', cell: ({ CPUPerc }) => CPUPerc },
    { header: 'MEM USAGE / LIMIT', width: 22, align: 'left', cell: ({ MemUsage }) => MemUsage },
    { header: 'MEM %', width: 9, align: 'left', cell: ({ MemPerc }) => MemPerc },
    { header: 'NET I/O', width: 18, align: 'left', cell: ({ NetIO }) => NetIO },
    { header: 'BLOCK I/O', width: 18, align: 'left', cell: ({ BlockIO }) => BlockIO },
    { header: 'PIDS', align: 'left', cell: ({ PIDs }) => String(PIDs) },
  ],
};
