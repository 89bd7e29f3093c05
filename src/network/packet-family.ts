import { isIPv6 } from 'node:net';

/** What nftables calls the things of one family. */
export interface PacketFamily {
  /** Of tables and of the header's fields. */
  readonly name: 'ip' | 'ip6';
  /** The type of its addresses. */
  readonly type: 'ipv4_addr' | 'ipv6_addr';
  readonly icmp: 'icmp' | 'icmpv6';
  /** All addresses of the host. */
  readonly every: string;
}

export const ipv4Packets: PacketFamily = {
  ...{ name: 'ip', type: 'ipv4_addr', icmp: 'icmp' },
  every: '0.0.0.0',
};
export const ipv6Packets: PacketFamily = {
  ...{ name: 'ip6', type: 'ipv6_addr', icmp: 'icmpv6' },
  every: '::',
};

/** Of an address or a network. */
export function familyOf(address: string): PacketFamily {
  return isIPv6(address.split('/')[0] ?? '') ? ipv6Packets : ipv4Packets;
}

/** What rules must know of a guest's addresses. */
export interface AddressedGuest {
  readonly tap: string;
  readonly address: string;
  readonly ipv6: { readonly address: string } | null;
}

/** A guest's addresses, each with its family. */
export function addressesOf({ address, ipv6 }: AddressedGuest): { family: PacketFamily; address: string }[] {
  const own = { family: ipv4Packets, address };
  return ipv6 === null ? [own] : [own, { family: ipv6Packets, address: ipv6.address }];
}
