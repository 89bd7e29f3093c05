import { isIPv4, isIPv6 } from 'node:net';
import { HyperError } from '../lib/errors.ts';
import { bridgeRules } from './bridge-rules.ts';
import { openedMark } from './egress.ts';
import { type FirewallOptions, metadataServices, tableOf } from './firewall-options.ts';
import { natRules } from './nat-rules.ts';

/**
 * The whole of our rules as one nft transaction. The inet table is made anew; the others keep their sets and maps: guests
 * of an earlier run stay connected, and their published ports open, meanwhile.
 */
export function firewallRules(options: FirewallOptions): string {
  return bridgeRules(options) + natRules(options) + filterRules(options);
}

function filterRules(options: FirewallOptions): string {
  const { bridge, subnet, gateway, dnsPort, internal, ipv6 } = options;
  const table = tableOf(bridge);
  const forbidden = [...metadataServices, ...options.forbiddenDestinations];
  const ofFamily = (family: 4 | 6) => forbidden.filter((destination) => addressFamilyOf(destination) === family);
  const outside = internal
    ? '    reject with icmpx admin-prohibited'
    : `${ipv6 === null ? '    meta nfproto ipv6 drop' : `    ip6 saddr != ${ipv6.subnet} drop`}\n` +
      `    ip saddr != ${subnet} drop\n    accept`;
  /** Without neighbour discovery a guest finds no gateway: it is to IPv6 what ARP is. */
  const fromIpv6Guest =
    ipv6 === null
      ? ''
      : `    icmpv6 type { nd-neighbor-solicit, nd-neighbor-advert } accept
    ip6 daddr ${ipv6.gateway} icmpv6 type echo-request accept
    ip6 daddr ${ipv6.gateway} ip6 saddr @host_users6 accept
`;
  const host = options.hostOutside?.addresses[0];
  const toHost = host === undefined ? '' : `    ip daddr ${host} ip saddr @host_users ct status dnat accept\n`;
  const gatewayOfOthers = ipv6 === null ? '' : `    ip6 daddr ${ipv6.gateway} iifname != "lo" drop\n`;
  return `
table inet ${table} { }
delete table inet ${table}
table inet ${table} {
${setOf('forbidden4', 'ipv4_addr', ofFamily(4))}
${setOf('forbidden6', 'ipv6_addr', ofFamily(6))}
  set host_users { type ipv4_addr; }
  set host_users6 { type ipv6_addr; }
  chain loopback {
    type filter hook prerouting priority raw; policy accept;
${fromLoopbackOutside(options)}    iifname "${bridge}" ip daddr 127.0.0.0/8 drop
    iifname "${bridge}" ip saddr 127.0.0.0/8 drop
    iifname "${bridge}" ip6 daddr ::1 drop
    iifname "${bridge}" ip6 saddr ::1 drop
  }
  chain input {
    type filter hook input priority filter; policy accept;
    iifname "${bridge}" jump from_guest
    ip daddr ${gateway} iifname != "lo" drop
${gatewayOfOthers}  }
  chain from_guest {
    ct state vmap { established : accept, related : accept, invalid : drop }
    ip daddr ${gateway} udp dport ${dnsPort} accept
    ip daddr ${gateway} tcp dport ${dnsPort} accept
    ip daddr ${gateway} icmp type echo-request accept
    ip daddr ${gateway} ip saddr @host_users accept
${fromIpv6Guest}    drop
  }
  chain forward {
    type filter hook forward priority filter; policy accept;
    iifname "${bridge}" jump guest_to_outside
    oifname "${bridge}" jump outside_to_guest
  }
  chain guest_to_outside {
    ct state established,related accept
${internal ? '' : `    meta mark ${openedMark} accept\n`}${toHost}    ip daddr @forbidden4 drop
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

/**
 * slirp4netns brings UDP of the host's loopback in with its source as it is, once it has brought an answer to another
 * (libslirp 4.7): the kernel would drop it.
 */
function fromLoopbackOutside({ hostOutside }: FirewallOptions): string {
  if (hostOutside === null) return '';
  return `    iifname "${hostOutside.device}" ip saddr 127.0.0.0/8 ip saddr set ${hostOutside.loopback}\n`;
}

/** Takes all our rules away. @param hasIpv6 whether the kernel has it: one without knows no such table */
export function removeRules(bridge: string, hasIpv6: boolean): string {
  const families = ['inet', 'bridge', 'ip', ...(hasIpv6 ? ['ip6'] : [])];
  return families.map((family) => removeTable(bridge, family)).join('');
}

/** Takes away what a network had that has no IPv6 any more. */
export function removeIpv6Rules(bridge: string): string {
  return removeTable(bridge, 'ip6');
}

/** It is made first, so that one that is not there is fine. */
function removeTable(bridge: string, family: string): string {
  const table = `table ${family} ${tableOf(bridge)}`;
  return `${table} { }\ndelete ${table}\n`;
}

function addressFamilyOf(destination: string): 4 | 6 {
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
