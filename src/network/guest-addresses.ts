import { HyperError } from '../lib/errors.ts';
import type { AddressPool } from './address-pool.ts';
import type { Endpoint, EndpointWish } from './endpoint.ts';
import type { NetworkAddresses } from './network-addresses.ts';

/** A guest's addresses on a network. */
export type GuestAddresses = Pick<Endpoint, 'address' | 'ipv6'>;

/**
 * Takes a guest's addresses: all or none.
 *
 * @throws HyperError `conflict`, `bad_request` or `unavailable` for one that cannot be had.
 */
export function takeAddresses(network: NetworkAddresses, wish: EndpointWish): GuestAddresses {
  const { pool, ipv6 } = network;
  if (ipv6 === null && wish.address6 !== undefined) {
    const todo = "make one with 'hyper network create --ipv6'";
    throw new HyperError(
      'bad_request',
      `${wish.address6} cannot be given to a guest: the network has no IPv6: ${todo}`,
    );
  }
  const address = takeFrom(pool, wish.address);
  if (ipv6 === null) return { address, ipv6 };
  try {
    const { subnet, gateway } = ipv6;
    const own = takeFrom(ipv6.pool, wish.address6);
    return { address, ipv6: { address: own, prefixLength: subnet.prefixLength, gateway } };
  } catch (error) {
    pool.release(address);
    throw error;
  }
}

/** Gives them back. */
export function releaseAddresses(network: NetworkAddresses, { address, ipv6 }: GuestAddresses): void {
  network.pool.release(address);
  if (ipv6 !== null) network.ipv6?.pool.release(ipv6.address);
}

/** Keeps those that a guest has from others. @throws HyperError when they are none of this network's, as it is now */
export function keepAddresses(network: NetworkAddresses, { address, ipv6 }: GuestAddresses): void {
  if (!network.pool.has(address)) network.pool.reserve(address);
  if (ipv6 !== null && network.ipv6?.pool.has(ipv6.address) === false) network.ipv6.pool.reserve(ipv6.address);
}

function takeFrom(pool: AddressPool, wanted: string | undefined): string {
  return wanted === undefined ? pool.take() : pool.reserve(wanted);
}
