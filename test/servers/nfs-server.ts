import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Namespace } from '../network/namespaces.ts';
import { until } from '../support/refusal.ts';

const settings = (folder: string): string => `
NFS_CORE_PARAM { Protocols = 4; Enable_NLM = false; Enable_RQUOTA = false; Enable_UDP = None; }
NFSv4 { Graceless = true; Allow_Numeric_Owners = true; Only_Numeric_Owners = true; RecoveryRoot = ${folder}/recovery; }
EXPORT_DEFAULTS { SecType = sys; Transports = TCP; Protocols = 4; Squash = No_Root_Squash; }
EXPORT { Export_Id = 1; Path = ${folder}/export; Pseudo = /export; Access_Type = RW; FSAL { Name = VFS; } }
EXPORT { Export_Id = 2; Path = ${folder}/closed; Pseudo = /closed; Access_Type = NONE; FSAL { Name = VFS; } }
LOG { Default_Log_Level = EVENT; }
`;

/** A server of NFS, version 4, in user space (nfs-ganesha), for the host's kernel may have none. */
export class NfsServer implements AsyncDisposable {
  readonly folder: string;
  readonly #namespace: Namespace;
  #process: ChildProcess | undefined;

  private constructor(namespace: Namespace) {
    this.#namespace = namespace;
    this.folder = mkdtempSync(join(tmpdir(), 'hyper-nfs-'));
    // Its files are known by handles, which not every file system has.
    execFileSync('mount', ['-t', 'tmpfs', 'hyper-test', this.folder]);
    chmodSync(this.folder, 0o755);
    for (const name of ['export', 'closed', 'recovery']) mkdirSync(join(this.folder, name));
    writeFileSync(join(this.folder, 'ganesha.conf'), settings(this.folder));
  }

  static async start(namespace: Namespace): Promise<NfsServer> {
    const server = new NfsServer(namespace);
    try {
      await server.start();
    } catch (error) {
      await server[Symbol.asyncDispose]();
      throw error;
    }
    return server;
  }

  get exported(): string {
    return join(this.folder, 'export');
  }

  get log(): string {
    const path = join(this.folder, 'ganesha.log');
    return existsSync(path) ? readFileSync(path, 'utf8') : '';
  }

  async start(): Promise<void> {
    const path = (name: string): string => join(this.folder, name);
    rmSync(path('ganesha.log'), { force: true });
    const options = ['-F', '-f', path('ganesha.conf'), '-L', path('ganesha.log'), '-p', path('ganesha.pid')];
    const [command = '', ...args] = [...this.#namespace.by, 'ganesha.nfsd', ...options];
    const child = spawn(command, args, { stdio: 'ignore' });
    this.#process = child;
    await until(() => {
      if (child.exitCode !== null) throw new Error(`the NFS server ended: ${this.log.slice(-3000)}`);
      return this.log.includes('NFS SERVER INITIALIZED');
    });
  }

  /** SIGSTOP: it takes connections, as the kernel does that for it, and answers nothing. */
  signal(signal: NodeJS.Signals): void {
    this.#process?.kill(signal);
  }

  async stop(): Promise<void> {
    const child = this.#process;
    this.#process = undefined;
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return;
    const exited = once(child, 'exit');
    child.kill('SIGKILL');
    await exited;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
    execFileSync('umount', ['-l', this.folder]);
    rmSync(this.folder, { recursive: true });
  }
}
