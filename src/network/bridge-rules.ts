import type { Endpoint } from './endpoint.ts';
import { type FirewallOptions, tableOf } from './firewall-options.ts';
import { linkLocalOf } from './link-names.ts';
import { parseAddress } from './subnet.ts';

/** What a guest sends in another's name, or as a router, is dropped at its tap. */
export function bridgeRules({ bridge, ipv6 }: FirewallOptions): string {
  const table = tableOf(bridge);
  return `
table bridge ${table} {
  set taps { type ifname; }
  set guests { type ifname . ether_addr . ipv4_addr; }
  map rates { type ifname : verdict; }
  map ipv6_guests { type ifname : verdict; }
  map guarded_to { type ifname : verdict; }
  map guarded_from { type ifname : verdict; }
  chain ipv6 { }
  chain prerouting { type filter hook prerouting priority filter; policy accept; }
  chain forward { type filter hook forward priority filter; policy accept; }
}
flush chain bridge ${table} prerouting
flush chain bridge ${table} forward
flush chain bridge ${table} ipv6
table bridge ${table} {
  chain ipv6 {
    icmpv6 type { nd-router-advert, nd-redirect } drop
    udp dport 546 drop
    iifname vmap @ipv6_guests
    drop
  }
  chain prerouting {
    iifname != @taps accept
    iifname vmap @rates
    ether type ip iifname . ether saddr . ip saddr @guests accept
    ether type arp iifname . arp saddr ether . arp saddr ip @guests accept
${ipv6 === null ? '' : '    ether type ip6 jump ipv6\n'}    drop
  }
  chain forward {
    iifname vmap @guarded_from
    oifname vmap @guarded_to
  }
}
`;
}

/** The chain of a guest that has IPv6. */
export const ipv6ChainOf = (tap: string): string => `ipv6_${tap}`;

/** What of it `ipv6ChainOf` must know. */
type Ipv6Guest = Pick<Endpoint, 'tap' | 'mac' | 'ipv6'>;

/**
 * Ties a tap to its IPv6 address and to the link-local one that a guest makes of its MAC: it sends from them alone, and
 * answers for no others' (RFC 4861, 4.4: the address that is told of is the header's third 64 bits on).
 */
export function addIpv6Guest(table: string, { tap, mac, ipv6 }: Ipv6Guest): string {
  if (ipv6 === null) return '';
  const chain = `bridge ${table} ${ipv6ChainOf(tap)}`;
  const own = [ipv6.address, linkLocalOf(mac)];
  const told = own.map((address) => `@th,64,128 0x${parseAddress(address).value.toString(16)}`);
  return [
    `add chain ${chain}`,
    `flush chain ${chain}`,
    `add rule ${chain} ether saddr != ${mac} drop`,
    `add rule ${chain} ip6 saddr != { ${own.join(', ')} } drop`,
    ...told.map((target) => `add rule ${chain} icmpv6 type nd-neighbor-advert ${target} accept`),
    `add rule ${chain} icmpv6 type nd-neighbor-advert drop`,
    `add rule ${chain} accept`,
    `add element bridge ${table} ipv6_guests { "${tap}" : jump ${ipv6ChainOf(tap)} }`,
  ]
    .map((line) => `${line}\n`)
    .join('');
}

/** Takes it away; it must be there. */
export function deleteIpv6Guest(table: string, { tap, ipv6 }: Ipv6Guest): string {
  if (ipv6 === null) return '';
  const chain = `bridge ${table} ${ipv6ChainOf(tap)}`;
  return (
    `delete element bridge ${table} ipv6_guests { "${tap}" : jump ${ipv6ChainOf(tap)} }\n` +
    `flush chain ${chain}\ndelete chain ${chain}\n`
  );
}
