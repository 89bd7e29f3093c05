import { isIPv4, isIPv6 } from 'node:net';
import { HyperError } from '../lib/errors.ts';

export type Family = 4 | 6;

/** An IP address as a number. */
export interface Address {
  readonly family: Family;
  readonly value: bigint;
}

/** An IP network, by its first address. */
export interface Subnet {
  readonly family: Family;
  readonly base: bigint;
  readonly prefixLength: number;
}

const bitsOf = (family: Family): number => (family === 4 ? 32 : 128);

/** @throws HyperError `bad_request` when it is neither a dotted IPv4 address nor an IPv6 address. */
export function parseAddress(text: string): Address {
  if (isIPv4(text)) {
    return { family: 4, value: text.split('.').reduce((sum, part) => sum * 256n + BigInt(part), 0n) };
  }
  // An address with a zone is one of this host alone.
  if (!isIPv6(text) || text.includes('%')) throw new HyperError('bad_request', `not an IP address: ${text}`);
  const [first = [], last = []] = canonicalIpv6(text)
    .split('::')
    .map((part) => (part === '' ? [] : part.split(':')));
  const zeros = Array.from({ length: 8 - first.length - last.length }, () => '0');
  return {
    family: 6,
    value: [...first, ...zeros, ...last].reduce((sum, part) => sum * 65_536n + BigInt(`0x${part}`), 0n),
  };
}

export function formatAddress({ family, value }: Address): string {
  if (family === 4) return [24n, 16n, 8n, 0n].map((shift) => (value >> shift) & 255n).join('.');
  const parts = Array.from({ length: 8 }, (_, index) => (value >> BigInt(112 - 16 * index)) & 65_535n);
  return canonicalIpv6(parts.map((part) => part.toString(16)).join(':'));
}

/** The one way in which we write an address: two that are the same are the same text (RFC 5952). */
export function canonicalAddress(text: string): string {
  return formatAddress(parseAddress(text));
}

/** URLs are written as RFC 5952 has it, but for addresses that hold an IPv4 address. */
function canonicalIpv6(text: string): string {
  return new URL(`http://[${text}]`).hostname.slice(1, -1);
}

/**
 * `192.168.123.0/24`, `fd00:1::/64`, or an address alone as a network of one.
 *
 * @throws HyperError `bad_request` when it is not that, or has bits set behind its prefix.
 */
export function parseSubnet(text: string): Subnet {
  const [address = '', prefix, ...rest] = text.split('/');
  if (isIPv4(address) || isIPv6(address)) {
    const { family, value } = parseAddress(address);
    const prefixLength = prefix === undefined ? bitsOf(family) : /^\d{1,3}$/.test(prefix) ? Number(prefix) : NaN;
    if (prefixLength <= bitsOf(family) && rest.length === 0) {
      const subnet = { family, base: value, prefixLength };
      const base = value - (value % sizeOf(subnet));
      if (value === base) return subnet;
      throw new HyperError(
        'bad_request',
        `${text} is an address in a network: the network is ${formatSubnet({ ...subnet, base })}`,
      );
    }
  }
  throw new HyperError('bad_request', `not an IP network: ${text}: write it as 192.168.123.0/24 or fd00:1::/64`);
}

export function formatSubnet({ family, base, prefixLength }: Subnet): string {
  return `${formatAddress({ family, value: base })}/${prefixLength}`;
}

/** How many addresses it has, its own and its broadcast address counted. */
export function sizeOf({ family, prefixLength }: Pick<Subnet, 'family' | 'prefixLength'>): bigint {
  return 1n << BigInt(bitsOf(family) - prefixLength);
}

export function contains(subnet: Subnet, { family, value }: Address): boolean {
  return family === subnet.family && value >= subnet.base && value < subnet.base + sizeOf(subnet);
}

export function overlaps(a: Subnet, b: Subnet): boolean {
  return contains(a, baseOf(b)) || contains(b, baseOf(a));
}

export function baseOf({ family, base }: Subnet): Address {
  return { family, value: base };
}

/** The first and the last that a machine may have: the first of all is the network's own, IPv4's last the broadcast address. */
export function usableOf(subnet: Subnet): { readonly first: bigint; readonly last: bigint } {
  const last = subnet.base + sizeOf(subnet) - 1n;
  return { first: subnet.base + 1n, last: subnet.family === 4 ? last - 1n : last };
}

/** The first address: the bridge's own. */
export function gatewayOf(subnet: Subnet): Address {
  return { family: subnet.family, value: subnet.base + 1n };
}
