import { HyperError } from '../lib/errors.ts';
import { ipBatch, localAddresses, type Route } from './ip-command.ts';
import { hasIpv6, writeSetting } from './net-setting.ts';
import type { Subnet } from './subnet.ts';

/** RFC 8200, 5: a link that carries less has no IPv6, and the kernel gives it none. */
export const leastIpv6Mtu = 1280;

/** The bridge's own on its link, by which it finds its guests; no guest's MAC makes it. */
const linkLocal = 'fe80::1';

/** The bridge's side of a network that has IPv6. */
export interface BridgeIpv6 {
  readonly subnet: Subnet;
  readonly gateway: string;
}

/** @throws HyperError `unavailable` where no network can have IPv6. */
export async function requireIpv6(): Promise<void> {
  if (await hasIpv6()) return;
  const todo = `run 'modprobe ipv6' as root, boot without ipv6.disable=1, or make the network without IPv6`;
  throw new HyperError('unavailable', `this host's kernel has no IPv6: ${todo}`);
}

/** @throws HyperError `unavailable` where one of this MTU cannot. */
export function requireIpv6Mtu(mtu: number): void {
  if (mtu < leastIpv6Mtu) {
    const todo = `give the network an MTU of ${leastIpv6Mtu} or more, or make it without IPv6`;
    throw new HyperError('unavailable', `the host's default route takes packets of ${mtu} bytes only: ${todo}`);
  }
}

/**
 * Gives a bridge that is up its IPv6 addresses, as they are and at once: nobody else may have them, so that none is asked
 * for first (DAD), and no guest tells the host of routers.
 */
export async function enableIpv6(name: string, ipv6: BridgeIpv6, routes: readonly Route[]): Promise<void> {
  for (const setting of ['accept_ra', 'autoconf', 'accept_redirects']) {
    await writeSetting(`ipv6/conf/${name}/${setting}`, '0');
  }
  const { gateway, subnet } = ipv6;
  const others = localAddresses(routes, name).filter((address) => ![gateway, linkLocal].includes(address));
  if (others.length > 0) await disableIpv6(name); // of an earlier configuration: all go by it
  await writeSetting(`ipv6/conf/${name}/disable_ipv6`, '0');
  await ipBatch([
    `address replace ${gateway}/${subnet.prefixLength} dev ${name} nodad`,
    `address replace ${linkLocal}/64 dev ${name} nodad`,
  ]);
}

/** Guests of a network without IPv6 do not meet the host by it. */
export async function disableIpv6(name: string): Promise<void> {
  await writeSetting(`ipv6/conf/${name}/disable_ipv6`, '1');
}
