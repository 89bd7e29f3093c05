import { isIPv4, isIPv6 } from 'node:net';
import { HyperError } from '../lib/errors.ts';
import { addEgress, allGuests, deleteEgress, type EgressRule, networkEgress, openedMark } from './egress.ts';
import type { Endpoint } from './endpoint.ts';
import { everyAddress, type PublishedPort } from './ports/port-mapping.ts';
import { addRate, deleteRate } from './traffic-rate.ts';

export interface FirewallOptions {
  readonly bridge: string;
  readonly subnet: string;
  readonly gateway: string;
  /** Where our DNS server listens on the gateway; guests always ask port 53. */
  readonly dnsPort: number;
  readonly forbiddenDestinations: readonly string[];
  /** Guests reach nothing but each other. */
  readonly internal: boolean;
  /** What any of its guests may reach beyond it; null: everything. */
  readonly egress: readonly EgressRule[] | null;
}

/**
 * Where clouds answer a machine's own questions, its credentials among them: link-local (AWS, Google, Azure, …), Azure's
 * wire server, Alibaba's, and AWS' by IPv6.
 */
export const metadataServices = ['169.254.0.0/16', '168.63.129.16', '100.100.100.200', 'fd00:ec2::254'] as const;

/** One table of ours per bridge in each of three families, so that hyperds side by side never touch each other's. */
export function tableOf(bridge: string): string {
  return `hyper_${bridge}`;
}

function familyOf(destination: string): 4 | 6 {
  const [address = '', prefix = '0', ...rest] = destination.split('/');
  if (rest.length === 0 && /^\d{1,3}$/.test(prefix)) {
    if (isIPv4(address)) return 4;
    if (isIPv6(address)) return 6;
  }
  throw new HyperError('bad_request', `not an address or network: ${destination}: write it as 10.0.0.0/8`);
}

function setOf(name: string, type: string, elements: readonly string[]): string {
  const body = elements.length === 0 ? '' : `elements = { ${elements.join(', ')} };`;
  return `  set ${name} { type ${type}; flags interval; auto-merge; ${body} }`;
}

/**
 * The whole of our rules as one nft transaction. The inet table is made anew; the others keep their sets and maps: guests
 * of an earlier run stay connected, and their published ports open, meanwhile.
 */
export function firewallRules(options: FirewallOptions): string {
  return bridgeRules(options) + natRules(options) + filterRules(options);
}

/** What a guest sends in another's name is dropped at its tap. */
function bridgeRules({ bridge }: FirewallOptions): string {
  const table = tableOf(bridge);
  return `
table bridge ${table} {
  set taps { type ifname; }
  set guests { type ifname . ether_addr . ipv4_addr; }
  map rates { type ifname : verdict; }
  chain prerouting { type filter hook prerouting priority filter; policy accept; }
}
flush chain bridge ${table} prerouting
table bridge ${table} {
  chain prerouting {
    iifname != @taps accept
    iifname vmap @rates
    ether type ip iifname . ether saddr . ip saddr @guests accept
    ether type arp iifname . arp saddr ether . arp saddr ip @guests accept
    drop
  }
}
`;
}

/**
 * Published ports, DNS, and the way out. A packet of the host's own loopback, and one of a guest to its own network's
 * published port, must come back the way it went: its source becomes the bridge's.
 */
function natRules(options: FirewallOptions): string {
  const { bridge, subnet, internal, egress } = options;
  const table = tableOf(bridge);
  const chains = {
    prerouting: 'type nat hook prerouting priority dstnat; policy accept;',
    output: 'type nat hook output priority -100; policy accept;',
    postrouting: 'type nat hook postrouting priority srcnat; policy accept;',
    egress: 'type filter hook forward priority -1; policy accept;',
    published: '',
  };
  const bounds = egress === null ? '' : networkEgress(table, egress, metadataServices);
  const bounded = bounds === '' ? '' : `    iifname "${bridge}" oifname != "${bridge}" jump egress_${allGuests}\n`;
  const masquerade = internal ? '' : `    ip saddr ${subnet} oifname != "${bridge}" masquerade\n`;
  return `
table ip ${table} {
  map ports { type ipv4_addr . inet_proto . inet_service : ipv4_addr . inet_service; }
  map egress_guests { type ipv4_addr : verdict; }
  map ports_of_all { type inet_proto . inet_service : ipv4_addr . inet_service; }
${Object.entries(chains)
  .map(([name, kind]) => `  chain ${name} { ${kind} }\n`)
  .join('')}}
${Object.keys(chains)
  .map((name) => `flush chain ip ${table} ${name}\n`)
  .join('')}${bounds}
table ip ${table} {
  chain prerouting {
${dnsRules(options)}
    fib daddr type local jump published
  }
  chain output {
    fib daddr type local jump published
  }
  chain published {
    dnat to ip daddr . meta l4proto . th dport map @ports
    dnat to meta l4proto . th dport map @ports_of_all
  }
  chain egress {
    ct direction reply accept
${bounded}    iifname "${bridge}" oifname != "${bridge}" ip saddr vmap @egress_guests
  }
  chain postrouting {
${masquerade}    oifname "${bridge}" ip saddr 127.0.0.0/8 masquerade
    oifname "${bridge}" ip saddr ${subnet} ct status dnat masquerade
  }
}
`;
}

/** Guests' DNS is ours whatever is published; something else on this host may have port 53 of all addresses. */
function dnsRules({ bridge, gateway, dnsPort }: FirewallOptions): string {
  const to = dnsPort === 53 ? 'accept' : `redirect to :${dnsPort}`;
  const rule = (protocol: string) => `    iifname "${bridge}" ip daddr ${gateway} ${protocol} dport 53 ${to}`;
  return `${rule('udp')}\n${rule('tcp')}`;
}

function filterRules(options: FirewallOptions): string {
  const { bridge, subnet, gateway, dnsPort, internal } = options;
  const table = tableOf(bridge);
  const forbidden = [...metadataServices, ...options.forbiddenDestinations];
  const ofFamily = (family: 4 | 6) => forbidden.filter((destination) => familyOf(destination) === family);
  const outside = internal
    ? '    reject with icmpx admin-prohibited'
    : `    meta nfproto ipv6 drop\n    ip saddr != ${subnet} drop\n    accept`;
  return `
table inet ${table} { }
delete table inet ${table}
table inet ${table} {
${setOf('forbidden4', 'ipv4_addr', ofFamily(4))}
${setOf('forbidden6', 'ipv6_addr', ofFamily(6))}
  set host_users { type ipv4_addr; }
  chain loopback {
    type filter hook prerouting priority raw; policy accept;
    iifname "${bridge}" ip daddr 127.0.0.0/8 drop
    iifname "${bridge}" ip saddr 127.0.0.0/8 drop
  }
  chain input {
    type filter hook input priority filter; policy accept;
    iifname "${bridge}" jump from_guest
    ip daddr ${gateway} iifname != "lo" drop
  }
  chain from_guest {
    ct state vmap { established : accept, related : accept, invalid : drop }
    ip daddr ${gateway} udp dport ${dnsPort} accept
    ip daddr ${gateway} tcp dport ${dnsPort} accept
    ip daddr ${gateway} icmp type echo-request accept
    ip daddr ${gateway} ip saddr @host_users accept
    drop
  }
  chain forward {
    type filter hook forward priority filter; policy accept;
    iifname "${bridge}" jump guest_to_outside
    oifname "${bridge}" jump outside_to_guest
  }
  chain guest_to_outside {
    ct state established,related accept
${internal ? '' : `    meta mark ${openedMark} accept\n`}    ip daddr @forbidden4 drop
    ip6 daddr @forbidden6 drop
    oifname "${bridge}" accept
${outside}
  }
  chain outside_to_guest {
    iifname "${bridge}" accept
    ct state established,related accept
    ct status dnat accept
    drop
  }
}
`;
}

/** Ties each tap to the one MAC and address it may send from, opens its published ports, and bounds what it may reach. */
export function admitGuests(bridge: string, endpoints: readonly Endpoint[]): string {
  return endpoints
    .map((endpoint) => {
      const { egress, tap, rate } = endpoint;
      const table = tableOf(bridge);
      const bounded = egress === null ? '' : addEgress(table, endpoint, egress, metadataServices);
      return bounded + addRate(table, tap, rate) + elements('add', bridge, endpoint);
    })
    .join('');
}

/** Takes an endpoint's tie away; one that is not there is fine, since it is added first. */
export function dismissGuest(bridge: string, endpoint: Endpoint): string {
  const { egress, tap, rate } = endpoint;
  const table = tableOf(bridge);
  const freed = (egress === null ? '' : deleteEgress(table, endpoint, egress)) + deleteRate(table, tap, rate);
  return admitGuests(bridge, [endpoint]) + elements('delete', bridge, endpoint) + freed;
}

/** Leaves these endpoints' ties and ports and no others. */
export function resetGuests(bridge: string, endpoints: readonly Endpoint[]): string {
  const table = tableOf(bridge);
  const flushed = [
    'set bridge TABLE guests',
    'set bridge TABLE taps',
    'map ip TABLE ports',
    'map ip TABLE ports_of_all',
    'map ip TABLE egress_guests',
    'map bridge TABLE rates',
  ];
  const flush = flushed.map((what) => `flush ${what.replace('TABLE', table)}\n`).join('');
  return flush + admitGuests(bridge, endpoints);
}

/** Opens published ports of a guest. */
export function openPorts(bridge: string, address: string, ports: readonly PublishedPort[]): string {
  return ports.map((port) => portElement('add', bridge, address, port)).join('');
}

/** Closes them; those that are not there are fine. */
export function closePorts(bridge: string, address: string, ports: readonly PublishedPort[]): string {
  return ports
    .map((port) => portElement('add', bridge, address, port) + portElement('delete', bridge, address, port))
    .join('');
}

/** Takes all our rules away. */
export function removeRules(bridge: string): string {
  const table = tableOf(bridge);
  return ['inet', 'bridge', 'ip']
    .map((family) => `table ${family} ${table} { }\ndelete table ${family} ${table}\n`)
    .join('');
}

function elements(verb: 'add' | 'delete', bridge: string, endpoint: Endpoint): string {
  const { tap, mac, address, hostAccess, ports } = endpoint;
  const table = tableOf(bridge);
  return (
    `${verb} element bridge ${table} guests { "${tap}" . ${mac} . ${address} }\n` +
    `${verb} element bridge ${table} taps { "${tap}" }\n` +
    (hostAccess ? `${verb} element inet ${table} host_users { ${address} }\n` : '') +
    ports.map((port) => portElement(verb, bridge, address, port)).join('')
  );
}

function portElement(verb: 'add' | 'delete', bridge: string, address: string, port: PublishedPort): string {
  const { protocol, guestPort, arrivesAt } = port;
  const key = `${protocol} . ${arrivesAt.port}`;
  const [map, at] = arrivesAt.ip === everyAddress ? ['ports_of_all', key] : ['ports', `${arrivesAt.ip} . ${key}`];
  return `${verb} element ip ${tableOf(bridge)} ${map} { ${at} : ${address} . ${guestPort} }\n`;
}
