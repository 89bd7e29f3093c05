import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { Agent, request } from 'undici';
import { HyperClient } from '../src/client/index.ts';
import { countOrigins, type Origin, type Origins } from './origins.ts';
import { repository } from './repository.ts';
import { runHere, runTimed, type Timed } from './run-timed.ts';
import { serve, type Served } from './served-process.ts';

/** The hyperds that are measured: where their pods' VMs come from. Each has a bridge of its own. */
const kinds = {
  /** As it comes. */
  pool: { origin: 'pool', config: { bridge: 'bench-pool', subnet: '192.168.123.0/24' } },
  clones: { origin: 'template', config: { bridge: 'bench-clones', subnet: '192.168.124.0/24', pool: { size: 0 } } },
  cold: {
    origin: 'boot',
    config: { bridge: 'bench-cold', subnet: '192.168.125.0/24', pool: { size: 0 }, templates: { maxMiB: 0 } },
  },
} as const satisfies Record<string, { readonly origin: Origin; readonly config: Readonly<Record<string, unknown>> }>;
export type HyperdKind = keyof typeof kinds;

const settleLimitMs = 120_000;
/** Shorter, and the asking would itself be something to do. */
const settleIntervalMs = 50;

/** One hyperd of the bench, and what is asked of it off the clock. */
export class BenchHyperd implements AsyncDisposable {
  readonly client: HyperClient;
  readonly pid: number;
  readonly #kind: HyperdKind;
  readonly #host: string;
  readonly #served: Served;
  readonly #signal: AbortSignal;
  #used = false;

  private constructor(kind: HyperdKind, client: HyperClient, host: string, served: Served, signal: AbortSignal) {
    this.client = client;
    this.pid = served.pid;
    this.#kind = kind;
    this.#host = host;
    this.#served = served;
    this.#signal = signal;
  }

  static async start(kind: HyperdKind, folder: string, signal: AbortSignal): Promise<BenchHyperd> {
    const [root, run, config] = [join(folder, 'root'), join(folder, 'run'), join(folder, 'config.json')];
    await mkdir(folder, { mode: 0o711 }); // QEMU's user passes through
    await mkdir(run, { mode: 0o711 });
    await writeFile(config, JSON.stringify(kinds[kind].config));
    const host = `unix://${join(run, 'hyper.sock')}`;
    const client = new HyperClient(host);
    const served = await serve({
      file: join(repository, 'bin/hyperd'),
      args: ['--root', root, '--run', run, '--config', config],
      log: join(folder, 'hyperd.log'),
      ask: () => client.ping(),
      signal,
    });
    return new BenchHyperd(kind, client, host, served, signal);
  }

  async hyper(...args: readonly string[]): Promise<Timed> {
    return await runTimed(join(repository, 'dist/hyper'), args, { HYPER_HOST: this.#host });
  }

  /** The same of a command that writes much. */
  async hyperHere(...args: readonly string[]): Promise<Timed> {
    return await runHere(join(repository, 'dist/hyper'), args, { HYPER_HOST: this.#host });
  }

  /** A run whose VM must have come from where this hyperd's are to come from: else it is no sample. */
  async run(...args: readonly string[]): Promise<Timed> {
    const { origin } = kinds[this.#kind];
    const { value, origins } = await this.counted(() => this.hyper('run', ...args));
    const others = Object.entries(origins).filter(([each, count]) => count !== (each === origin ? 1 : 0));
    if (others.length > 0) {
      throw new Error(`a sample's VM came from elsewhere than ${origin}: ${JSON.stringify(origins)}`);
    }
    return value;
  }

  /** Says where the VMs came from of the pods that were started meanwhile. */
  async counted<T>(work: () => Promise<T>): Promise<{ readonly value: T; readonly origins: Origins }> {
    const before = countOrigins(await this.#metrics());
    const value = await work();
    const after = countOrigins(await this.#metrics());
    const origins = {
      pool: after.pool - before.pool,
      template: after.template - before.template,
      boot: after.boot - before.boot,
    };
    return { value, origins };
  }

  /** Resolves when nothing is under way: pods that have ended are gone, and what the next start takes is there. */
  async settled(): Promise<void> {
    const deadline = performance.now() + settleLimitMs;
    if (!this.#used) await this.hyper('run', '--rm', 'busybox', 'true'); // a template is made of what was used
    this.#used = true;
    while (!(await this.#isSettled())) {
      if (performance.now() > deadline) throw new Error(`hyperd (${this.#kind}) does not come to rest`);
      await delay(settleIntervalMs, undefined, { signal: this.#signal });
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#served[Symbol.asyncDispose]();
  }

  async #isSettled(): Promise<boolean> {
    const { pods, pool, preparedTemplates } = await this.client.info();
    if (pods.total !== pods.running || pool.waiting < pool.size) return false;
    return this.#kind === 'cold' || preparedTemplates.count > 0;
  }

  async #metrics(): Promise<string> {
    const dispatcher = new Agent({ connect: { socketPath: this.client.socketPath } });
    try {
      const { statusCode, body } = await request('http://hyper/metrics', { dispatcher });
      if (statusCode !== 200) throw new Error(`hyperd answers ${statusCode} to a request for its metrics`);
      return await body.text();
    } finally {
      await dispatcher.close();
    }
  }
}
