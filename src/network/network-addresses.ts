import { HyperError } from '../lib/errors.ts';
import { AddressPool } from './address-pool.ts';
import { defaultSubnet, type NetworkDefinition } from './network-options.ts';
import {
  contains,
  formatAddress,
  formatSubnet,
  gatewayOf,
  parseAddress,
  parseSubnet,
  sizeOf,
  type Subnet,
} from './subnet.ts';

/** The addresses of a network: its own, and those that it hands out. */
export interface NetworkAddresses {
  readonly subnet: Subnet;
  readonly gateway: string;
  readonly pool: AddressPool;
}

/** @throws HyperError `bad_request` when they cannot be right anywhere. */
export function addressesOf(definition: NetworkDefinition): NetworkAddresses {
  const subnet = parseSubnet(definition.subnet ?? defaultSubnet);
  if (subnet.prefixLength < 8 || subnet.prefixLength > 29) {
    throw new HyperError('bad_request', `${formatSubnet(subnet)} is no size for a network: use a /8 to /29`);
  }
  const gateway = definition.gateway === undefined ? gatewayOf(subnet) : parseAddress(definition.gateway);
  const range = definition.range === undefined ? undefined : parseSubnet(definition.range);
  const [first, last] = [subnet.base, subnet.base + sizeOf(subnet) - 1];
  if (gateway === first || gateway === last) {
    throw new HyperError('bad_request', `${formatAddress(gateway)} is no address for a gateway: take one between`);
  }
  for (const part of [gateway, range?.base]) {
    if (part === undefined || contains(subnet, part)) continue;
    const problem = `${formatAddress(part)} is outside of the subnet ${formatSubnet(subnet)}`;
    throw new HyperError('bad_request', problem);
  }
  const options = { subnet, gateway, range };
  new AddressPool(options).take(); // says now where a range has none
  return { subnet, gateway: formatAddress(gateway), pool: new AddressPool(options) };
}
