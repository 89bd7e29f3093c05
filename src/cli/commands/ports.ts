import type { Command } from 'commander';
import type { Cli } from '../cli.ts';
import { collect } from '../collect.ts';
import { addExamples } from '../examples.ts';
import { formatList } from '../output/list-format.ts';
import { describePort, type PortRow, portRow } from '../output/port-rows.ts';
import { UsageError } from '../usage-error.ts';
import { parseAllPublished, parseUnpublish } from '../values/ports.ts';

export function define(command: Command, cli: Cli): void {
  command.helpOption('-h, --help', 'print this help');
  defineList(command.command('ls').alias('list'), cli);
  defineAdd(command.command('add'), cli);
  defineDelete(command.command('delete').alias('rm'), cli);
  addExamples(command, [
    ['hyper ports ls web', "the ports of this host that lead to the pod 'web'"],
    ['hyper ports add web 8080:80 127.0.0.1:5300:53/udp', 'while it runs'],
    ['hyper ports delete web 8080:80', 'and no more'],
  ]);
}

function defineList(command: Command, cli: Cli): void {
  command
    .description("List a pod's published ports")
    .helpOption('-h, --help', 'print this help')
    .argument('<pod>', 'name or id of a pod')
    .option('--format <format>', "table, json, or a template: '{{.HostPort}}'")
    .action(async (pod: string, { format }: { readonly format?: string }) => {
      const { ports } = await (await cli.connect()).podInspect(pod);
      const text = formatList(ports.map(portRow), { format, columns });
      if (text !== null) cli.print(text);
    });
}

function defineAdd(command: Command, cli: Cli): void {
  command
    .description('Publish further ports of a pod')
    .helpOption('-h, --help', 'print this help')
    .argument('<pod>', 'name or id of a pod')
    .argument('[port...]', '[ip:]host:container[/udp], as for run --publish')
    .option('-p, --publish <port>', 'the same', collect)
    .action(async (pod: string, texts: readonly string[], { publish }: PublishOption) => {
      const ports = parseAllPublished(named(texts, publish), 'the port');
      const added = await (await cli.connect()).podPublish(pod, ports);
      for (const port of added.ports) cli.print(describePort(port));
    });
}

function defineDelete(command: Command, cli: Cli): void {
  command
    .description('Close published ports of a pod')
    .helpOption('-h, --help', 'print this help')
    .argument('<pod>', 'name or id of a pod')
    .argument('[port...]', "as it was published, or the container's port alone")
    .option('-p, --publish <port>', 'the same', collect)
    .action(async (pod: string, texts: readonly string[], { publish }: PublishOption) => {
      const ports = named(texts, publish).flatMap(parseUnpublish);
      const client = await cli.connect();
      for (const port of ports) await client.podUnpublish(pod, port);
    });
}

interface PublishOption {
  readonly publish?: readonly string[];
}

/** The ports after the pod, and those of the first Hyper's flag. */
function named(texts: readonly string[], publish: readonly string[] = []): readonly string[] {
  const all = [...texts, ...publish];
  if (all.length === 0) throw new UsageError("missing required argument 'port': give one, as 8080:80");
  return all;
}

const columns = [
  { header: 'PROTOCOL', align: 'left', width: 10, cell: (row: PortRow) => row.Protocol },
  { header: 'HOST ADDRESS', align: 'left', width: 17, cell: (row: PortRow) => row.HostIP },
  { header: 'HOST PORT', align: 'left', width: 11, cell: (row: PortRow) => row.HostPort },
  { header: 'CONTAINER PORT', align: 'left', cell: (row: PortRow) => String(row.ContainerPort) },
] as const;
