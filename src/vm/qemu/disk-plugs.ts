import { HyperError, messageOf } from '../../lib/errors.ts';
import type { PluggedDisk } from '../hypervisor.ts';
import { laterPlaces, plugBus } from './arguments.ts';
import { isWithoutPlugs, noPlugs } from './no-plugs.ts';
import type { Qmp } from './qmp.ts';

/** What names a plugged disk's device, and what is behind it, in QMP. */
export const plugDeviceOf = (serial: string): string => `plug-${serial}`;

/** The node behind a plugged disk. @param see the path by which QEMU knows a file */
export function plugNode({ serial, path, format, readOnly }: PluggedDisk, see: (path: string) => string): object {
  const node = { 'node-name': plugDeviceOf(serial), 'read-only': readOnly, discard: 'unmap' };
  return { driver: format, ...node, file: { driver: 'file', filename: see(path) } };
}

/** The device of a plugged disk. */
export function plugDevice({ serial }: Pick<PluggedDisk, 'serial'>): object {
  const id = plugDeviceOf(serial);
  const errors = { werror: 'report', rerror: 'report' };
  return { driver: 'virtio-blk-pci', id, drive: id, serial, ...errors, 'disable-legacy': 'on' };
}

/** Plugs a disk in where a place is free; one that is there already is fine. What a failure leaves is taken away. */
export async function plugDisk(qmp: Qmp, disk: PluggedDisk, see: (path: string) => string): Promise<void> {
  const known = await qmp.execute('query-named-block-nodes', { flat: true });
  const name = plugDeviceOf(disk.serial);
  if (Array.isArray(known) && known.some((node: { 'node-name'?: unknown }) => node['node-name'] === name)) return;
  await qmp.execute('blockdev-add', plugNode(disk, see));
  try {
    await plugAtFreePlace(qmp, plugDevice(disk));
  } catch (error) {
    await qmp.execute('blockdev-del', { 'node-name': name });
    throw error;
  }
}

async function plugAtFreePlace(qmp: Qmp, device: object): Promise<void> {
  for (const addr of laterPlaces) {
    try {
      await qmp.execute('device_add', { ...device, bus: plugBus, addr });
      return;
    } catch (error) {
      if (isWithoutPlugs(error)) throw noPlugs('folders', error);
      if (!/in use|not available/.test(messageOf(error))) throw error;
    }
  }
  throw new HyperError('unsupported', `${laterPlaces.length} disks were plugged into the VM: stop and start the pod`);
}
