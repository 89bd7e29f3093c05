import { isIPv6 } from 'node:net';
import { HyperError, messageOf } from '../../lib/errors.ts';
import type { HostPorts } from './host-ports.ts';
import { isTaken } from './is-taken.ts';
import {
  describePort,
  everyAddress,
  everyIpv4Address,
  everyIpv6Address,
  type PortMapping,
  type PublishedPort,
} from './port-mapping.ts';

/** How many ports that one family has free and the other not are tried. */
const attempts = 20;

/**
 * Reserves what a mapping asks for: one port, or where it names no address and the guest has IPv6, the same port of both
 * families; of a range the first that is free.
 *
 * @throws HyperError as HostPorts.reserve; `bad_request` for an IPv6 address that leads to a guest without IPv6.
 */
export async function reservePort(
  hostPorts: HostPorts,
  mapping: PortMapping,
  ipv6: boolean,
): Promise<readonly PublishedPort[]> {
  if (isIPv6(mapping.hostIp) && !ipv6) {
    const todo = 'publish on an IPv4 address, or put the pod on a network with IPv6 first';
    throw new HyperError('bad_request', `${describePort(mapping)} leads to a pod without an IPv6 address: ${todo}`);
  }
  const { hostPortLast, ...asked } = mapping;
  const { hostPort: first, protocol } = asked;
  for (let hostPort = first; ; hostPort++) {
    try {
      return await reserveOne(hostPorts, { ...asked, hostPort }, ipv6);
    } catch (error) {
      if (hostPortLast === undefined || !isTaken(error)) throw error;
      if (hostPort < hostPortLast) continue;
      const none = `none of the ports ${first}-${hostPortLast}/${protocol} of this host is free`;
      throw new HyperError('conflict', `${none}: ${messageOf(error)}`, { cause: error });
    }
  }
}

async function reserveOne(
  hostPorts: HostPorts,
  mapping: PortMapping,
  ipv6: boolean,
): Promise<readonly PublishedPort[]> {
  if (mapping.hostIp !== everyAddress) return [await hostPorts.reserve(mapping)];
  for (let attempt = 1; ; attempt++) {
    const first = await hostPorts.reserve({ ...mapping, hostIp: everyIpv4Address });
    if (!ipv6 || !hostPorts.ipv6) return [first];
    try {
      const second = { ...mapping, hostIp: everyIpv6Address, hostPort: first.hostPort };
      return [first, await hostPorts.reserve(second)];
    } catch (error) {
      await hostPorts.release(first);
      const another = mapping.hostPort === 0 && isTaken(error);
      if (!another || attempt === attempts) throw error;
    }
  }
}
