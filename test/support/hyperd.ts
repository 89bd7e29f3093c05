import assert from 'node:assert/strict';
import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import {
  chownSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { request } from 'node:http';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import { HyperClient } from '../../src/client/index.ts';
import { NetworkSide } from '../network/namespaces.ts';
import type { OrdinaryUser } from '../network/ordinary-user.ts';
import { endKeepers, networkOf } from './keepers.ts';

export const repository = fileURLToPath(new URL('../..', import.meta.url));

export interface Finished {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface RunOptions {
  readonly input?: string | Buffer;
  readonly env?: Readonly<Record<string, string>>;
  readonly cwd?: string;
  /** The Node bundle instead of the binary. */
  readonly bundle?: boolean;
}

/** No pool, and no template but the one that scripts/test has made for all (test-template.ts). */
const nothingByItself = { pool: { size: 0 }, templates: { maxMiB: 0 } };
/** Where scripts/test leaves it; without it VMs boot, which takes longer. */
export const testTemplates = join(repository, 'guest/build/test-templates');

function copyTestTemplate(root: string): void {
  if (!existsSync(testTemplates)) return;
  mkdirSync(root, { recursive: true });
  execFileSync('cp', ['--archive', '--sparse=always', testTemplates, join(root, 'templates')]);
}

export interface StartOptions {
  /** The network namespace to be in, which stays; null: one of its own. */
  readonly host?: { readonly name: string } | null;
  /** Whether the template of all tests is in its root before it starts. */
  readonly withTemplate?: boolean;
  /** Whose it is; null: root's. */
  readonly user?: OrdinaryUser | null;
}

/** A pod that does not stop takes hyperd a minute and a half. */
const endPatienceMs = 180_000;

let count = 0;

/**
 * A hyperd of a test's own: fresh folders, and as root a network namespace of its own, so that the host's interfaces
 * are never touched and any number can run side by side.
 */
export class TestHyperd implements AsyncDisposable {
  readonly folder: string;
  readonly root: string;
  readonly run: string;
  readonly socket: string;
  /** Where its host is. */
  readonly namespace: string;
  readonly user: OrdinaryUser | null;
  readonly #env: NodeJS.ProcessEnv;
  readonly #ownNamespace: boolean;
  #process: ChildProcess | undefined;

  private constructor(config: object, env: NodeJS.ProcessEnv, { host, withTemplate, user }: Required<StartOptions>) {
    this.#ownNamespace = host === null;
    this.user = user;
    this.#env = env;
    this.folder = mkdtempSync(join(tmpdir(), 'hyper-test-'));
    this.root = join(this.folder, 'root');
    this.run = join(this.folder, 'run');
    this.socket = join(this.run, 'hyper.sock');
    this.namespace = host?.name ?? `hyperd-test-${process.pid}-${++count}`;
    // QEMU's user passes through, as through /var/lib.
    execFileSync('chmod', ['711', this.folder]);
    mkdirSync(this.run, { mode: 0o711 });
    // What nobody asked for runs beside no test: what is there and what is left can be counted.
    this.configure({ ...nothingByItself, ...config });
    if (withTemplate) copyTestTemplate(this.root);
    if (user !== null) execFileSync('chown', ['-R', `${user.uid}:${user.gid}`, this.folder]);
  }

  /** @param env the daemon's own environment. */
  static async start(
    config: object = {},
    env: NodeJS.ProcessEnv = process.env,
    { host = null, withTemplate = !('templates' in config), user = null }: StartOptions = {},
  ): Promise<TestHyperd> {
    const hyperd = new TestHyperd(config, env, { host, withTemplate, user });
    if (host === null) {
      execFileSync('ip', ['netns', 'add', hyperd.namespace]);
      execFileSync('ip', ['-n', hyperd.namespace, 'link', 'set', 'lo', 'up']);
    }
    try {
      await hyperd.start();
    } catch (error) {
      await hyperd[Symbol.asyncDispose]().catch(() => undefined); // the first failure is the one to be told
      throw error;
    }
    return hyperd;
  }

  /** Writes its configuration, which one that runs reads again. */
  configure(config: object): void {
    writeFileSync(join(this.folder, 'config.json'), JSON.stringify(config));
  }

  get log(): string {
    return readFileSync(join(this.folder, 'hyperd.log'), 'utf8');
  }

  get pid(): number {
    const pid = this.#process?.pid;
    if (pid === undefined) throw new Error('hyperd does not run');
    return pid;
  }

  get client(): HyperClient {
    return new HyperClient(`unix://${this.socket}`);
  }

  /** The text of a page that is no call of the API. */
  async get(path: string): Promise<string> {
    const { promise, resolve, reject } = Promise.withResolvers<string>();
    const call = request({ socketPath: this.socket, path }, (answer) => resolve(text(answer)));
    call.on('error', reject).end();
    return await promise;
  }

  /** Where its bridges and rules are: on its host, or in a user's own namespace. */
  get network(): NetworkSide {
    if (this.user === null) return new NetworkSide(['ip', 'netns', 'exec', this.namespace]);
    return networkOf(this.run);
  }

  /** An id of the host's as this hyperd and its pods see it, and theirs as the host does: a user's are subordinate ones. */
  idOnHost(id: number, kind: 'uid' | 'gid' = 'uid'): number {
    if (this.user === null) return id;
    return id === 0 ? this.user[kind] : this.user.subordinate[kind] + id - 1;
  }

  /** Gives a file to those whom its pods know by these ids, its own user when none is said. */
  own(path: string, uid = 0, gid = 0): string {
    chownSync(path, this.idOnHost(uid), this.idOnHost(gid, 'gid'));
    return path;
  }

  /** The pids of the QEMU processes whose folders are this hyperd's. */
  vmProcesses(): number[] {
    return readdirSync('/proc').flatMap((name) => {
      if (!/^\d+$/.test(name)) return [];
      try {
        const folders = readFileSync(`/proc/${name}/mountinfo`, 'utf8');
        const isQemu = readFileSync(`/proc/${name}/comm`, 'utf8').startsWith('qemu-system');
        return isQemu && folders.includes(`${basename(this.folder)}/run/vms/`) ? [Number(name)] : [];
      } catch {
        return []; // it has ended
      }
    });
  }

  /** Starts it, again after `kill`, on the same folders; resolves when its socket answers. */
  async start(): Promise<void> {
    const log = openSync(join(this.folder, 'hyperd.log'), 'a');
    const options = ['--root', this.root, '--run', this.run, '--config', join(this.folder, 'config.json')];
    const command = [...(this.user?.by ?? []), join(repository, 'bin/hyperd'), ...options];
    const child = spawn('ip', ['netns', 'exec', this.namespace, ...command], {
      env: this.#env,
      stdio: ['ignore', log, log],
    });
    this.#process = child;
    await this.#answers(child);
  }

  async #answers(child: ChildProcess): Promise<void> {
    const deadline = Date.now() + 60_000;
    for (;;) {
      if (child.exitCode !== null) throw new Error(`hyperd ended: ${this.log.slice(-2000)}`);
      if (Date.now() > deadline) throw new Error(`hyperd does not answer: ${this.log.slice(-2000)}`);
      try {
        await this.client.ping();
        return;
      } catch {
        await new Promise((resolve) => setTimeout(resolve, 20)); // a unix socket tells nobody when it appears
      }
    }
  }

  /** Ends hyperd; with SIGKILL its pods go on. One that does not end is killed, and the test fails. */
  async signal(signal: NodeJS.Signals): Promise<void> {
    const child = this.#process;
    if (child === undefined) return;
    this.#process = undefined;
    if (child.exitCode !== null || child.signalCode !== null) return;
    const exited = once(child, 'exit');
    child.kill(signal);
    const deadline = AbortSignal.timeout(endPatienceMs);
    deadline.addEventListener('abort', () => child.kill('SIGKILL'));
    await exited;
    if (deadline.aborted) throw new Error(`hyperd did not end in ${endPatienceMs} ms: ${this.log.slice(-2000)}`);
  }

  /** Runs the CLI against this hyperd. One that has ended by itself is what is told, and not what the CLI says of it. */
  async hyper(args: readonly string[], options: RunOptions = {}): Promise<Finished> {
    const finished = await runProgram(...this.command(args, options), options);
    this.#assertRuns();
    return finished;
  }

  #assertRuns(): void {
    const { exitCode = null, signalCode = null } = this.#process ?? {};
    if (exitCode === null && signalCode === null) return;
    throw new Error(`hyperd ended by itself (${signalCode ?? exitCode}): ${this.log.slice(-4000)}`);
  }

  command(
    args: readonly string[],
    { bundle = false, env = {} }: RunOptions = {},
  ): [string, string[], NodeJS.ProcessEnv] {
    const ours = { HYPER_HOST: `unix://${this.socket}`, ...env };
    const variables = Object.entries(ours).map(([name, value]) => `${name}=${value}`);
    const program = bundle ? [process.execPath, join(repository, 'dist/hyper.cjs')] : [join(repository, 'dist/hyper')];
    const [file = '', ...rest] = this.user === null ? program : [...this.user.by, ...variables, ...program];
    return [file, [...rest, ...args], { ...process.env, ...ours }];
  }

  /** Ends what a user's hyperd leaves for the next one, as a restart of the machine does. */
  async endKeepers(): Promise<void> {
    await endKeepers(this.run);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#process === undefined || this.#process.exitCode !== null) {
      // Pods of a hyperd that was killed: the next one takes them along.
      if (this.#process === undefined) await this.start().catch(() => undefined);
    }
    const [ended] = await Promise.allSettled([this.signal('SIGTERM')]);
    const left = this.vmProcesses();
    for (const pid of left) killIfThere(pid);
    await this.endKeepers();
    if (this.#ownNamespace) execFileSync('ip', ['netns', 'del', this.namespace], { stdio: 'ignore' });
    const { log } = this;
    rmSync(this.folder, { recursive: true, force: true });
    if (ended.status === 'rejected') throw ended.reason;
    if (left.length > 0) throw new Error(`hyperd ended and left ${left.length} VMs running: ${log.slice(-4000)}`);
  }
}

function killIfThere(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL');
  } catch {
    // it has ended
  }
}

/** A hyperd of a test, or a user who is logged in. */
export interface Caller {
  /** A property and not a method: of those, TypeScript compares the parameters of what stands in for it. */
  readonly hyper: (args: readonly string[], options?: RunOptions) => Promise<Finished>;
}

/** What the CLI prints of a command that must succeed. @param caller whose daemon is asked */
export async function outputOf(caller: Caller, args: readonly string[], options: RunOptions = {}): Promise<string> {
  const { code, stdout, stderr } = await caller.hyper(args, options);
  assert.equal(code, 0, `hyper ${args.join(' ')}: ${stderr}`);
  return stdout;
}

/** Runs a program to its end. stdin is /dev/null without `input`. */
export async function runProgram(
  file: string,
  args: readonly string[],
  env: NodeJS.ProcessEnv,
  options: RunOptions = {},
): Promise<Finished> {
  const child = spawn(file, args, { env, stdio: ['pipe', 'pipe', 'pipe'], cwd: options.cwd });
  const stdout: Buffer[] = [];
  const stderr: Buffer[] = [];
  child.stdout.on('data', (chunk: Buffer) => stdout.push(chunk));
  child.stderr.on('data', (chunk: Buffer) => stderr.push(chunk));
  child.stdin.on('error', () => undefined); // it may end without reading
  child.stdin.end(options.input ?? '');
  await once(child, 'close');
  return {
    code: child.exitCode,
    stdout: Buffer.concat(stdout).toString('latin1'),
    stderr: Buffer.concat(stderr).toString('utf8'),
  };
}
