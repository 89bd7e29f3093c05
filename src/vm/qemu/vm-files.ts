import { join } from 'node:path';
import type { VmId } from '../../lib/ids.ts';

/** The files of one VM, in a folder of its own below the run folder. */
export interface VmFiles {
  readonly folder: string;
  readonly qmp: string;
  readonly control: string;
  readonly streams: string;
  /** What QEMU itself prints. */
  readonly errors: string;
}

export const vmsFolder = (runDir: string): string => join(runDir, 'vms');

export function vmFiles(runDir: string, id: VmId): VmFiles {
  const folder = join(vmsFolder(runDir), id);
  return {
    folder,
    qmp: join(folder, 'qmp.sock'),
    control: join(folder, 'control.sock'),
    streams: join(folder, 'streams.sock'),
    errors: join(folder, 'qemu.log'),
  };
}
