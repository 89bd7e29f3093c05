import { isIP } from 'node:net';
import { HyperError } from '../lib/errors.ts';
import type { Route } from './ip-command.ts';
import { formatSubnet, overlaps, parseSubnet, type Subnet } from './subnet.ts';

/** VPNs write a default route as 0.0.0.0/1 and 128.0.0.0/1, or 2000::/3: what is this wide says nothing about our subnet. */
const narrowestDefault = 4;

/** The route that our subnet would take traffic from, or undefined. */
export function conflictingRoute(subnet: Subnet, bridge: string, routes: readonly Route[]): Route | undefined {
  return routes.find((route) => {
    if (route.dev === bridge || route.type === 'multicast') return false;
    if (isIP(route.dst.split('/')[0] ?? '') === 0) return false;
    const other = parseSubnet(route.dst);
    return other.prefixLength > narrowestDefault && overlaps(subnet, other);
  });
}

/**
 * For a hyperd in a namespace of its own, which has no route to the host's networks.
 *
 * @param addresses the host's own, of IPv4
 * @throws HyperError `conflict` when the subnet has one of them: answers to the host's neighbours would go to the bridge
 */
export function refuseHostAddress(subnet: Subnet, bridge: string, addresses: readonly string[]): void {
  const own = addresses.find((address) => overlaps(subnet, parseSubnet(`${address}/32`)));
  if (own === undefined) return;
  throw new HyperError(
    'conflict',
    `the subnet ${formatSubnet(subnet)} of the network ${bridge} has the host's own address ${own} in it: choose another`,
  );
}

/** @throws HyperError `conflict` when the subnet overlaps a network that the host already reaches. */
export function refuseConflict(subnet: Subnet, bridge: string, routes: readonly Route[]): void {
  const route = conflictingRoute(subnet, bridge, routes);
  if (route === undefined) return;
  const where = route.dev === undefined ? '' : ` on ${route.dev}`;
  throw new HyperError(
    'conflict',
    `the subnet ${formatSubnet(subnet)} of the network ${bridge} overlaps ${route.dst}${where} of this host: ` +
      `configure another with subnet (and bridge for a second hyperd)`,
  );
}
