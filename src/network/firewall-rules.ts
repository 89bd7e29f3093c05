import { isIPv4, isIPv6 } from 'node:net';
import { HyperError } from '../lib/errors.ts';
import type { Endpoint } from './endpoint.ts';

export interface FirewallOptions {
  readonly bridge: string;
  readonly subnet: string;
  readonly gateway: string;
  /** Where our DNS server listens on the gateway; guests always ask port 53. */
  readonly dnsPort: number;
  readonly forbiddenDestinations: readonly string[];
}

/**
 * Where clouds answer a machine's own questions, its credentials among them: link-local (AWS, Google, Azure, …), Azure's
 * wire server, Alibaba's, and AWS' by IPv6.
 */
export const metadataServices = ['169.254.0.0/16', '168.63.129.16', '100.100.100.200', 'fd00:ec2::254'] as const;

/** One table of ours per bridge in each of two families, so that hyperds side by side never touch each other's. */
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
 * The whole of our rules as one nft transaction. The inet table is made anew; the bridge table keeps its sets: guests
 * of an earlier run stay connected meanwhile.
 */
export function firewallRules(options: FirewallOptions): string {
  const { bridge, subnet, gateway, dnsPort } = options;
  const table = tableOf(bridge);
  const forbidden = [...metadataServices, ...options.forbiddenDestinations];
  return `
table bridge ${table} {
  set taps { type ifname; }
  set guests { type ifname . ether_addr . ipv4_addr; }
  chain prerouting { type filter hook prerouting priority filter; policy accept; }
}
flush chain bridge ${table} prerouting
table bridge ${table} {
  chain prerouting {
    iifname != @taps accept
    ether type ip iifname . ether saddr . ip saddr @guests accept
    ether type arp iifname . arp saddr ether . arp saddr ip @guests accept
    drop
  }
}
table inet ${table} { }
delete table inet ${table}
table inet ${table} {
${setOf(
  'forbidden4',
  'ipv4_addr',
  forbidden.filter((destination) => familyOf(destination) === 4),
)}
${setOf(
  'forbidden6',
  'ipv6_addr',
  forbidden.filter((destination) => familyOf(destination) === 6),
)}
  chain prerouting {
    type nat hook prerouting priority dstnat; policy accept;
${dnsRedirect(options)}
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
    drop
  }
  chain forward {
    type filter hook forward priority filter; policy accept;
    iifname "${bridge}" jump guest_to_outside
    oifname "${bridge}" jump outside_to_guest
  }
  chain guest_to_outside {
    ip daddr @forbidden4 drop
    ip6 daddr @forbidden6 drop
    oifname "${bridge}" accept
    meta nfproto ipv6 drop
    ip saddr != ${subnet} drop
    accept
  }
  chain outside_to_guest {
    iifname "${bridge}" accept
    ct state established,related accept
    ct status dnat accept
    drop
  }
  chain postrouting {
    type nat hook postrouting priority srcnat; policy accept;
    ip saddr ${subnet} oifname != "${bridge}" masquerade
  }
}
`;
}

/** Only where something else on this host has port 53 of all addresses. */
function dnsRedirect({ bridge, gateway, dnsPort }: FirewallOptions): string {
  if (dnsPort === 53) return '';
  const rule = (protocol: string) =>
    `    iifname "${bridge}" ip daddr ${gateway} ${protocol} dport 53 redirect to :${dnsPort}`;
  return `${rule('udp')}\n${rule('tcp')}`;
}

/** Ties each tap to the one MAC and address it may send from. */
export function admitGuests(bridge: string, endpoints: readonly Endpoint[]): string {
  return endpoints.map((endpoint) => elements('add', bridge, endpoint)).join('');
}

/** Takes an endpoint's tie away; one that is not there is fine, since it is added first. */
export function dismissGuest(bridge: string, endpoint: Endpoint): string {
  return elements('add', bridge, endpoint) + elements('delete', bridge, endpoint);
}

/** Leaves these endpoints' ties and no others. */
export function resetGuests(bridge: string, endpoints: readonly Endpoint[]): string {
  const table = tableOf(bridge);
  return `flush set bridge ${table} guests\nflush set bridge ${table} taps\n${admitGuests(bridge, endpoints)}`;
}

/** Takes all our rules away. */
export function removeRules(bridge: string): string {
  const table = tableOf(bridge);
  return ['inet', 'bridge'].map((family) => `table ${family} ${table} { }\ndelete table ${family} ${table}\n`).join('');
}

function elements(verb: 'add' | 'delete', bridge: string, { tap, mac, address }: Endpoint): string {
  const table = tableOf(bridge);
  return (
    `${verb} element bridge ${table} guests { "${tap}" . ${mac} . ${address} }\n` +
    `${verb} element bridge ${table} taps { "${tap}" }\n`
  );
}
