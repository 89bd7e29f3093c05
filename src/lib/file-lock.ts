import { spawn } from 'node:child_process';
import { HyperError, systemCode } from './errors.ts';
import { missingCommand } from './run-command.ts';

/** What `flock` exits with when the lock is not free in time: its default, and no code of its other failures. */
const conflict = 1;

/**
 * Does something while holding a lock on a file (made if missing), after waiting for whoever has it. The kernel keeps
 * it (flock(2)), so it is gone when this process dies, however it does: Node has no flock, and a small `flock` holds it
 * until our pipe to it closes.
 *
 * @throws HyperError `timeout` when it was not free in time, `unavailable` when the file cannot be locked, `missing_dependency` without util-linux.
 */
export async function withFileLock<T>(path: string, work: () => Promise<T>, timeoutMs = 30_000): Promise<T> {
  const args = ['--exclusive', '--timeout', String(timeoutMs / 1000), path, 'sh', '-c', 'echo locked; exec cat'];
  // Of a session of its own: a Ctrl-C at our terminal does not free what we still need.
  const child = spawn('flock', args, { detached: true, stdio: ['pipe', 'pipe', 'inherit'] });
  const ended = new Promise<void>((resolve) => child.once('close', () => resolve()));
  try {
    await new Promise<void>((resolve, reject) => {
      child.once('error', (error) => {
        const missing = systemCode(error) === 'ENOENT';
        reject(missing ? missingCommand('flock', error) : new HyperError('internal', `flock: ${error.message}`));
      });
      child.once('exit', (code) => {
        if (code === conflict) reject(new HyperError('timeout', `${path} is locked by another process: try again`));
        else reject(new HyperError('unavailable', `${path} cannot be locked: flock ended with ${String(code)}`));
      });
      child.stdout.once('data', () => resolve());
    });
    return await work();
  } finally {
    child.stdin.end();
    await ended;
  }
}
