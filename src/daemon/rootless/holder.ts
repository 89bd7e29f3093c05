import { spawn } from 'node:child_process';
import { readlink } from 'node:fs/promises';
import { HyperError, systemCode } from '../../lib/errors.ts';
import { identifyProcess, stillRuns } from '../../lib/process-identity.ts';
import { missingCommand } from '../../lib/run-command.ts';
import type { HolderRecord } from './holder-record.ts';
import { explainUnshare } from './namespace-problem.ts';

const startTimeoutMs = 10_000;

/**
 * `ready` is said once the id maps are in place; then the holder becomes a `sleep` that has nothing of ours open. The
 * loopback of a new network namespace is down.
 */
const script = 'ip link set lo up; echo ready; exec </dev/null >/dev/null 2>&1; exec sleep infinity';

/** Whether the process of a record still keeps our namespaces. */
export async function holderLives(record: HolderRecord): Promise<boolean> {
  if (!(await stillRuns(record.holder))) return false;
  const namespace = await userNamespaceOf(record.holder.pid);
  return namespace === record.userNamespace;
}

/**
 * Starts the process that keeps a user, mount and network namespace alive, in which this user is root and has their
 * subordinate ids. Mounts of the host stay visible in it as they come and go; its own are not seen outside.
 */
export async function startHolder(): Promise<Omit<HolderRecord, 'outside'>> {
  const child = spawn(
    'unshare',
    ['--user', '--map-root-user', '--map-auto', '--net', '--mount', '--propagation', 'slave', 'sh', '-c', script],
    // Of a session of its own: no Ctrl-C at hyperd's terminal ends it. Not held in hyperd's working directory.
    { detached: true, cwd: '/', stdio: ['ignore', 'pipe', 'pipe'] },
  );
  let said = '';
  child.stderr.on('data', (chunk: Buffer) => (said += chunk.toString('utf8')));
  const timer = setTimeout(() => endGroup(child.pid), startTimeoutMs);
  try {
    await new Promise<void>((resolve, reject) => {
      child.once('error', (error) => {
        if (systemCode(error) === 'ENOENT') reject(missingCommand('unshare', error));
        else reject(new HyperError('internal', `unshare: ${error.message}`, { cause: error }));
      });
      // unshare 2.38 leaves the child that was to write its maps behind when it fails, with our pipes open.
      child.once('exit', () => endGroup(child.pid));
      child.once('close', () => void explainUnshare(said).then(reject, reject));
      child.stdout.once('data', () => resolve());
    });
  } finally {
    clearTimeout(timer);
  }
  child.removeAllListeners('exit');
  child.stdout.destroy();
  child.stderr.destroy();
  child.unref();
  const { pid } = child;
  const holder = pid === undefined ? undefined : await identifyProcess(pid);
  const userNamespace = pid === undefined ? undefined : await userNamespaceOf(pid);
  if (holder === undefined || userNamespace === undefined) {
    throw new HyperError('internal', 'the process that keeps the namespaces ended at once: start hyperd again');
  }
  return { holder, userNamespace };
}

/** Ends a process that leads a group of its own, and its children. */
function endGroup(pid: number | undefined): void {
  if (pid === undefined) return;
  try {
    process.kill(-pid, 'SIGKILL');
  } catch (error) {
    if (systemCode(error) !== 'ESRCH' && systemCode(error) !== 'EPERM') throw error; // its number is another's by now
  }
}

async function userNamespaceOf(pid: number): Promise<string | undefined> {
  try {
    return await readlink(`/proc/${pid}/ns/user`);
  } catch {
    return undefined; // gone, or another user's by now
  }
}
