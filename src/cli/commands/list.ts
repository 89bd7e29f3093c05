import type { Command } from 'commander';
import type { Cli } from '../cli.ts';
import { addExamples } from '../examples.ts';
import { formatList, type ListFormat } from '../output/list-format.ts';
import { containerRow, podRow, vmRow } from '../output/list-rows.ts';
import { parseChoice } from '../values/container-values.ts';

interface ListOptions {
  readonly quiet?: boolean;
  readonly format?: string;
}

const kinds = ['pod', 'container', 'vm'] as const;

export function define(command: Command, cli: Cli): void {
  command
    .argument(
      '[kind]',
      'pod, container or vm',
      (text) => parseChoice(text.replace(/s$/, ''), 'what to list', kinds),
      'pod',
    )
    .option('-q, --quiet', 'print only ids')
    .option('-a, --all', 'also those that have ended (they always are: for those who type docker’s)')
    .option('--no-trunc', 'cut nothing (nothing is: for those who type docker’s)')
    .option('--format <format>', "table, json, or a template: '{{.ID}} {{.Status}}', 'table {{.Names}}\\t{{.Image}}'")
    .action(async (kind: (typeof kinds)[number], options: ListOptions) => {
      const client = await cli.connect();
      if (kind === 'pod') {
        const pods = await client.podList();
        printList(pods.map(podRow), options, cli, podList);
      } else if (kind === 'container') {
        const containers = await client.containerList();
        printList(containers.map(containerRow), options, cli, containerList);
      } else {
        const vms = await client.vmList();
        printList(vms.map(vmRow), options, cli, vmList);
      }
    });
  addExamples(command, [
    ['hyper list', 'the pods'],
    ['hyper list vm', 'the VMs'],
    ["hyper list --format '{{.ID}} {{.Status}}'", 'two fields a line'],
    ['hyper list --format json', 'one JSON object a line'],
  ]);
}

type Layout<Row> = Omit<ListFormat<Row>, 'format'>;

/** The first Hyper's columns and widths (DESIGN.md 6). */
const podList: Layout<ReturnType<typeof podRow>> = {
  columns: [
    { header: 'POD ID', width: 15, cell: (pod) => pod.ID },
    { header: 'POD Name', width: 30, cell: (pod) => pod.Name },
    { header: 'VM name', width: 20, cell: (pod) => pod.VM },
    { header: 'Status', width: 10, cell: (pod) => pod.Status },
  ],
  headers: { ID: 'POD ID', Name: 'POD NAME', VM: 'VM NAME' },
};

const containerList: Layout<ReturnType<typeof containerRow>> = {
  columns: [
    { header: 'Container ID', width: 66, align: 'left', cell: (container) => container.ID },
    { header: 'Name', width: 30, cell: (container) => container.Name },
    { header: 'POD ID', width: 15, cell: (container) => container.Pod },
    { header: 'Status', width: 10, cell: (container) => container.Status },
  ],
  headers: { ID: 'CONTAINER ID', Pod: 'POD ID' },
};

const vmList: Layout<ReturnType<typeof vmRow>> = {
  columns: [
    { header: 'VM name', width: 15, cell: (vm) => vm.ID },
    { header: 'Status', width: 20, cell: (vm) => vm.Status },
  ],
  headers: { ID: 'VM NAME', Pod: 'POD ID' },
};

function printList<Row extends { readonly ID: string }>(
  rows: readonly Row[],
  options: ListOptions,
  cli: Cli,
  layout: Layout<Row>,
): void {
  if (options.quiet === true && options.format === undefined) {
    for (const row of rows) cli.print(row.ID);
    return;
  }
  const text = formatList(rows, { ...layout, format: options.format });
  if (text !== null) cli.print(text);
}
