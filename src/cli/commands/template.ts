import type { Command } from 'commander';
import type { Template } from '../../contract/index.ts';
import { bounds } from '../../contract/bounds.ts';
import type { Cli } from '../cli.ts';
import { forEachTarget } from '../each-target.ts';
import { addExamples } from '../examples.ts';
import { formatList } from '../output/list-format.ts';
import { showAge, showBytes } from '../output/units.ts';
import { given } from '../given.ts';
import { parseBounded } from '../values/container-values.ts';
import { parseMebibytes } from '../values/memory.ts';
import { stderr } from '../standard-streams.ts';

interface ListOptions {
  readonly quiet?: boolean;
  readonly format?: string;
}

interface CreateOptions {
  readonly cpu?: number;
  readonly memory?: number;
}

export function define(command: Command, cli: Cli): void {
  command.helpOption('-h, --help', 'print this help');
  defineList(command.command('ls').alias('list'), cli);
  defineCreate(command.command('create'), cli);
  defineRemove(command.command('rm'), cli);
  addExamples(command, [
    ['hyper template ls', 'what new pods start from'],
    ['hyper template create --cpu 2 -m 1g', 'before the first pod of this shape'],
    ['hyper template rm $(hyper template ls -q)', 'all of them: they are made again by themselves'],
  ]);
}

function defineList(command: Command, cli: Cli): void {
  command
    .description('List the templates')
    .helpOption('-h, --help', 'print this help')
    .option('-q, --quiet', 'print only ids')
    .option('--format <format>', "table, json, or a template: '{{.ID}} {{.Memory}}'")
    .action(async (options: ListOptions) => {
      const now = Date.now();
      const rows = (await (await cli.connect()).templateList()).map((template) => rowOf(template, now));
      if (options.quiet === true && options.format === undefined) {
        for (const row of rows) cli.print(row.ID);
        return;
      }
      const text = formatList(rows, { format: options.format, columns });
      if (text !== null) cli.print(text);
    });
}

function defineCreate(command: Command, cli: Cli): void {
  command
    .description('Make the template of a shape, in place of the one that is there')
    .helpOption('-h, --help', 'print this help')
    .option('--cpu <number>', 'virtual CPUs (default: 1)', (text) => parseBounded(text, '--cpu', bounds.vcpus))
    .option('-m, --memory <size>', "the VM's memory in MB, or as 512m, 2g (default: 128)", (text) =>
      parseMebibytes(text, '--memory', bounds.memoryMiB),
    )
    .action(async (options: CreateOptions) => {
      const client = await cli.connect();
      if (stderr().isTTY) cli.note('a VM boots and is frozen: this takes some seconds');
      const { id } = await client.templateCreate({
        ...given('vcpus', options.cpu),
        ...given('memoryMiB', options.memory),
      });
      cli.print(id);
    });
}

function defineRemove(command: Command, cli: Cli): void {
  command
    .description('Remove templates; VMs that were started from them go on')
    .helpOption('-h, --help', 'print this help')
    .argument('<template...>', 'ids, or the beginning of an id')
    .action(async (templates: readonly string[]) => {
      const client = await cli.connect();
      await forEachTarget(templates, cli, async (template) => (await client.templateRemove(template)).id);
    });
}

interface TemplateRow {
  readonly ID: string;
  readonly CPUs: number;
  readonly Memory: string;
  readonly Network: string;
  readonly CreatedAt: string;
  readonly CreatedSince: string;
  readonly Size: string;
  readonly SizeBytes: number;
}

function rowOf({ id, vcpus, memoryMiB, nic, createdAt, sizeBytes }: Template, now: number): TemplateRow {
  return {
    ...{ ID: id, CPUs: vcpus, Memory: `${memoryMiB}MiB`, Network: nic ? 'yes' : 'none' },
    ...{
      CreatedAt: createdAt,
      CreatedSince: showAge(createdAt, now),
      Size: showBytes(sizeBytes),
      SizeBytes: sizeBytes,
    },
  };
}

const columns = [
  { header: 'TEMPLATE ID', align: 'left', width: 20, cell: (row: TemplateRow) => row.ID },
  { header: 'CPUS', align: 'left', width: 8, cell: (row: TemplateRow) => String(row.CPUs) },
  { header: 'MEMORY', align: 'left', width: 12, cell: (row: TemplateRow) => row.Memory },
  { header: 'NETWORK', align: 'left', width: 10, cell: (row: TemplateRow) => row.Network },
  { header: 'CREATED', align: 'left', width: 17, cell: (row: TemplateRow) => row.CreatedSince },
  { header: 'SIZE', align: 'left', cell: (row: TemplateRow) => row.Size },
] as const;
