import { mkdir, readFile } from 'node:fs/promises';
import { availableParallelism, release, totalmem } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Engine, type HostMemoryOptions, type PoolBounds, VmSupply } from '../engine/index.ts';
import { ImageStore, type ImageStoreConfig } from '../image/index.ts';
import { exists } from '../lib/exists.ts';
import type { Log } from '../lib/log.ts';
import { socketIn } from '../lib/paths.ts';
import { type Networks, openNetworks, SlirpPorts } from '../network/index.ts';
import { Store } from '../store/index.ts';
import { guestFolder, qemuBinary, QemuHypervisor, ScratchDisks, warnOfOlderQemu } from '../vm/index.ts';
import { Volumes } from '../volume/index.ts';
import { ApiServer } from './api-server.ts';
import type { Config } from './config.ts';
import { EmbeddedImage } from './embedded-image.ts';
import { PrometheusMetrics } from './prometheus-metrics.ts';
import { ownVersion } from './own-version.ts';
import { hostOutside, mapAddress, type Place, qemuUser, upstreamsOf } from './rootless/index.ts';
import { makeRootFolder } from './root-folder.ts';

export interface HyperdOptions {
  readonly root: string;
  readonly run: string;
  readonly settings: Config;
  readonly place: Place;
  readonly log: Log;
}

/** `guest/build` of the working copy or of the installation, which have the same shape. */
function defaultGuestDir(): string {
  const up = import.meta.url.endsWith('.ts') ? '../..' : '..';
  return fileURLToPath(new URL(`${up}/guest/build`, import.meta.url));
}

/** The daemon: its rooms, opened in order and closed in the reverse one. */
export class Hyperd {
  readonly #engine: Engine;
  readonly #server: ApiServer;
  readonly #networks: Networks;
  readonly #parts: AsyncDisposableStack;

  private constructor(engine: Engine, server: ApiServer, networks: Networks, parts: AsyncDisposableStack) {
    this.#engine = engine;
    this.#server = server;
    this.#networks = networks;
    this.#parts = parts;
  }

  static async start(options: HyperdOptions): Promise<Hyperd> {
    const { root, run, settings, place, log } = options;
    await using parts = new AsyncDisposableStack();
    const user = await qemuUser();
    await makeRootFolder(root, user.gid);
    const guestDir = settings.guestDir ?? defaultGuestDir();
    const metrics = new PrometheusMetrics();
    const fresh = !(await exists(join(root, 'images')));
    const images = parts.use(await ImageStore.open({ root, log, config: imageConfig(options, metrics) }));
    const embedded = parts.use(new EmbeddedImage({ images, root, guestDir, log }));
    if (fresh) await embedded.add();
    const store = parts.use(Store.open(join(root, 'hyper.db'), log));
    const networks = parts.adopt(await openNetworks(networkOptions(options, store)), (opened) => opened.close());
    const binary = qemuBinary(guestDir, settings.qemu);
    if (settings.qemu === 'hyper') await warnOfOlderQemu(binary, log);
    const hypervisor = parts.use(
      await QemuHypervisor.probe({
        ...{ binary, runDir: run, root, accelerator: settings.accelerator, user, log },
        guestDir: guestFolder(guestDir, settings.kernel),
        machine: settings.machine,
        ...{ maxTemplateBytes: settings.templates.maxMiB * 2 ** 20, rootless: place.kind === 'namespace' },
      }),
    );
    const podsDir = join(root, 'pods');
    await mkdir(podsDir, { recursive: true, mode: 0o711 });
    const scratchDisks = new ScratchDisks(join(root, 'scratch'));
    const bootTimeoutMs = settings.bootTimeoutSeconds * 1000;
    const supply = new VmSupply({
      ...{ hypervisor, networks, scratchDisks, bootTimeoutMs, metrics, log },
      poolDir: join(root, 'pool'),
      ownImage: () => embedded.disk(),
      pool: poolBounds(settings),
      makesTemplates: settings.templates.maxMiB > 0,
      memory: hostMemory(settings),
    });
    const volumes = await Volumes.open({
      folder: join(root, 'volumes'),
      records: store,
      makeDisk: (path, sizeMiB) => scratchDisks.create(path, sizeMiB, user),
    });
    const rooms = { store, images, hypervisor, networks, supply, volumes };
    const caches = ['scratch', 'pool', 'tmp', 'embedded-image'].map((name) => join(root, name));
    const engine = await Engine.open({ ...rooms, podsDir, caches, bootTimeoutMs, metrics, log });
    metrics.watch(engine);
    const facts = {
      ...{ version: ownVersion, root, socket: socketIn(run), rootless: place.kind === 'namespace' },
      os: await osName(),
    };
    const server = await ApiServer.listen({ engine, facts, metrics, group: settings.socketGroup, log });
    const { problems } = engine.describe().hypervisor;
    log.info({ root, socket: facts.socket, problems, network: networks.status() }, 'hyperd is ready');
    return new Hyperd(engine, server, networks, parts.move());
  }

  /** What can change while hyperd runs: the pool's size. Everything else waits for the next start. */
  async reconfigure(config: Config): Promise<void> {
    await this.#engine.resizePool(poolBounds(config));
  }

  /** `stopPods`: ends every pod in order and takes the network down; else all is left to the next hyperd. */
  async close(stopPods: boolean): Promise<void> {
    await this.#server.stopListening();
    await this.#engine.close(stopPods);
    await this.#server.close();
    if (stopPods) await this.#networks.removeAll();
    await this.#parts.disposeAsync();
  }
}

/** Of QEMU and guest together, under emulation, a clone of a prepared template (docs/performance.md, Memory). */
const waitingVmBytes = 40 << 20;

/**
 * Enough for a small burst: four for each processor, at most 16, in a fiftieth of the memory. After a greater one as many
 * as it had: at most 64, in a tenth of the memory. A size that is configured is kept.
 */
function poolBounds({ pool: { size, maxSize } }: Config): PoolBounds {
  const within = (share: number): number => Math.floor((totalmem() * share) / waitingVmBytes);
  const least = size ?? Math.min(4 * availableParallelism(), 16, within(1 / 50));
  return { least, most: Math.max(least, maxSize ?? size ?? Math.min(64, within(1 / 10))) };
}

function hostMemory({ memory: { maxMiB, whenFull } }: Config): HostMemoryOptions {
  return { maxMiB: maxMiB ?? Math.floor((totalmem() * 0.9) / 2 ** 20), whenFull };
}

function imageConfig({ settings, place }: HyperdOptions, metrics: PrometheusMetrics): ImageStoreConfig {
  const { insecureRegistries, mirrors, certsDir, certificates, maxLayerBytes } = settings;
  return {
    ...{ insecureRegistries, mirrors, certificates, environment: process.env },
    ...(certsDir === undefined ? {} : { certsDir }),
    ...(maxLayerBytes === undefined ? {} : { maxLayerBytes }),
    onPulledBytes: (bytes) => metrics.bytesPulled(bytes),
    mapAddress: (address) => mapAddress(place, address),
  };
}

/** Ports of the host as a hyperd in a namespace of its own has them. */
function slirpPorts(outside: Place['outside']): SlirpPorts {
  return new SlirpPorts({ socket: outside?.apiSocket ?? null, address: outside?.address ?? '' });
}

function networkOptions(
  { root, settings, place, log }: HyperdOptions,
  store: Store,
): Parameters<typeof openNetworks>[0] {
  return {
    ...{ owner: root, log, upstreams: upstreamsOf(place) },
    ...{ hostOutside: hostOutside(place), forbiddenDestinations: place.forbiddenDestinations },
    ...(place.kind === 'host' ? {} : { hostPorts: slirpPorts(place.outside) }),
    standard: { bridge: settings.bridge, subnet: settings.subnet, ...ipv6Of(settings) },
    others: store.networks(),
  };
}

function ipv6Of({ subnet6 }: Config): { readonly ipv6?: { readonly subnet: string } } {
  return subnet6 === undefined ? {} : { ipv6: { subnet: subnet6 } };
}

async function osName(): Promise<string> {
  const text = await readFile('/etc/os-release', 'utf8').catch(() => '');
  return /^PRETTY_NAME="?([^"\n]*)/m.exec(text)?.[1] ?? `Linux ${release()}`;
}
