import { HyperError } from '../lib/errors.ts';
import { AddressPool } from './address-pool.ts';
import { leastIpv6Mtu } from './bridge-ipv6.ts';
import { defaultSubnet, type NetworkDefinition, type SubnetDefinition } from './network-options.ts';
import {
  baseOf,
  contains,
  type Family,
  formatAddress,
  formatSubnet,
  gatewayOf,
  parseAddress,
  parseSubnet,
  type Subnet,
  usableOf,
} from './subnet.ts';

/** The addresses of one family: the network's own, and those that it hands out. */
export interface SubnetAddresses {
  readonly subnet: Subnet;
  readonly gateway: string;
  readonly pool: AddressPool;
}

/** IPv4's, and IPv6's where the network has it. */
export interface NetworkAddresses extends SubnetAddresses {
  readonly ipv6: SubnetAddresses | null;
}

const sizes = { 4: { widest: 8, narrowest: 29 }, 6: { widest: 32, narrowest: 120 } } as const;
/** What is routed (RFC 4291, RFC 4193): the rest of IPv6 has a meaning of its own. */
const ipv6Realms = ['2000::/3', 'fc00::/7'].map(parseSubnet);

/** @throws HyperError `bad_request` when they cannot be right anywhere. */
export function addressesOf(definition: NetworkDefinition): NetworkAddresses {
  const { subnet = defaultSubnet, gateway, range, mtu, ipv6 } = definition;
  if (ipv6 !== undefined && mtu !== undefined && mtu < leastIpv6Mtu) {
    throw new HyperError('bad_request', `an MTU of ${mtu} is too small for IPv6: give ${leastIpv6Mtu} or more`);
  }
  return {
    ...subnetAddresses({ subnet, gateway, range }, 4),
    ipv6: ipv6 === undefined ? null : subnetAddresses(ipv6, 6),
  };
}

function subnetAddresses(definition: SubnetDefinition, family: Family): SubnetAddresses {
  const subnet = parseSubnet(definition.subnet ?? '');
  const { widest, narrowest } = sizes[family];
  if (subnet.family !== family) {
    throw new HyperError('bad_request', `${formatSubnet(subnet)} is no IPv${family} network: give one`);
  }
  if (subnet.prefixLength < widest || subnet.prefixLength > narrowest) {
    const todo = `use a /${widest} to /${narrowest}`;
    throw new HyperError('bad_request', `${formatSubnet(subnet)} is no size for a network: ${todo}`);
  }
  if (family === 6 && !ipv6Realms.some((realm) => contains(realm, baseOf(subnet)))) {
    const todo = 'use one of fd00::/8, or one that is yours of 2000::/3';
    throw new HyperError('bad_request', `${formatSubnet(subnet)} is not for networks: ${todo}`);
  }
  const gateway = definition.gateway === undefined ? gatewayOf(subnet) : parseAddress(definition.gateway);
  const range = definition.range === undefined ? undefined : parseSubnet(definition.range);
  for (const part of [gateway, ...(range === undefined ? [] : [baseOf(range)])]) {
    if (contains(subnet, part)) continue;
    const problem = `${formatAddress(part)} is outside of the subnet ${formatSubnet(subnet)}`;
    throw new HyperError('bad_request', problem);
  }
  const { first, last } = usableOf(subnet);
  if (gateway.value < first || gateway.value > last) {
    throw new HyperError('bad_request', `${formatAddress(gateway)} is no address for a gateway: take one between`);
  }
  const options = { subnet, gateway, range };
  new AddressPool(options).take(); // says now where a range has none
  return { subnet, gateway: formatAddress(gateway), pool: new AddressPool(options) };
}
