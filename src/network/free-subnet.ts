import { randomBytes } from 'node:crypto';
import { HyperError } from '../lib/errors.ts';
import { requireIpv6 } from './bridge-ipv6.ts';
import { listRoutes } from './ip-command.ts';
import { conflictingRoute } from './subnet-conflict.ts';
import { overlaps, parseSubnet, type Subnet } from './subnet.ts';

/** Where an IPv4 subnet is looked for when none is given: 192.168.124.0/24 to 192.168.254.0/24. */
const ownSubnets = Array.from({ length: 131 }, (_, index) => `192.168.${124 + index}.0/24`);

/** How many random /64 of fd00::/8 (RFC 4193) are tried: that even the first is taken hardly happens. */
const ipv6Attempts = 16;

/** The first IPv4 subnet that neither this host nor a network of ours uses, be it up or not. */
export async function freeSubnet(ours: readonly Subnet[]): Promise<string> {
  const found = await firstFree(4, ownSubnets, ours);
  if (found !== undefined) return found;
  throw new HyperError('conflict', 'this host uses all of 192.168.124.0/24 to 192.168.254.0/24: give --subnet');
}

/** The same of IPv6. @throws HyperError `unavailable` where there is no IPv6. */
export async function freeIpv6Subnet(ours: readonly Subnet[]): Promise<string> {
  await requireIpv6();
  const found = await firstFree(6, Array.from({ length: ipv6Attempts }, uniqueLocal), ours);
  if (found !== undefined) return found;
  throw new HyperError('conflict', 'this host uses all of fd00::/8: give --subnet, as 2001:db8:1::/64');
}

function uniqueLocal(): string {
  const parts = randomBytes(8).toString('hex').match(/.{4}/g) ?? [];
  const [first = '', ...rest] = parts.map((part) => part.replace(/^0{1,3}/, ''));
  return [`fd${first.padStart(4, '0').slice(2)}`, ...rest].join(':').concat('::/64');
}

async function firstFree(
  family: Subnet['family'],
  candidates: readonly string[],
  ours: readonly Subnet[],
): Promise<string | undefined> {
  const routes = await listRoutes(family);
  return candidates.find((text) => {
    const subnet = parseSubnet(text);
    return !ours.some((other) => overlaps(subnet, other)) && conflictingRoute(subnet, '', routes) === undefined;
  });
}
