import type { Command } from 'commander';
import type { Process } from '../../contract/index.ts';
import type { Cli } from '../cli.ts';
import { addExamples } from '../examples.ts';
import { formatList, type ListFormat } from '../output/list-format.ts';
import { showBytes } from '../output/units.ts';

interface TopOptions {
  readonly format?: string;
}

export function define(command: Command, cli: Cli): void {
  command
    .argument('<pod>', "a pod's or container's name or id, or the beginning of an id")
    .option('--format <format>', "table, json, or a template: '{{.PID}} {{.Command}}'")
    .action(async (pod: string, options: TopOptions) => {
      const client = await cli.connect();
      const text = formatList((await client.podTop(pod)).map(processRow), { ...layout, format: options.format });
      if (text !== null) cli.print(text);
    });
  addExamples(command, [
    ['hyper top web', 'what runs in its containers'],
    ["hyper top --format '{{.PID}} {{.Command}}' web", 'two fields a line'],
  ]);
}

type Row = ReturnType<typeof processRow>;

function processRow(process: Process) {
  const { containerId, pid, parentPid, uid, state, cpuSeconds, residentBytes, args } = process;
  return {
    ...{ ID: containerId, PID: pid, PPID: parentPid, UID: uid, State: state },
    Time: showTime(cpuSeconds),
    Memory: showBytes(residentBytes),
    Command: args.join(' '),
  };
}

const layout: Omit<ListFormat<Row>, 'format'> = {
  columns: [
    { header: 'UID', width: 8, align: 'left', cell: ({ UID }) => String(UID) },
    { header: 'PID', width: 8, align: 'left', cell: ({ PID }) => String(PID) },
    { header: 'PPID', width: 8, align: 'left', cell: ({ PPID }) => String(PPID) },
    { header: 'STATE', align: 'left', cell: ({ State }) => State },
    { header: 'MEMORY', width: 10, align: 'left', cell: ({ Memory }) => Memory },
    { header: 'TIME', width: 10, align: 'left', cell: ({ Time }) => Time },
    { header: 'CMD', align: 'left', cell: ({ Command: words }) => words },
  ],
};

/** `01:02:03` */
function showTime(seconds: number): string {
  const whole = Math.floor(seconds);
  const parts = [Math.floor(whole / 3600), Math.floor(whole / 60) % 60, whole % 60];
  return parts.map((part) => String(part).padStart(2, '0')).join(':');
}
