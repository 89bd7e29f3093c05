import type { Command } from 'commander';
import type { Network } from '../../contract/index.ts';
import { HyperError } from '../../lib/errors.ts';
import type { Cli } from '../cli.ts';
import { forEachTarget } from '../each-target.ts';
import { addExamples } from '../examples.ts';
import { printInspected } from '../output/inspected.ts';
import { formatList } from '../output/list-format.ts';
import { shortId, showAge } from '../output/units.ts';
import { collect } from '../collect.ts';
import { given } from '../given.ts';
import { parseLabels, parseWhole } from '../values/container-values.ts';
import { endpointOf, parseSubnets, type SubnetFlags } from '../values/networks.ts';
import { addPruneOptions, confirmed, parsePruneFilters, printDeleted, type PruneOptions } from '../prune.ts';
import { reportFailed } from '../report-failed.ts';
import { UsageError } from '../usage-error.ts';
import { parseFilters } from '../values/filters.ts';
import { networkDriver, networkFilters } from '../values/network-filter.ts';
import { parseEgress } from '../values/egress.ts';

interface ListOptions {
  readonly quiet?: boolean;
  readonly filter?: readonly string[];
  /** False by --no-trunc. */
  readonly trunc?: boolean;
  readonly format?: string;
}

interface CreateOptions extends SubnetFlags {
  readonly mtu?: number;
  readonly internal?: boolean;
  readonly egress?: readonly string[];
  readonly label?: readonly string[];
}

export function define(command: Command, cli: Cli): void {
  command.helpOption('-h, --help', 'print this help');
  defineList(command.command('ls').alias('list'), cli);
  defineCreate(command.command('create'), cli);
  defineInspect(command.command('inspect'), cli);
  defineRemove(command.command('rm'), cli);
  definePrune(command.command('prune'), cli);
  defineConnect(command.command('connect'), cli);
  defineDisconnect(command.command('disconnect'), cli);
  addExamples(command, [
    ['hyper network create backend', 'a network of its own, in the next free subnet'],
    ['hyper run -d --network backend --name db postgres', "others of the network find it as 'db'"],
    ['hyper network connect backend web', "puts the pod 'web' on it as well, while it runs"],
    ['hyper network create --internal --subnet 10.88.0.0/24 closed', 'without a way out'],
    ['hyper network create --ipv6 both', 'with IPv6 addresses beside those of IPv4'],
  ]);
}

function defineList(command: Command, cli: Cli): void {
  command
    .description('List the networks')
    .helpOption('-h, --help', 'print this help')
    .option('-q, --quiet', 'print only ids')
    .option('-f, --filter <key=value>', 'only some: name=, id=, label=, driver=', collect)
    .option('--no-trunc', 'print whole ids')
    .option('--format <format>', "table, json, or a template: '{{.Name}} {{.Subnet}}'")
    .action(async (options: ListOptions) => {
      const now = Date.now();
      const test = parseFilters(options.filter ?? [], networkFilters);
      const networks = (await (await cli.connect()).networkList()).filter(test);
      const rows = networks.map((network) => rowOf(network, now, options.trunc !== false));
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
    .description('Make a network')
    .helpOption('-h, --help', 'print this help')
    .argument('<name>', "the network's name")
    .option('-d, --driver <name>', 'bridge: there is no other', parseDriver)
    .option('--ipv6', 'give its pods IPv6 addresses too')
    .option(
      '--subnet <subnet>',
      '10.88.0.0/24 (default: the next that this host does not use); again for IPv6',
      collect,
    )
    .option('--gateway <address>', "the bridge's own address (default: the first); again for IPv6", collect)
    .option('--ip-range <subnet>', 'the part of the subnet that addresses are handed out of; again for IPv6', collect)
    .option('--mtu <bytes>', "the largest packet (default: the default route's)", (text) =>
      parseWhole(text, '--mtu', 68),
    )
    .option('--internal', 'its pods reach nothing but each other')
    .option(
      '--egress <none|to[:port],...>',
      'its pods reach only these beyond it, whatever their own --egress says more',
      collect,
    )
    .option('--label <name=value>', 'label the network', collect)
    .action(async (name: string, options: CreateOptions) => {
      const client = await cli.connect();
      const made = await client.networkCreate({
        name,
        ...parseSubnets(options),
        ...given('mtu', options.mtu),
        ...given('internal', options.internal),
        ...given('egress', options.egress === undefined ? undefined : parseEgress(options.egress)),
        ...given('labels', options.label === undefined ? undefined : parseLabels(options.label)),
      });
      cli.print(made.id);
    });
}

function defineInspect(command: Command, cli: Cli): void {
  command
    .description('Print all about networks')
    .helpOption('-h, --help', 'print this help')
    .argument('<network...>', 'names or ids')
    .option('-f, --format <format>', "json, or a template: '{{.subnet}}'")
    .action(async (names: readonly string[], { format }: { readonly format?: string }) => {
      const client = await cli.connect();
      const networks: Network[] = [];
      for (const name of names) {
        try {
          networks.push(await client.networkInspect(name));
        } catch (error) {
          if (names.length === 1 || !(error instanceof HyperError) || error.code !== 'not_found') throw error;
          cli.note(`hyper: ${error.message}`);
          cli.exitCode = 1;
        }
      }
      printInspected(cli, networks, format);
    });
}

function defineRemove(command: Command, cli: Cli): void {
  command
    .description('Remove networks that no pod is made for')
    .helpOption('-h, --help', 'print this help')
    .argument('<network...>', 'names or ids')
    .action(async (networks: readonly string[]) => {
      const client = await cli.connect();
      await forEachTarget(networks, cli, async (network) => (await client.networkRemove(network)).name);
    });
}

function definePrune(command: Command, cli: Cli): void {
  addPruneOptions(
    command.description('Remove all networks that no pod is made for').helpOption('-h, --help', 'print this help'),
  ).action(async ({ force = false, filter = [] }: PruneOptions) => {
    const request = parsePruneFilters(filter, Date.now());
    if (!force && !(await confirmed('all networks that no pod is made for.'))) return;
    const { removed, failed } = await (await cli.connect()).networkPrune(request);
    printDeleted('Networks', removed, cli);
    reportFailed(failed, cli);
  });
}

interface ConnectOptions {
  readonly ip?: string;
  readonly ip6?: string;
  readonly macAddress?: string;
  readonly alias?: readonly string[];
}

function defineConnect(command: Command, cli: Cli): void {
  command
    .description('Put a pod on a further network, now and at each of its starts')
    .helpOption('-h, --help', 'print this help')
    .argument('<network>', 'name or id of a network')
    .argument('<pod>', 'name or id of a pod')
    .option('--ip <address>', 'its IPv4 address there (default: the next that is free)')
    .option('--ip6 <address>', 'its IPv6 address there, where the network has IPv6')
    .option('--mac, --mac-address <address>', 'the MAC address of its NIC')
    .option('--alias <name>', 'a further name in the DNS of the network', collect)
    .action(async (name: string, pod: string, { ip, ip6, macAddress, alias }: ConnectOptions) => {
      const { network, ...wish } = endpointOf(name, { ip, ip6, mac: macAddress, aliases: alias, aliasFlag: '--alias' });
      await (await cli.connect()).networkConnect(network, { pod, ...wish });
    });
}

function defineDisconnect(command: Command, cli: Cli): void {
  command
    .description('Take a pod off a network, now and for its next starts')
    .helpOption('-h, --help', 'print this help')
    .argument('<network>', 'name or id of a network')
    .argument('<pod>', 'name or id of a pod')
    .action(async (network: string, pod: string) => {
      await (await cli.connect()).networkDisconnect(network, pod);
    });
}

/** docker's others need what a guest has not: its host's network, or a daemon on other machines. */
function parseDriver(text: string): string {
  if (text === networkDriver) return text;
  const advice = text === 'none' || text === 'null' ? ": for a pod without a network 'hyper run --network none'" : '';
  throw new UsageError(`--driver is '${text}': there is no network driver but ${networkDriver}${advice}`);
}

interface NetworkRow {
  readonly ID: string;
  readonly Name: string;
  readonly Driver: string;
  readonly Bridge: string;
  readonly Subnet: string;
  readonly Gateway: string;
  readonly IPv6: boolean;
  readonly Subnet6: string;
  readonly Gateway6: string;
  readonly Internal: boolean;
  readonly State: string;
  readonly Guests: number;
  readonly CreatedAt: string;
  readonly CreatedSince: string;
}

function rowOf(network: Network, now: number, cutIds: boolean): NetworkRow {
  const { id, name, bridge, subnet, gateway, ipv6, internal, state, createdAt, guests } = network;
  return {
    ...{
      ID: cutIds ? shortId(id) : id,
      Name: name,
      Driver: networkDriver,
      Bridge: bridge,
      Subnet: subnet,
      Gateway: gateway,
      Internal: internal,
    },
    ...{ IPv6: ipv6 !== null, Subnet6: ipv6?.subnet ?? '', Gateway6: ipv6?.gateway ?? '' },
    ...{ State: state, Guests: guests.length, CreatedAt: createdAt ?? '' },
    CreatedSince: createdAt === null ? '' : showAge(createdAt, now),
  };
}

const subnetsOf = ({ Subnet, Subnet6 }: NetworkRow): string => (Subnet6 === '' ? Subnet : `${Subnet}, ${Subnet6}`);

const columns = [
  { header: 'NETWORK ID', align: 'left', width: 15, cell: (row: NetworkRow) => row.ID },
  { header: 'NAME', align: 'left', width: 20, cell: (row: NetworkRow) => row.Name },
  { header: 'BRIDGE', align: 'left', width: 17, cell: (row: NetworkRow) => row.Bridge },
  { header: 'SUBNET', align: 'left', width: 20, cell: subnetsOf },
  { header: 'STATE', align: 'left', cell: (row: NetworkRow) => (row.Internal ? `${row.State}, internal` : row.State) },
] as const;
