import { execFile } from 'node:child_process';
import { chown, mkdir, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { HyperClient } from '../../src/client/index.ts';
import type { Namespace } from '../network/namespaces.ts';
import { folderOf, type OrdinaryUser } from '../network/ordinary-user.ts';
import { repository, runProgram, type Finished, type RunOptions } from './hyperd.ts';
import { endKeepers } from './keepers.ts';

/** A user at a machine: a home of their own that goes with all that was started from it. */
export class Login implements AsyncDisposable {
  readonly home: string;
  readonly run: string;
  readonly #command: readonly string[];

  private constructor(home: string, command: readonly string[]) {
    this.home = home;
    this.run = join(home, 'run/hyper');
    this.#command = command;
  }

  static async of(user: OrdinaryUser, host: Namespace): Promise<Login> {
    const home = await folderOf(user);
    await mkdir(join(home, 'run'), { mode: 0o700 });
    await chown(join(home, 'run'), user.uid, user.gid);
    const path = '/usr/local/bin:/usr/bin:/bin';
    const env = ['env', '-i', `HOME=${home}`, `PATH=${path}`, `XDG_RUNTIME_DIR=${home}/run`, `USER=${user.name}`];
    return new Login(home, [...host.by, ...user.by, ...env]);
  }

  hyper(args: readonly string[], { env = {}, ...options }: RunOptions = {}): Promise<Finished> {
    const variables = Object.entries(env).map(([name, value]) => `${name}=${value}`);
    const [file = '', ...rest] = [...this.#command, ...variables, join(repository, 'dist/hyper'), ...args];
    return runProgram(file, rest, process.env, options);
  }

  get socket(): string {
    return join(this.run, 'hyper.sock');
  }

  get client(): HyperClient {
    return new HyperClient(`unix://${this.socket}`);
  }

  get log(): Promise<string> {
    return readFile(join(this.run, 'hyperd.log'), 'utf8');
  }

  /** Ends the daemon as a service manager does. */
  async stop(): Promise<void> {
    const running = await this.client.info().catch(() => undefined);
    if (running === undefined) return;
    const socketGone = untilGone(running.pid);
    process.kill(running.pid, 'SIGTERM');
    await socketGone;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
    await endKeepers(this.run);
    await rm(this.home, { recursive: true, force: true });
  }
}

/** Resolves when a process that is not our child has ended: tail(1) watches it. */
async function untilGone(pid: number): Promise<void> {
  await promisify(execFile)('timeout', ['60', 'tail', `--pid=${pid}`, '-s', '0.1', '-f', '/dev/null']);
}
