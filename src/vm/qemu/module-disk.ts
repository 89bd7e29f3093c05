import { open } from 'node:fs/promises';
import { moduleSerial, type PluggedDisk } from '../hypervisor.ts';

/** The disk of a guest's modules, open; undefined where there is none. Its folder may be closed to QEMU's user. */
export async function openModuleDisk(
  path: string | null,
): Promise<({ readonly disk: PluggedDisk } & AsyncDisposable) | undefined> {
  if (path === null) return undefined;
  const file = await open(path);
  return {
    disk: { serial: moduleSerial, path, format: 'raw', readOnly: true, file },
    [Symbol.asyncDispose]: () => file.close(),
  };
}
