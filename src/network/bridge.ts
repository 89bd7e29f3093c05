import { HyperError } from '../lib/errors.ts';
import { type BridgeIpv6, disableIpv6, enableIpv6, requireIpv6, requireIpv6Mtu } from './bridge-ipv6.ts';
import {
  findLink,
  ipBatch,
  ipBatchAll,
  isNoSuchDevice,
  listBridges,
  listRoutes,
  localAddresses,
} from './ip-command.ts';
import { macOf } from './link-names.ts';
import { writeSetting } from './net-setting.ts';
import { refuseConflict } from './subnet-conflict.ts';
import type { Subnet } from './subnet.ts';

export interface Bridge {
  readonly name: string;
  readonly subnet: Subnet;
  /** Its own address. */
  readonly gateway: string;
  /** Null: it has none. */
  readonly ipv6: BridgeIpv6 | null;
  /** Undefined: that of the default route's device. */
  readonly mtu: number | undefined;
  /** Kept in the device's alias, so that a hyperd knows its own bridge from another's. */
  readonly owner: string;
}

/** virtio-net and taps go to 65,521; pasta and slirp4netns offer 65,520. */
const maxMtu = 65_520;

function aliasOf(owner: string): string {
  return `hyper:${owner.replace(/[^\w/.:@-]/g, '_').slice(0, 200)}`;
}

/**
 * Makes the bridge, or adopts it when an earlier run of the same owner made it, and returns its MTU.
 *
 * @throws HyperError `conflict` when the name or the subnet is someone else's.
 */
export async function ensureBridge(bridge: Bridge): Promise<number> {
  const { name, subnet, gateway, ipv6 } = bridge;
  const alias = aliasOf(bridge.owner);
  if (ipv6 !== null) await requireIpv6();
  const [existing, routes, routes6] = await Promise.all([
    findLink(name),
    listRoutes(4),
    ipv6 === null ? [] : listRoutes(6),
  ]);
  if (existing !== undefined) refuseForeign(name, alias, existing.ifalias);
  refuseConflict(subnet, name, routes);
  if (ipv6 !== null) refuseConflict(ipv6.subnet, name, routes6);

  const mtu = bridge.mtu ?? (await defaultMtu(routes.find((route) => route.dst === 'default')?.dev));
  if (ipv6 !== null) requireIpv6Mtu(mtu);
  // Of an earlier configuration. The gateway's own is left: guests of an earlier run talk through it.
  const others = localAddresses(routes, name).filter((address) => address !== gateway);
  await ipBatch([
    // A bridge takes the lowest MAC of its ports unless it has its own: guests would lose their gateway's.
    ...(existing === undefined
      ? [`link add name ${name} address ${macOf(gateway)} type bridge stp_state 0 forward_delay 0 mcast_snooping 0`]
      : others.map((address) => `address delete ${address} dev ${name}`)),
    `link set dev ${name} alias ${alias}`,
    `link set dev ${name} mtu ${mtu} addrgenmode none up`,
    `address replace ${gateway}/${subnet.prefixLength} dev ${name}`,
  ]);
  await (ipv6 === null ? disableIpv6(name) : enableIpv6(name, ipv6, routes6));
  return mtu;
}

/**
 * Lets the host's own loopback reach published ports: a packet from 127.0.0.1 may leave by the bridge. Only once the rules
 * stand that keep what comes from the bridge away from the loopback.
 */
export async function routeLoopback(name: string): Promise<void> {
  await writeSetting(`ipv4/conf/${name}/route_localnet`, '1');
}

/** The names of the bridges that hyperds of this owner have made. */
export async function bridgesOf(owner: string): Promise<string[]> {
  const bridges = await listBridges();
  return bridges.flatMap(({ ifname, ifalias }) => (ifalias === aliasOf(owner) ? ifname : []));
}

/** Removes the bridge; one that is gone already is fine. */
export async function deleteBridge(name: string): Promise<void> {
  await ipBatchAll([`link delete dev ${name}`], isNoSuchDevice);
}

function refuseForeign(name: string, ours: string, alias: string | undefined): void {
  if (alias === ours) return;
  const whose = alias?.startsWith('hyper:') === true ? `the hyperd of ${alias.slice(6)}` : 'something else than hyperd';
  throw new HyperError(
    'conflict',
    `the network device ${name} belongs to ${whose}: configure other bridge and subnet, ` +
      `or remove it with 'ip link delete ${name}' if nothing uses it`,
  );
}

async function defaultMtu(device: string | undefined): Promise<number> {
  const link = device === undefined ? undefined : await findLink(device);
  return Math.min(link?.mtu ?? 1500, maxMtu);
}
