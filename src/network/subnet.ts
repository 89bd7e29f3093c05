import { isIPv4 } from 'node:net';
import { HyperError } from '../lib/errors.ts';

/** An IPv4 network. Addresses are kept as unsigned 32-bit numbers. */
export interface Subnet {
  readonly base: number;
  readonly prefixLength: number;
}

/** @throws HyperError `bad_request` when it is no dotted IPv4 address. */
export function parseAddress(text: string): number {
  if (!isIPv4(text)) throw new HyperError('bad_request', `not an IPv4 address: ${text}`);
  return text.split('.').reduce((sum, part) => sum * 256 + Number(part), 0);
}

export function formatAddress(address: number): string {
  return [24, 16, 8, 0].map((shift) => (address >>> shift) & 255).join('.');
}

/**
 * `192.168.123.0/24`, or an address alone as a /32.
 *
 * @throws HyperError `bad_request` when it is not that, or has bits set behind its prefix.
 */
export function parseSubnet(text: string): Subnet {
  const [address = '', prefix = '32', ...rest] = text.split('/');
  const prefixLength = /^\d{1,2}$/.test(prefix) ? Number(prefix) : NaN;
  if (!isIPv4(address) || !(prefixLength <= 32) || rest.length > 0) {
    throw new HyperError('bad_request', `not an IPv4 network: ${text}: write it as 192.168.123.0/24`);
  }
  const subnet = { base: parseAddress(address), prefixLength };
  if (subnet.base % sizeOf(subnet) !== 0) {
    const base = formatAddress(subnet.base - (subnet.base % sizeOf(subnet)));
    throw new HyperError('bad_request', `${text} is an address in a network: the network is ${base}/${prefixLength}`);
  }
  return subnet;
}

export function formatSubnet(subnet: Subnet): string {
  return `${formatAddress(subnet.base)}/${subnet.prefixLength}`;
}

/** How many addresses it has, its own and its broadcast address counted. */
export function sizeOf(subnet: Subnet): number {
  return 2 ** (32 - subnet.prefixLength);
}

export function contains(subnet: Subnet, address: number): boolean {
  return address >= subnet.base && address < subnet.base + sizeOf(subnet);
}

export function overlaps(a: Subnet, b: Subnet): boolean {
  return contains(a, b.base) || contains(b, a.base);
}

/** The first address: the bridge's own. */
export function gatewayOf(subnet: Subnet): number {
  return subnet.base + 1;
}
