import type { Command } from 'commander';
import type { HyperClient } from '../../client/index.ts';
import type { Cli } from '../cli.ts';
import { forEachTarget } from '../each-target.ts';
import { addExamples } from '../examples.ts';
import { formatList } from '../output/list-format.ts';
import { printInspected } from '../output/inspected.ts';
import { showBytes } from '../output/units.ts';
import { volumeDetails, volumeRow } from '../output/volume-rows.ts';
import { collect } from '../collect.ts';
import { unlessMissing } from '../unless-missing.ts';
import { UsageError } from '../usage-error.ts';
import { parseLabels } from '../values/container-values.ts';
import { parseFilters } from '../values/filters.ts';
import { volumeFilters } from '../values/volume-filter.ts';
import { confirmed, printDeleted } from '../prune.ts';
import { reportFailed } from '../report-failed.ts';

export function define(command: Command, cli: Cli): void {
  command.helpOption('-h, --help', 'print this help');
  defineCreate(subcommand(command, 'create', 'Make a volume'), cli);
  defineList(subcommand(command, 'ls', 'List the volumes').alias('list'), cli);
  defineInspect(subcommand(command, 'inspect', 'Print all about volumes'), cli);
  defineRemove(subcommand(command, 'rm', 'Remove volumes and what is in them').alias('remove'), cli);
  definePrune(subcommand(command, 'prune', 'Remove volumes without a name that no pod has'), cli);
  addExamples(command, [
    ['hyper volume create data', 'a folder that pods share'],
    ['hyper volume create --opt type=disk --opt size=2g db', 'a disk of a size that holds, for one pod at a time'],
    [
      'hyper volume create --opt type=nfs --opt o=addr=192.0.2.7,rw --opt device=:/export nas',
      'a folder of an NFS server',
    ],
    ['hyper run -v data:/data busybox touch /data/x', 'it outlives the pod'],
    ['hyper volume rm data', ''],
  ]);
}

const subcommand = (command: Command, name: string, description: string): Command =>
  command.command(name).description(description).helpOption('-h, --help', 'print this help');

interface CreateOptions {
  readonly driver: string;
  readonly label?: readonly string[];
  readonly opt?: readonly string[];
}

function defineCreate(command: Command, cli: Cli): void {
  command
    .argument('[name]', 'its name (default: one is made up, and the volume is anonymous)')
    .option('-d, --driver <name>', 'only local', 'local')
    .option('--label <name=value>', 'label the volume', collect)
    .option(
      '-o, --opt <name=value>',
      'type=disk with size=1g: a disk of its own; type=nfs with o and device: NFS',
      collect,
    )
    .action(async (name: string | undefined, { driver, label, opt }: CreateOptions) => {
      const spec = {
        ...(name === undefined ? {} : { name }),
        ...{ driver, labels: parseLabels(label ?? []), options: parseOptions(opt ?? []) },
      };
      cli.print((await (await cli.connect()).volumeCreate(spec)).name);
    });
}

function parseOptions(texts: readonly string[]): Record<string, string> {
  return Object.fromEntries(
    texts.map((text) => {
      const [name = ''] = text.split('=', 1);
      if (name === '' || name === text) throw new UsageError(`--opt is '${text}': give NAME=VALUE, as type=disk`);
      return [name, text.slice(name.length + 1)];
    }),
  );
}

interface ListOptions {
  readonly quiet?: boolean;
  readonly format?: string;
  readonly filter?: readonly string[];
}

function defineList(command: Command, cli: Cli): void {
  command
    .option('-q, --quiet', 'print only names')
    .option('-f, --filter <key=value>', 'only some: name=, label=, driver=, dangling=true', collect)
    .option('--format <format>', "table, json, or a template: '{{.Name}} {{.Mountpoint}}'")
    .action(async ({ quiet, format, filter }: ListOptions) => {
      const test = parseFilters(filter ?? [], volumeFilters);
      const rows = (await (await cli.connect()).volumeList()).filter(test).map(volumeRow);
      if (quiet === true && format === undefined) {
        for (const row of rows) cli.print(row.Name);
        return;
      }
      const text = formatList(rows, { format, columns, headers: { Name: 'VOLUME NAME' } });
      if (text !== null) cli.print(text);
    });
}

const columns = [
  { header: 'DRIVER', align: 'left', width: 10, cell: (row: ReturnType<typeof volumeRow>) => row.Driver },
  { header: 'VOLUME NAME', align: 'left', cell: (row: ReturnType<typeof volumeRow>) => row.Name },
] as const;

function defineInspect(command: Command, cli: Cli): void {
  command
    .argument('<volume...>', 'names of volumes')
    .option('-f, --format <format>', "json, or a template: '{{.Mountpoint}}'")
    .action(async (names: readonly string[], { format }: { readonly format?: string }) => {
      const client = await cli.connect();
      const found: object[] = [];
      for (const name of names) {
        const details = await detailsOf(client, name);
        if (details !== undefined) {
          found.push(details);
          continue;
        }
        cli.note(`hyper: no such volume: ${name}: see 'hyper volume ls'`);
        cli.exitCode = 1;
      }
      printInspected(cli, found, format);
    });
}

async function detailsOf(client: HyperClient, name: string): Promise<object | undefined> {
  const volume = await unlessMissing(client.volumeInspect(name));
  return volume === undefined ? undefined : volumeDetails(volume);
}

function defineRemove(command: Command, cli: Cli): void {
  command
    .argument('<volume...>', 'names of volumes')
    .option('-f, --force', 'say nothing of those that are not there')
    .action(async (volumes: readonly string[], { force }: { readonly force?: boolean }) => {
      const client = await cli.connect();
      await forEachTarget(volumes, cli, async (volume) => {
        await client.volumeRemove(volume, { force });
        return volume;
      });
    });
}

interface PruneOptions {
  readonly all?: boolean;
  readonly force?: boolean;
  readonly filter?: readonly string[];
}

function definePrune(command: Command, cli: Cli): void {
  command
    .option('-a, --all', 'those with a name too')
    .option('-f, --force', 'do not ask')
    .option('--filter <label=name[=value]>', 'only some: label=', collect)
    .action(async ({ all = false, force = false, filter = [] }: PruneOptions) => {
      const labels = filter.map((text) => {
        if (/^label=./.test(text)) return text.slice('label='.length);
        throw new UsageError(`--filter is '${text}': give label=NAME or label=NAME=VALUE`);
      });
      const which = all ? 'all' : 'anonymous';
      if (!force && !(await confirmed(`${which} local volumes not used by at least one pod.`))) return;
      const { removed, failed, freedBytes } = await (await cli.connect()).volumePrune({ all, labels });
      printDeleted('Volumes', removed, cli);
      cli.print(`Total reclaimed space: ${showBytes(freedBytes)}`);
      reportFailed(failed, cli);
    });
}
