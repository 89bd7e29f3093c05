import { chmod, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startDockerRegistry } from '../test/servers/index.ts';
import { BareNetwork } from './bare/bare-network.ts';
import { BenchHyperd, type HyperdKind } from './bench-hyperd.ts';
import { repository } from './repository.ts';
import { runTimed, type Timed } from './run-timed.ts';
import { serve } from './served-process.ts';
import { makeTools, type Tools } from './tools/tools.ts';

/** docker.io's own: a newer CLI may stand before it in PATH. */
const dockerCli = '/usr/bin/docker';
const runscPath = '/usr/bin/runsc';
/** Docker's names for gVisor: as it comes, and with the container's network through the host's kernel. */
const runtimes = { runsc: { path: runscPath }, 'runsc-host': { path: runscPath, runtimeArgs: ['--network=host'] } };

/** Where it is measured: a folder and the servers in it, each started when first asked for and ended with the room. */
export class Room implements AsyncDisposable {
  readonly folder: string;
  readonly signal: AbortSignal;
  readonly #parts = new AsyncDisposableStack();
  readonly #hyperds = new Map<HyperdKind, Promise<BenchHyperd>>();
  #dockerd: Promise<string> | undefined;
  #busybox: Promise<string> | undefined;
  #registry: Promise<string> | undefined;
  #tools: Promise<Tools> | undefined;
  #bareNetwork: Promise<BareNetwork> | undefined;

  private constructor(folder: string, signal: AbortSignal) {
    this.folder = folder;
    this.signal = signal;
    this.#parts.defer(() => rm(folder, { recursive: true, force: true }));
  }

  static async open(signal: AbortSignal): Promise<Room> {
    const folder = await mkdtemp(join(tmpdir(), 'hyper-bench-'));
    await chmod(folder, 0o711); // QEMU's user passes through
    return new Room(folder, signal);
  }

  say(line: string): void {
    process.stderr.write(`${line}\n`);
  }

  /** Ends it with the room. */
  use<T extends AsyncDisposable>(part: T): T {
    return this.#parts.use(part);
  }

  async hyperd(kind: HyperdKind): Promise<BenchHyperd> {
    const known = this.#hyperds.get(kind);
    if (known !== undefined) return await known;
    const starting = BenchHyperd.start(kind, join(this.folder, kind), this.signal);
    this.#hyperds.set(kind, starting);
    return this.#parts.use(await starting);
  }

  /** A docker.io of our own, as it comes: overlay2, its bridge, its containerd and runc. Answers with DOCKER_HOST. */
  dockerd(): Promise<string> {
    return (this.#dockerd ??= this.#startDockerd());
  }

  /** A registry on loopback: `127.0.0.1:PORT`. */
  registry(): Promise<string> {
    return (this.#registry ??= startDockerRegistry().then((registry) => this.#parts.use(registry).host));
  }

  /** What guests of both sides measure with. */
  tools(): Promise<Tools> {
    return (this.#tools ??= this.registry().then((registry) => makeTools(join(this.folder, 'tools'), registry)));
  }

  /** Where guests without Hyper have their NICs. */
  bareNetwork(): Promise<BareNetwork> {
    return (this.#bareNetwork ??= BareNetwork.open().then((network) => this.#parts.use(network)));
  }

  async docker(...args: readonly string[]): Promise<Timed> {
    return await runTimed(dockerCli, args, { DOCKER_HOST: await this.dockerd() });
  }

  /** Docker's `busybox`: the same files as in Hyper's own image. */
  dockerBusybox(): Promise<string> {
    return (this.#busybox ??= this.#importBusybox());
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#parts.disposeAsync();
  }

  async #importBusybox(): Promise<string> {
    const archive = join(repository, 'guest/build/busybox-image.tar');
    await this.docker('import', '--change', 'CMD ["sh"]', archive, 'busybox');
    return 'busybox';
  }

  async #startDockerd(): Promise<string> {
    const folder = join(this.folder, 'docker');
    await mkdir(folder);
    const [host, config] = [`unix://${folder}/docker.sock`, join(folder, 'daemon.json')];
    await writeFile(config, JSON.stringify({ runtimes }));
    const paths = ['--data-root', `${folder}/data`, '--exec-root', `${folder}/exec`, '--pidfile', `${folder}/pid`];
    this.#parts.use(
      await serve({
        file: 'dockerd',
        args: ['--config-file', config, '-H', host, ...paths],
        log: join(this.folder, 'dockerd.log'),
        ask: () => runTimed(dockerCli, ['version'], { DOCKER_HOST: host }),
        signal: this.signal,
      }),
    );
    return host;
  }
}
