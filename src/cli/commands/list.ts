import type { Command } from 'commander';
import type { HyperClient } from '../../client/index.ts';
import { HyperError } from '../../lib/errors.ts';
import type { Cli } from '../cli.ts';
import { collect } from '../collect.ts';
import { addExamples } from '../examples.ts';
import { formatList, type ListFormat } from '../output/list-format.ts';
import { containerRow, podRow, vmRow } from '../output/list-rows.ts';
import { UsageError } from '../usage-error.ts';
import { parseChoice, parseWhole } from '../values/container-values.ts';
import { parseFilters } from '../values/filters.ts';
import { containerFilters, podFilters } from '../values/list-filter.ts';

interface ListOptions {
  readonly pod?: string;
  readonly vm?: string;
  readonly filter?: readonly string[];
  readonly last?: number;
  readonly latest?: boolean;
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
    .option('-p, --pod <pod>', 'only this pod, its containers or its VM')
    .option('-m, --vm <vm>', 'only this VM, its pod or its containers')
    .option('-f, --filter <key=value>', 'only some: name=, id=, label=, status=, exited=; of pods network=', collect)
    .option('-n, --last <number>', 'only the newest', (text) => parseWhole(text, '--last'))
    .option('-l, --latest', 'only the newest one')
    .option('-a, --all', 'also those that have ended (they always are: for those who type docker’s)')
    .option('--no-trunc', 'cut nothing (nothing is: for those who type docker’s)')
    .option('--format <format>', "table, json, or a template: '{{.ID}} {{.Status}}', 'table {{.Names}}\\t{{.Image}}'")
    .action(async (kind: (typeof kinds)[number], options: ListOptions) => {
      const { filter = [], latest, last = latest === true ? 1 : undefined } = options;
      if (kind === 'vm' && (filter.length > 0 || last !== undefined)) {
        throw new UsageError('--filter, --last and --latest are of pods and containers: for a VM give -p or -m');
      }
      const isWantedPod = parseFilters(kind === 'pod' ? filter : [], podFilters);
      const isWantedContainer = parseFilters(kind === 'container' ? filter : [], containerFilters);
      const client = await cli.connect();
      const isOf = await placeOf(client, options);
      if (kind === 'pod') {
        const pods = (await client.podList()).filter((pod) => isOf(pod.id) && isWantedPod(pod));
        printList(newest(pods, last).map(podRow), options, cli, podList);
      } else if (kind === 'container') {
        const all = await client.containerList();
        const containers = all.filter((container) => isOf(container.podId) && isWantedContainer(container));
        printList(newest(containers, last).map(containerRow), options, cli, containerList);
      } else {
        const vms = (await client.vmList()).filter(({ podId, id }) => isOf(podId, id));
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

/** Whether what belongs to a pod, or is a VM, is of the pod and the VM that were named. @throws HyperError `not_found` */
async function placeOf(
  client: HyperClient,
  { pod, vm }: ListOptions,
): Promise<(podId: string | null, vmId?: string) => boolean> {
  const podId = pod === undefined ? undefined : (await client.podInspect(pod)).id;
  const found = vm === undefined ? undefined : (await client.vmList()).find(({ id }) => id === vm);
  if (vm !== undefined && found === undefined) {
    throw new HyperError('not_found', `no such VM: ${vm}: see 'hyper list vm'`);
  }
  return (id, vmId) =>
    (podId === undefined || id === podId) &&
    (found === undefined || (vmId === undefined ? id === found.podId : vmId === found.id));
}

/** The last that were made, in the order of the list. */
function newest<T extends { readonly createdAt: string }>(all: readonly T[], count = Infinity): readonly T[] {
  const byAge = all.toSorted((one, other) => other.createdAt.localeCompare(one.createdAt)).slice(0, count);
  return all.filter((each) => byAge.includes(each));
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
