import { HyperError, messageOf } from '../../lib/errors.ts';
import { maxPlugs, type PluggedDisk } from '../hypervisor.ts';
import { plugBus, plugPlace } from './arguments.ts';
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
    throw new HyperError('unsupported', `a pod can have ${maxPlugs} disks and host folders at most`);
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

/** A disk, by its path or as it is open. `see`: the path by which QEMU knows a file. */
export async function addDisk(qmp: Qmp, disk: PluggedDisk, see: (path: string) => string): Promise<Plug> {
  const { serial, format, readOnly } = disk;
  const node = `plug-${serial}`;
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
  const nodes = await qmp.execute('query-named-block-nodes', { flat: true });
  const all: readonly { readonly 'node-name'?: unknown }[] = Array.isArray(nodes) ? nodes : [];
  const found = all.find((each) => each['node-name'] === node);
  if (JSON.stringify(found ?? null).includes('"data-file"')) {
    throw new HyperError('unsupported', `${path} keeps its data in another file: it was changed while the pod started`);
  }
}
