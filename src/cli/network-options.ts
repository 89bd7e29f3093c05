import { isIP } from 'node:net';
import type { Command } from 'commander';
import type { PodSpec } from '../contract/index.ts';
import { collect } from './collect.ts';
import { UsageError } from './usage-error.ts';
import { parseEgress, parseRate } from './values/egress.ts';
import { parseNetworks } from './values/networks.ts';
import { parseAllPublished } from './values/ports.ts';

/** What `run` and `create` are told about the pod's network, as commander gives it. */
export interface PodNetworkOptions {
  readonly network?: readonly string[];
  readonly networkAlias?: readonly string[];
  readonly ip?: string;
  readonly ip6?: string;
  readonly macAddress?: string;
  readonly dns?: readonly string[];
  readonly dnsSearch?: readonly string[];
  readonly addHost?: readonly string[];
  readonly egress?: readonly string[];
  readonly netRate?: string;
  readonly publish?: readonly string[];
  readonly publishAll?: boolean;
}

export function addNetworkOptions(command: Command): Command {
  return command
    .option(
      '--net, --network <name>',
      'a network, or none (default: the default network); again for further ones, also as name=…,ip=…,alias=…',
      collect,
    )
    .option('--network-alias <name>', 'a further name in the DNS of its first network', collect)
    .option('--ip <address>', 'its IPv4 address on the first network (default: the next that is free)')
    .option('--ip6 <address>', 'its IPv6 address there, where the network has IPv6')
    .option('--mac, --mac-address <address>', 'the MAC address of its first NIC')
    .option('--dns <address>', 'ask this server for names that are not of pods', collect)
    .option('--dns-search <domain>', 'look for short names in this domain', collect)
    .option('--add-host <name:address>', 'a line for /etc/hosts; the address host-gateway is this host', collect)
    .option(
      '--egress <none|to[:port],...>',
      'reach only these beyond its network: 10.0.0.0/8, example.com:443, [2001:db8::1]:443',
      collect,
    )
    .option('--net-rate <in[:out]>', 'bits a second to the pod, and from it: 10mbit:2mbit')
    .option(
      '-p, --publish <[ip:]host:container[/udp]>',
      "a port of this host that leads to the pod's, or a range; 8000-8009:80 is the first free one",
      collect,
    )
    .option('-P, --publish-all', 'publish each port that the image exposes, on a free port of this host');
}

/** The part of a pod's spec that is its network. */
export function networkSpecOf(
  options: PodNetworkOptions,
): Pick<PodSpec, 'networks' | 'dns' | 'hosts' | 'egress' | 'rate' | 'ports' | 'publishAll'> {
  const { network = [], networkAlias, ip, ip6, macAddress, dns, dnsSearch, addHost, publish } = options;
  const networks = parseNetworks(network, { ip, ip6, mac: macAddress, aliases: networkAlias });
  for (const address of dns ?? []) {
    if (isIP(address) === 0) throw new UsageError(`--dns is '${address}': give an IP address`);
  }
  return {
    ...(networks === undefined ? {} : { networks }),
    ...(dns === undefined && dnsSearch === undefined
      ? {}
      : { dns: { ...(dns && { servers: [...dns] }), ...(dnsSearch && { search: [...dnsSearch] }) } }),
    ...(addHost === undefined ? {} : { hosts: addHost.map(parseHost) }),
    ...(options.egress === undefined ? {} : { egress: parseEgress(options.egress) }),
    ...(options.netRate === undefined ? {} : { rate: parseRate(options.netRate) }),
    ...(publish === undefined ? {} : { ports: parseAllPublished(publish, '--publish') }),
    ...(options.publishAll === true ? { publishAll: true } : {}),
  };
}

/** `NAME:ADDRESS`, or as newer dockers have it `NAME=ADDRESS`; an IPv6 address with or without brackets. */
function parseHost(text: string): NonNullable<PodSpec['hosts']>[number] {
  const [, name, bracketed, plain] = /^([^\s:=]+)[:=](?:\[(\S+)\]|(\S+))$/.exec(text) ?? [];
  const address = bracketed ?? plain;
  if (name === undefined || address === undefined || !(isIP(address) !== 0 || address === 'host-gateway')) {
    throw new UsageError(`--add-host is '${text}': give NAME:ADDRESS, as db:10.0.0.5, or NAME:host-gateway`);
  }
  return { name, address };
}
