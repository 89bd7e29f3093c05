import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, mkdtemp, open, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { HyperClient } from '../src/client/index.ts';
import { startDockerRegistry } from '../test/servers/index.ts';
import { runTimed, type Timed } from './run-timed.ts';

export const repository = fileURLToPath(new URL('..', import.meta.url));

/** docker.io's own: a newer CLI may stand before it in PATH. */
const dockerCli = '/usr/bin/docker';
const startLimitMs = 60_000;

export interface HyperdRoom {
  readonly root: string;
  readonly run: string;
  readonly pid: number;
  readonly client: HyperClient;
  readonly host: string;
  readonly readLog: () => Promise<string>;
}

/** Where it is measured: a folder and the servers in it, each started when first asked for and ended with the room. */
export class Room implements AsyncDisposable {
  readonly folder: string;
  readonly signal: AbortSignal;
  readonly #parts = new AsyncDisposableStack();
  #hyperd: Promise<HyperdRoom> | undefined;
  #dockerd: Promise<string> | undefined;
  #registry: Promise<string> | undefined;

  private constructor(folder: string, signal: AbortSignal) {
    this.folder = folder;
    this.signal = signal;
    this.#parts.defer(() => rm(folder, { recursive: true, force: true }));
  }

  static async open(signal: AbortSignal): Promise<Room> {
    const folder = await mkdtemp(join(tmpdir(), 'hyper-bench-'));
    spawnSync('chmod', ['711', folder]); // QEMU's user passes through
    return new Room(folder, signal);
  }

  say(line: string): void {
    process.stderr.write(`${line}\n`);
  }

  hyperd(): Promise<HyperdRoom> {
    return (this.#hyperd ??= this.#startHyperd());
  }

  /** A docker.io of our own, as it comes: overlay2, its bridge, its containerd and runc. Answers with DOCKER_HOST. */
  dockerd(): Promise<string> {
    return (this.#dockerd ??= this.#startDockerd());
  }

  /** A registry on loopback: `127.0.0.1:PORT`. */
  registry(): Promise<string> {
    return (this.#registry ??= startDockerRegistry().then((registry) => this.#parts.use(registry).host));
  }

  async hyper(...args: readonly string[]): Promise<Timed> {
    const { host } = await this.hyperd();
    return await runTimed(join(repository, 'dist/hyper'), args, { HYPER_HOST: host });
  }

  async docker(...args: readonly string[]): Promise<Timed> {
    return await runTimed(dockerCli, args, { DOCKER_HOST: await this.dockerd() });
  }

  /** busybox, the same files as in Hyper's own image. */
  async dockerBusybox(): Promise<string> {
    await this.docker('import', '--change', 'CMD ["sh"]', join(repository, 'guest/build/busybox-image.tar'), 'bb');
    return 'bb';
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#parts.disposeAsync();
  }

  async #startHyperd(): Promise<HyperdRoom> {
    const [root, run] = [join(this.folder, 'root'), join(this.folder, 'run')];
    await mkdir(run, { mode: 0o711 });
    await writeFile(join(this.folder, 'config.json'), '{}');
    const options = ['--root', root, '--run', run, '--config', join(this.folder, 'config.json')];
    const log = join(this.folder, 'hyperd.log');
    const child = await this.#serve(join(repository, 'bin/hyperd'), options, log);
    const host = `unix://${join(run, 'hyper.sock')}`;
    const client = new HyperClient(host);
    await answers('hyperd', child, log, () => client.ping());
    if (child.pid === undefined) throw new Error('hyperd has no pid');
    return { root, run, pid: child.pid, client, host, readLog: () => readFile(log, 'utf8') };
  }

  async #startDockerd(): Promise<string> {
    const folder = join(this.folder, 'docker');
    await mkdir(folder);
    const host = `unix://${folder}/docker.sock`;
    const paths = ['--data-root', `${folder}/data`, '--exec-root', `${folder}/exec`, '--pidfile', `${folder}/pid`];
    const log = join(this.folder, 'dockerd.log');
    const child = await this.#serve('dockerd', ['-H', host, ...paths], log);
    await answers('dockerd', child, log, async () => {
      await runTimed(dockerCli, ['version'], { DOCKER_HOST: host });
    });
    return host;
  }

  async #serve(file: string, args: readonly string[], log: string): Promise<ChildProcess> {
    await using output = await open(log, 'w');
    const child = spawn(file, args, { stdio: ['ignore', output.fd, output.fd] });
    const exited = once(child, 'exit');
    this.#parts.defer(async () => {
      child.kill('SIGTERM');
      await exited;
    });
    return child;
  }
}

async function answers(name: string, child: ChildProcess, log: string, ask: () => Promise<unknown>): Promise<void> {
  const deadline = performance.now() + startLimitMs;
  for (;;) {
    try {
      await ask();
      return;
    } catch (error) {
      const gone = child.exitCode !== null || child.signalCode !== null;
      if (gone || performance.now() > deadline) {
        const end = (await readFile(log, 'utf8')).slice(-2000);
        throw new Error(`${name} does not start: ${end}`, { cause: error });
      }
      await delay(50); // a unix socket tells nobody when it appears
    }
  }
}
