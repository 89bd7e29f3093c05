import { readdir, readFile } from 'node:fs/promises';
import type { VmId } from '../../lib/ids.ts';
import { identifyProcess, type ProcessIdentity } from '../../lib/process-identity.ts';

/** QEMU processes whose command line names this VM: ids are random, so they are ours, whichever hyperd started them. */
export async function findVmProcesses(id: VmId): Promise<readonly ProcessIdentity[]> {
  const found: ProcessIdentity[] = [];
  for (const name of await readdir('/proc')) {
    if (!/^\d+$/.test(name)) continue;
    const commandLine = await readFile(`/proc/${name}/cmdline`, 'utf8').catch(() => '');
    if (!commandLine.includes(`\0-name\0${id}\0`)) continue;
    const identity = await identifyProcess(Number(name));
    if (identity !== undefined) found.push(identity);
  }
  return found;
}
