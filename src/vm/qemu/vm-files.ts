import { join } from 'node:path';
import type { VmId } from '../../lib/ids.ts';

/** The files of one VM, in a folder of its own below the run folder. */
export interface VmFiles {
  /** hyperd's own: what is in it cannot be replaced by the VM. */
  readonly folder: string;
  /** QEMU's user's, for the sockets that it makes. */
  readonly sockets: string;
  readonly qmp: string;
  readonly control: string;
  readonly streams: string;
  /** Where a template's state comes out. */
  readonly state: string;
  /** Where the server of its shares has them together, in a mount namespace of its own; for others an empty folder. */
  readonly shares: string;
  readonly shareSocket: string;
  /** What that server prints. */
  readonly shareErrors: string;
  /** What QEMU itself prints. */
  readonly errors: string;
}

export const vmsFolder = (runDir: string): string => join(runDir, 'vms');

export function vmFiles(runDir: string, id: VmId): VmFiles {
  const folder = join(vmsFolder(runDir), id);
  const sockets = join(folder, 'sockets');
  return {
    folder,
    sockets,
    qmp: join(sockets, 'qmp.sock'),
    control: join(sockets, 'control.sock'),
    streams: join(sockets, 'streams.sock'),
    state: join(sockets, 'state.sock'),
    shares: join(folder, 'shares'),
    shareSocket: join(folder, 'shares.sock'),
    shareErrors: join(folder, 'shares.log'),
    errors: join(folder, 'qemu.log'),
  };
}
