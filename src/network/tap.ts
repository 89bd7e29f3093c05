import { readFile } from 'node:fs/promises';
import { HyperError } from '../lib/errors.ts';
import { ipBatch, ipBatchAll, isNoSuchDevice, linksOn } from './ip-command.ts';

export interface TapOptions {
  readonly name: string;
  readonly bridge: string;
  readonly ownerUid: number;
  readonly mtu: number;
  readonly signal?: AbortSignal | undefined;
}

/**
 * What a guest sends may come back to it: a packet for a published port of its own. With br_netfilter the kernel turns it
 * round in the bridge. It changes nothing of what a guest may send.
 */
const hairpin = (name: string): string => `link set dev ${name} type bridge_slave hairpin on`;

/** Makes a tap that stays when no one has it open, puts it on the bridge and sets it up: one process. */
export async function createTap({ name, bridge, ownerUid, mtu, signal }: TapOptions): Promise<void> {
  const lines = [
    `tuntap add dev ${name} mode tap user ${ownerUid} vnet_hdr`,
    `link set dev ${name} mtu ${mtu} addrgenmode none master ${bridge} up`,
    hairpin(name),
  ];
  try {
    await ipBatch(lines, signal);
  } catch (error) {
    // Made by someone else: not ours to remove.
    if (error instanceof HyperError && error.message.includes('Device or resource busy')) {
      throw new HyperError('conflict', `the tap ${name} exists already: disconnect it first`, { cause: error });
    }
    await deleteTaps([name]);
    throw error;
  }
}

/** Puts a tap that is in use on another bridge. */
export async function moveTap(name: string, bridge: string, mtu: number): Promise<void> {
  await ipBatch([`link set dev ${name} mtu ${mtu} master ${bridge}`, hairpin(name)]);
}

/** Puts taps that are in use on a bridge again; those that are gone are fine. */
export async function putBack(names: readonly string[], bridge: string, mtu: number): Promise<void> {
  if (names.length === 0) return;
  const lines = names.flatMap((name) => [`link set dev ${name} mtu ${mtu} master ${bridge} up`, hairpin(name)]);
  await ipBatchAll(lines, isNoSuchDevice);
}

/** Removes taps in one process; those that are gone already are fine. */
export async function deleteTaps(names: readonly string[]): Promise<void> {
  if (names.length === 0) return;
  await ipBatchAll(
    names.map((name) => `link delete dev ${name}`),
    isNoSuchDevice,
  );
}

/** Whether there is a device of this name, asked without a process, unlike `findLink` (proc_pid_net(5)). */
export async function hasTap(name: string): Promise<boolean> {
  const devices = await readFile('/proc/self/net/dev', 'latin1');
  return devices.split('\n').some((line) => line.trimStart().startsWith(`${name}:`));
}

/** The names of the taps on a bridge. */
export async function listTaps(bridge: string): Promise<string[]> {
  const links = await linksOn(bridge);
  return links.filter((link) => link.linkinfo?.info_data?.type === 'tap').map((link) => link.ifname);
}
