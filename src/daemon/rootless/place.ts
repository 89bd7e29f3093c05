import { isIPv4 } from 'node:net';
import { z } from 'zod';
import type { HostOutside } from '../../network/index.ts';
import { Outside } from './holder-record.ts';
import { outsideDevice } from './outside.ts';

export const Place = z.object({
  /** `host`: root, in the network namespace it was started in; `namespace`: an ordinary user's, in one of its own. */
  kind: z.enum(['host', 'namespace']),
  /** Null: no tool is needed, or nothing outside is reached and `reason` says why. */
  outside: Outside.nullable(),
  /** Empty, or why the outside is not reached and what to do. */
  reason: z.string(),
  /** The host's own IPv4 addresses, but for its loopback; of a hyperd on the host itself none are told. */
  hostAddresses: z.array(z.string()),
  /** For the network room: what guests may not reach, or they would come to the host through the tool. */
  forbiddenDestinations: z.array(z.string()),
});
/** Where this hyperd runs. */
export type Place = Readonly<z.infer<typeof Place>>;

/** The place of a hyperd that runs as root. */
export const onHost: Place = { kind: 'host', outside: null, reason: '', hostAddresses: [], forbiddenDestinations: [] };

/**
 * The address under which hyperd reaches what a user calls `address`: in a namespace of its own, the host's loopback is
 * behind the tool's gateway. Everything else is returned as it is. (127.0.0.2 and others of the host's loopback are not
 * told apart from 127.0.0.1.)
 */
export function mapAddress(place: Place, address: string): string {
  if (place.outside === null) return address;
  const loopback = address === 'localhost' || address === '::1' || (isIPv4(address) && address.startsWith('127.'));
  return loopback ? place.outside.hostLoopback : address;
}

/** The host as the network room is told of it; undefined where hyperd is on it, or nothing outside is reached. */
export function hostOutside(place: Place): HostOutside | undefined {
  if (place.outside === null) return undefined;
  return { device: outsideDevice, addresses: place.hostAddresses, loopback: place.outside.hostLoopback };
}

/** The nameservers to ask in this place; undefined: those of /etc/resolv.conf. */
export function upstreamsOf(place: Place): (() => Promise<readonly string[]>) | undefined {
  if (place.kind === 'host') return undefined;
  const servers = place.outside === null ? [] : [place.outside.dns];
  return () => Promise.resolve(servers);
}
