import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { promisify } from 'node:util';

const run = promisify(execFile);

export interface Dockerd extends AsyncDisposable {
  /** For DOCKER_HOST. */
  readonly host: string;
  docker(...args: readonly string[]): Promise<string>;
}

/** A Docker of a test's own, without network; it ends, with its files, with its scope. Needs root. */
export async function startDockerd(): Promise<Dockerd> {
  const folder = await mkdtemp(join(tmpdir(), 'hyper-dockerd-'));
  const host = `unix://${folder}/docker.sock`;
  const child = spawn(
    'dockerd',
    [
      ...['--iptables=false', '--bridge=none', '--storage-driver=vfs', '-H', host],
      ...['--data-root', `${folder}/data`, '--exec-root', `${folder}/exec`, '--pidfile', `${folder}/pid`],
    ],
    { stdio: ['ignore', 'ignore', 'pipe'] },
  );
  const ended = once(child, 'exit');
  const dispose = async (): Promise<void> => {
    child.kill();
    await ended;
    await rm(folder, { recursive: true, force: true });
  };
  const said: string[] = [];
  for await (const line of createInterface(child.stderr)) {
    said.push(line);
    if (!line.includes('API listen on')) continue;
    child.stderr.resume();
    return {
      host,
      docker: async (...args) => (await run('docker', ['-H', host, ...args])).stdout,
      [Symbol.asyncDispose]: dispose,
    };
  }
  await dispose();
  throw new Error(`dockerd does not start:\n${said.slice(-5).join('\n')}`);
}
