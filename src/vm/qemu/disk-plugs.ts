import { HyperError, messageOf } from '../../lib/errors.ts';
import { maxPlugs, type PluggedDisk } from '../hypervisor.ts';
import { laterPlaces, plugBus, plugPlace } from './arguments.ts';
import { isWithoutPlugs, noPlugs } from './no-plugs.ts';
import type { Qmp } from './qmp.ts';

/** A device, and what its user is to read where QEMU refuses it. */
export interface Plug {
  readonly device: object;
  readonly explain?: (error: unknown) => unknown;
}

/** Plugs devices in together, as the functions of one. `preparations` put what is behind each in place. */
export async function plugIn(qmp: Qmp, preparations: readonly (() => Promise<Plug>)[]): Promise<void> {
  if (preparations.length > maxPlugs) {
    throw new HyperError('unsupported', `a pod can have ${maxPlugs} disks, further images and host folders at most`);
  }
  const plugs: Plug[] = [];
  for (const prepare of preparations) plugs.push(await prepare());
  // That the guest looks for them is the news of the first function, which comes last.
  for (const [at, { device, explain }] of [...plugs.entries()].reverse()) {
    const place = { bus: plugBus, addr: `${plugPlace}.${at}`, multifunction: plugs.length > 1 };
    await qmp.execute('device_add', { ...device, ...place }).catch((error: unknown) => {
      if (isWithoutPlugs(error)) throw noPlugs('folders', error);
      throw explain?.(error) ?? error;
    });
  }
}

/** Plugs one more disk in where a place is free; one of its serial that is there already is fine. What a failure leaves is taken away. */
export async function plugLater(qmp: Qmp, disk: PluggedDisk, see: (path: string) => string): Promise<void> {
  const node = nodeOf(disk);
  if ((await namedNodes(qmp)).some((each) => each['node-name'] === node)) return;
  const { device } = await addDisk(qmp, disk, see);
  try {
    await plugAtFreePlace(qmp, device);
  } catch (error) {
    await qmp.execute('blockdev-del', { 'node-name': node });
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

/** What names a disk's device, and what is behind it, in QMP. */
const nodeOf = ({ serial }: Pick<PluggedDisk, 'serial'>): string => `plug-${serial}`;

type BlockNode = { readonly 'node-name'?: unknown };

async function namedNodes(qmp: Qmp): Promise<readonly BlockNode[]> {
  const nodes = await qmp.execute('query-named-block-nodes', { flat: true });
  return Array.isArray(nodes) ? (nodes as readonly BlockNode[]) : [];
}

/** A disk, by its path or as it is open. `see`: the path by which QEMU knows a file. */
export async function addDisk(qmp: Qmp, disk: PluggedDisk, see: (path: string) => string): Promise<Plug> {
  const { serial, format, readOnly } = disk;
  const node = nodeOf(disk);
  const filename = disk.file === undefined ? see(disk.path) : await qmp.addFile(disk.file);
  const access = { 'read-only': readOnly, discard: 'unmap' };
  // Nothing that its header names is opened, should it be another one than hyperd has read.
  const header = format === 'qcow2' ? { backing: null } : {};
  const file = { driver: 'file', filename };
  const explain = (error: unknown): unknown => notTaken(disk, error);
  await qmp
    .execute('blockdev-add', { driver: format, 'node-name': node, ...access, ...header, file })
    .catch((error: unknown) => {
      throw explain(error);
    });
  if (format === 'qcow2') await refuseDataFile(qmp, node, disk);
  const errors = { werror: 'report', rerror: 'report' };
  const device = { driver: 'virtio-blk-pci', id: node, drive: node, serial, ...errors, 'disable-legacy': 'on' };
  return { device, explain }; // a raw file is locked by its device
}

/** QEMU locks what it opens: another one has it, of another hyperd or started by hand, or qemu-img. */
function notTaken({ path }: PluggedDisk, error: unknown): unknown {
  const said = messageOf(error);
  if (/Failed to (?:get|lock)|Is another process using/.test(said)) {
    const message = `${path} is in use by another QEMU, hyperd or qemu-img: end that first`;
    return new HyperError('conflict', message, { cause: error });
  }
  const [, refusal] = /^QEMU: (.*)$/s.exec(said) ?? [];
  if (refusal === undefined) return error; // the VM has ended
  return new HyperError('cannot_start', `${path} cannot be used as a disk: ${refusal}`, { cause: error });
}

/** Who can write the file may have named another one in its header since that was read, and QEMU has no word against it. */
async function refuseDataFile(qmp: Qmp, node: string, { path }: PluggedDisk): Promise<void> {
  const found = (await namedNodes(qmp)).find((each) => each['node-name'] === node);
  if (JSON.stringify(found ?? null).includes('"data-file"')) {
    throw new HyperError('unsupported', `${path} keeps its data in another file: it was changed while the pod started`);
  }
}
