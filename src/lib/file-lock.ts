import { spawn } from 'node:child_process';
import { HyperError, systemCode } from './errors.ts';
import { missingCommand } from './run-command.ts';

/**
 * Does something while holding a lock on a file (made if missing), after waiting for whoever has it. The kernel keeps
 * it (flock(2)), so it is gone when this process dies, however it does: Node has no flock, and a small `flock` holds it
 * until our pipe to it closes.
 *
 * @throws HyperError `timeout` when it was not free in time, `missing_dependency` without util-linux.
 */
export async function withFileLock<T>(path: string, work: () => Promise<T>, timeoutMs = 30_000): Promise<T> {
  const args = ['--exclusive', '--timeout', String(timeoutMs / 1000), path, 'sh', '-c', 'echo locked; exec cat'];
  const child = spawn('flock', args, { stdio: ['pipe', 'pipe', 'inherit'] });
  const ended = new Promise<void>((resolve) => child.once('close', () => resolve()));
  try {
    await new Promise<void>((resolve, reject) => {
      child.once('error', (error) => {
        const missing = systemCode(error) === 'ENOENT';
        reject(missing ? missingCommand('flock', error) : new HyperError('internal', `flock: ${error.message}`));
      });
      child.once('exit', () => reject(new HyperError('timeout', `${path} is locked by another process: try again`)));
      child.stdout.once('data', () => resolve());
    });
    return await work();
  } finally {
    child.stdin.end();
    await ended;
  }
}
