import { readdir, readFile } from 'node:fs/promises';
import { setTimeout as delay } from 'node:timers/promises';
import type { VmId } from '../../lib/ids.ts';
import { identifyProcess, type ProcessIdentity, signalProcess, stillRuns } from '../../lib/process-identity.ts';

/** How often, and how long, it is looked whether a killed process has gone. */
const goneIntervalMs = 3;
const goneTimeoutMs = 5000;

/**
 * Processes whose command line names this VM: its QEMU, and what serves its shares. Ids are random, so they are ours,
 * whichever hyperd started them.
 */
export async function findVmProcesses(id: VmId): Promise<readonly ProcessIdentity[]> {
  const found: ProcessIdentity[] = [];
  for (const name of await readdir('/proc')) {
    if (!/^\d+$/.test(name)) continue;
    const commandLine = await readFile(`/proc/${name}/cmdline`, 'utf8').catch(() => '');
    if (!commandLine.includes(`\0-name\0${id}\0`) && !servesShares(commandLine, id)) continue;
    const identity = await identifyProcess(Number(name));
    if (identity !== undefined) found.push(identity);
  }
  return found;
}

/** By the folder that virtiofsd serves, or that perl makes for it. */
function servesShares(commandLine: string, id: VmId): boolean {
  return /^[^\0]*(?:virtiofsd|perl)\0/.test(commandLine) && commandLine.includes(`/vms/${id}/shares\0`);
}

/** Ends all of them and waits until they have gone. */
export async function endProcesses(id: VmId): Promise<void> {
  const all = await findVmProcesses(id);
  for (const each of all) await signalProcess(each, 'SIGKILL');
  const deadline = Date.now() + goneTimeoutMs;
  for (const each of all) while (Date.now() < deadline && (await stillRuns(each))) await delay(goneIntervalMs);
}
