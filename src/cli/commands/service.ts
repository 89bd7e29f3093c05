import type { Command } from 'commander';
import type { Service } from '../../contract/index.ts';
import type { Cli } from '../cli.ts';
import { addExamples } from '../examples.ts';
import { formatList } from '../output/list-format.ts';
import { parseService, parseServiceHost } from '../values/services.ts';

const hostArgument = ['[host...]', 'ip:port of who answers, in turn; none: connections are refused'] as const;
const serviceForm = 'ip:port[/udp] that the processes of the pod connect to';

export function define(command: Command, cli: Cli): void {
  command.helpOption('-h, --help', 'print this help');
  defineList(command.command('ls').alias('list'), cli);
  defineAdd(command.command('add'), cli);
  defineUpdate(command.command('update'), cli);
  defineDelete(command.command('delete').alias('rm'), cli);
  addExamples(command, [
    ['hyper service add web 10.254.0.1:80 192.168.123.2:8080 192.168.123.3:8080', 'two hosts take turns'],
    ['hyper service update web 10.254.0.1:80 192.168.123.4:8080', 'another host; connections that there are go on'],
    ['hyper service ls web', "the services of the pod 'web'"],
    ['hyper service delete web 10.254.0.1:80', 'and no more'],
  ]);
}

function defineList(command: Command, cli: Cli): void {
  command
    .description("List a pod's services")
    .helpOption('-h, --help', 'print this help')
    .argument('<pod>', 'name or id of a pod')
    .option('--format <format>', "table, json, or a template: '{{.Service}} {{.Hosts}}'")
    .action(async (pod: string, { format }: { readonly format?: string }) => {
      const { services } = await (await cli.connect()).podInspect(pod);
      const text = formatList(services.map(rowOf), { format, columns });
      if (text !== null) cli.print(text);
    });
}

function defineAdd(command: Command, cli: Cli): void {
  command
    .description('Have a pod reach hosts, in turn, at one address')
    .helpOption('-h, --help', 'print this help')
    .argument('<pod>', 'name or id of a pod')
    .argument('<service>', serviceForm)
    .argument(...hostArgument)
    .action(async (pod: string, service: string, hosts: readonly string[]) => {
      const spec = { ...parseService(service), hosts: hosts.map(parseServiceHost) };
      await (await cli.connect()).podServiceAdd(pod, [spec]);
    });
}

function defineUpdate(command: Command, cli: Cli): void {
  command
    .description('Give a service of a pod other hosts')
    .helpOption('-h, --help', 'print this help')
    .argument('<pod>', 'name or id of a pod')
    .argument('<service>', 'ip:port[/udp], as it was added')
    .argument(...hostArgument)
    .action(async (pod: string, service: string, hosts: readonly string[]) => {
      const spec = { ...parseService(service), hosts: hosts.map(parseServiceHost) };
      await (await cli.connect()).podServiceUpdate(pod, [spec]);
    });
}

function defineDelete(command: Command, cli: Cli): void {
  command
    .description('Take services of a pod away')
    .helpOption('-h, --help', 'print this help')
    .argument('<pod>', 'name or id of a pod')
    .argument('<service...>', 'ip:port[/udp], as it was added')
    .action(async (pod: string, texts: readonly string[]) => {
      const services = texts.map(parseService);
      const client = await cli.connect();
      for (const service of services) await client.podServiceRemove(pod, service);
    });
}

interface ServiceRow {
  readonly Service: string;
  readonly Protocol: string;
  readonly Hosts: string;
}

const place = ({ address, port }: { readonly address: string; readonly port: number }): string =>
  `${address.includes(':') ? `[${address}]` : address}:${port}`;

function rowOf(service: Service): ServiceRow {
  return { Service: place(service), Protocol: service.protocol, Hosts: service.hosts.map(place).join(',') };
}

const columns = [
  { header: 'SERVICE', align: 'left', width: 24, cell: (row: ServiceRow) => row.Service },
  { header: 'PROTOCOL', align: 'left', width: 10, cell: (row: ServiceRow) => row.Protocol },
  { header: 'HOSTS', align: 'left', cell: (row: ServiceRow) => row.Hosts },
] as const;
