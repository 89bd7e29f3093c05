import { mkdir, readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { Image, ImageRemoval, ImageUser, PulledImage, TransferOptions } from '../image/index.ts';
import { HyperError } from '../lib/errors.ts';
import { newNameSuffix, newPodId } from '../lib/ids.ts';
import type { NetworkStatus } from '../network/index.ts';
import type { ContainerRecord, PodRecord } from '../store/index.ts';
import type { HypervisorDescription, TemplateDescription, VmRecord } from '../vm/index.ts';
import { ClockKeeper } from './clock-keeper.ts';
import { planContainers, planFurther, shortName, withMounts } from './container-plan.ts';
import type { Exec } from './exec.ts';
import { appendContainer, removeContainer, startContainer, stopContainer } from './live-containers.ts';
import { pausePod, unpausePod } from './live-pod.ts';
import { NetworkCatalog, type NetworkDescription, type NetworkSpec } from './network-catalog.ts';
import { planNetwork } from './network-plan.ts';
import { podLimits } from './limits.ts';
import { restartOf } from './restart-policy.ts';
import { planMounts, removeOwn, usersOf } from './mounts.ts';
import { Pod } from './pod.ts';
import type { EngineOptions } from './pod-context.ts';
import { podFolder } from './pod-run.ts';
import type { PoolStatus, VmSupply } from './supply/index.ts';
import { timeout } from './timeout.ts';
import { type ContainerSpec, type ExecSpec, type NetworkOfPodSpec, podDefaults, type PodSpec } from './pod-spec.ts';
import { type EventQuery, readEvents, type StoredEvent } from './read-events.ts';
import { Pods, type Target } from './pods.ts';
import type { Pruned } from './prune-each.ts';
import { VolumeDesk } from './volume-desk.ts';

/** How long hyperd's start waits for the guests of the pods that it finds again. */
const resumePatienceMs = 10_000;
/** Execs that do not run and can still be inspected; older ones are forgotten. */
const keptExecs = 1000;

export interface EngineDescription {
  readonly hypervisor: HypervisorDescription;
  readonly network: NetworkStatus;
  readonly pool: PoolStatus;
  readonly memory: VmSupply['memory'];
}

/** Pods, containers, execs and images: what the front doors speak to. */
export class Engine {
  readonly #options: EngineOptions;
  readonly #pods = new Pods();
  /** Removed, and still being taken apart. */
  readonly #leaving = new Set<Pod>();
  readonly #execs = new Map<string, Exec>();
  readonly #clocks: ClockKeeper;
  readonly #networks: NetworkCatalog;
  readonly volumes: VolumeDesk;

  private constructor(options: EngineOptions) {
    this.#options = options;
    this.#networks = new NetworkCatalog(options.store, options.networks);
    this.volumes = new VolumeDesk(options.volumes, () => this.pods().map(({ record }) => record));
    this.#clocks = new ClockKeeper(() => this.#runs().map(({ agent }) => agent), options.log);
  }

  /** Reads what is stored, compares it with what runs, and takes back or cleans up each VM. */
  static async open(options: EngineOptions): Promise<Engine> {
    const engine = new Engine(options);
    await engine.#recover();
    // Behind the first requests' back: what templates there are is read and compared with its checksums.
    options.supply.warm().catch((error: unknown) => options.log.warn({ error }, 'the pool cannot be filled'));
    return engine;
  }

  describe(): EngineDescription {
    const { hypervisor, networks, supply } = this.#options;
    const { pool, memory } = supply;
    return { hypervisor: hypervisor.describe(), network: networks.status(), pool, memory };
  }

  /** The VMs of the pool. */
  idleVms(): readonly VmRecord[] {
    return this.#options.supply.idle();
  }

  async templates(): Promise<readonly TemplateDescription[]> {
    return await this.#options.hypervisor.templates();
  }

  async makeTemplate(shape: Pick<PodSpec, 'vcpus' | 'memoryMiB'>, signal: AbortSignal): Promise<TemplateDescription> {
    const { vcpus = podDefaults.vcpus, memoryMiB = podDefaults.memoryMiB } = shape;
    return await this.#options.supply.makeTemplate({ vcpus, memoryMiB }, signal);
  }

  /** By its id or the beginning of it. */
  async removeTemplate(text: string): Promise<string> {
    const fits = (await this.templates()).filter(({ id }) => id.startsWith(text));
    const [only] = fits;
    if (fits.length > 1)
      throw new HyperError('ambiguous', `${text} fits ${fits.length} templates: give more of the id`);
    if (only === undefined) throw new HyperError('not_found', `no such template: ${text}: see 'hyper template ls'`);
    await this.#options.hypervisor.removeTemplate(only.id);
    return only.id;
  }

  async resizePool(size: number): Promise<void> {
    await this.#options.supply.resizePool(size);
  }

  pods(): readonly Pod[] {
    return this.#pods.all();
  }

  pod(text: string): Pod {
    return this.#pods.find(text);
  }

  /** The container that a text names, or the first one of the pod that it names. */
  target(text: string): Target {
    return this.#pods.target(text);
  }

  /** Makes a pod's record; nothing runs yet. The image must be here, or in the machine's Docker. */
  async createPod(spec: PodSpec, signal: AbortSignal): Promise<PodRecord> {
    const images = await this.#images(spec, signal);
    const [first] = spec.containers;
    const [image] = images;
    if (first === undefined || image === undefined) throw new HyperError('bad_request', 'a pod needs a container');
    const name = spec.name ?? `${shortName(image, first.image)}-${newNameSuffix()}`;
    const hostname = spec.hostname ?? name.replace(/_/g, '-').slice(0, 63);
    const record: PodRecord = {
      ...podDefaults,
      id: newPodId(),
      name,
      hostname,
      state: 'pending',
      ...(spec.vcpus === undefined ? {} : { vcpus: spec.vcpus }),
      ...(spec.memoryMiB === undefined ? {} : { memoryMiB: spec.memoryMiB }),
      ...(spec.storageMiB === undefined ? {} : { storageMiB: spec.storageMiB }),
      ...podLimits(spec),
      labels: { ...spec.labels },
      autoRemove: spec.autoRemove ?? false,
      ...restartOf(spec),
      createdAt: new Date().toISOString(),
      startedAt: null,
      finishedAt: null,
      reason: null,
      warnings: [],
      vm: null,
      endpoints: [],
      persistedEvent: 0,
      ...planNetwork(spec, image, this.#options.networks),
      containers: planContainers(spec.containers, images, { name, hostname }),
      nextContainer: 0,
    };
    // Nobody else takes the name, or removes a volume, until the pod is known to have it.
    return await this.#options.volumes.use.run(() => this.#addNew(record, spec.containers));
  }

  async #addNew(record: PodRecord, specs: readonly ContainerSpec[]): Promise<PodRecord> {
    if (this.#pods.hasName(record.name)) {
      throw new HyperError('conflict', `the name ${record.name} is taken: choose another, or remove that pod`);
    }
    const { volumes } = this.#options;
    try {
      for (const [at, spec] of specs.entries()) {
        const mounts = await planMounts(spec, record.id, volumes, () => false);
        record.containers = record.containers.map((each, index) => (index === at ? withMounts(each, mounts) : each));
      }
      // The hypervisor's user goes through it to the scratch disk; nobody lists it.
      await mkdir(podFolder(this.#options.podsDir, record), { recursive: true, mode: 0o711 });
      this.#options.store.savePod(record);
    } catch (error) {
      const mounts = record.containers.flatMap((container) => container.mounts);
      await removeOwn(mounts, volumes, true, () => false);
      await rm(podFolder(this.#options.podsDir, record), { recursive: true, force: true });
      throw error;
    }
    this.#add(record);
    return record;
  }

  async pausePod(text: string): Promise<void> {
    await pausePod(this.pod(text), this.#options.store);
  }

  async unpausePod(text: string): Promise<void> {
    await unpausePod(this.pod(text), this.#options.store);
  }

  /** Adds a container to a pod that runs or not; it is started by `startContainer`, or with the pod. */
  async addContainer(podText: string, spec: ContainerSpec, signal: AbortSignal): Promise<ContainerRecord> {
    const pod = this.pod(podText);
    const image = await this.#image(spec.image, signal);
    const { volumes, store } = this.#options;
    const { vcpus, memoryMiB } = pod.record;
    podLimits({ vcpus, memoryMiB, containers: [spec] }); // says where it is to have more than there is
    const inUse = (volume: string): boolean => usersOf(volume, store.pods()).length > 0;
    return await appendContainer(pod, this.#options, (append) =>
      volumes.use.run(async () => {
        const planned = planFurther(spec, image, pod.record);
        const mounts = await planMounts(spec, pod.record.id, volumes, inUse);
        try {
          const record = withMounts(planned, mounts);
          append(record);
          return record;
        } catch (error) {
          await removeOwn(mounts, volumes, true, inUse);
          throw error;
        }
      }),
    );
  }

  async startContainer(text: string): Promise<void> {
    const { pod, container } = this.#container(text);
    await startContainer(pod, container);
  }

  async stopContainer(text: string, timeoutMs?: number): Promise<void> {
    const { pod, container } = this.#container(text);
    await stopContainer(pod, container, timeoutMs);
  }

  async removeContainer(text: string, force: boolean): Promise<void> {
    const { pod, container } = this.#container(text);
    await removeContainer(pod, container, force, this.#options);
  }

  createExec(podText: string, spec: ExecSpec): Exec {
    const { pod, container } = this.target(podText);
    const exec = pod.exec(container, spec);
    this.#execs.set(exec.id, exec);
    for (const [id, old] of this.#execs) {
      if (this.#execs.size <= keptExecs) break;
      if (old.state !== 'running') this.#execs.delete(id);
    }
    return exec;
  }

  exec(id: string): Exec {
    const exec = this.#execs.get(id);
    if (exec === undefined) throw new HyperError('not_found', `no such exec: ${id}`);
    return exec;
  }

  /** What has changed, and with `follow` what changes, in order, each once. */
  events(query: EventQuery, follow: boolean, signal: AbortSignal): AsyncIterable<StoredEvent> {
    return readEvents(this.#options.store.events, query, follow, signal);
  }

  networks(): readonly NetworkDescription[] {
    return this.#networks.list();
  }

  network(text: string): NetworkDescription {
    return this.#networks.find(text);
  }

  async createNetwork(spec: NetworkSpec): Promise<NetworkDescription> {
    return await this.#networks.create(spec);
  }

  /** Puts a pod on a further network, which is found as all others. */
  async connectNetwork(text: string, podText: string, wish: Omit<NetworkOfPodSpec, 'network'>): Promise<void> {
    const { network } = this.#networks.find(text);
    await this.pod(podText).joinNetwork({ ...wish, network: network.name });
  }

  async disconnectNetwork(text: string, podText: string): Promise<void> {
    const { network } = this.#networks.find(text);
    await this.pod(podText).leaveNetwork(network.name);
  }

  async removeNetwork(text: string): Promise<string> {
    return await this.#networks.remove(text, (name) => this.#podsOn(name));
  }

  async pruneNetworks(): Promise<Pruned> {
    return await this.#networks.prune((name) => this.#podsOn(name));
  }

  images(): readonly Image[] {
    return this.#options.images.list();
  }

  inspectImage(reference: string): Image {
    return this.#options.images.inspect(reference);
  }

  async pullImage(reference: string, options: TransferOptions): Promise<PulledImage> {
    return await this.#options.images.pull(reference, options);
  }

  async loadImages(archive: AsyncIterable<Uint8Array>, options: TransferOptions): Promise<readonly PulledImage[]> {
    return await this.#options.images.load(archive, options);
  }

  async removeImage(reference: string, force: boolean): Promise<ImageRemoval> {
    const inUse = (imageId: string): ImageUser[] =>
      this.pods()
        .filter(({ record }) => record.containers.some((container) => container.imageId === imageId))
        .map((pod) => ({ name: pod.record.name, running: pod.active }));
    return await this.#options.images.remove(reference, { force, inUse });
  }

  /** hyperd leaves. `stopPods`: every pod is stopped in order; else their VMs are left to the next hyperd. */
  async close(stopPods: boolean): Promise<void> {
    this.#clocks.close();
    await this.#options.supply.close(); // no VM is made any more for those that end
    const active = this.pods().filter((pod) => pod.active);
    const left = stopPods ? this.pods().filter((pod) => !pod.active) : this.pods();
    for (const pod of left) pod.release();
    if (stopPods) await Promise.allSettled(active.map((pod) => pod.stop(undefined, true)));
    // Those that ended before are perhaps still taken apart, and those that remove themselves are in no list.
    await Promise.allSettled([...this.#pods.all(), ...this.#leaving].map((pod) => pod.settled()));
  }

  async #recover(): Promise<void> {
    const { store, hypervisor, networks, log } = this.#options;
    const records = store.pods();
    for (const record of records) {
      // Before there were others the default network had no name of its own.
      for (const each of record.networks) if (each.network === 'default') each.network = networks.standard.name;
      this.#add(record);
    }
    await networks.restore(records.flatMap(({ endpoints }) => endpoints));
    const owned = new Set(records.flatMap(({ vm }) => (vm === null ? [] : [vm.id])));
    for (const id of await hypervisor.leftovers()) {
      if (owned.has(id)) continue;
      log.warn({ vm: id }, 'removing a VM that no pod owns');
      await hypervisor.cleanUpUnknown(id);
    }
    await this.#removeFoldersWithoutPod(new Set(records.map((record) => record.id)));
    // One that does not answer must not keep hyperd from listening: it is waited for behind the others' back.
    const resumed = Promise.all(this.pods().map((pod) => pod.resume()));
    await Promise.race([resumed, timeout(resumePatienceMs)]);
    resumed
      .then(() => this.#options.volumes.seedings.clearUnfinished(this.#options.volumes.list()))
      .catch((error: unknown) => log.error({ error }, 'a pod could not be taken back'));
  }

  async #removeFoldersWithoutPod(known: ReadonlySet<string>): Promise<void> {
    const { podsDir, log } = this.#options;
    for (const name of await readdir(podsDir)) {
      if (known.has(name)) continue;
      log.warn({ pod: name }, 'removing the folder of a pod that is no more');
      await rm(join(podsDir, name), { recursive: true, force: true });
    }
  }

  #add(record: PodRecord): void {
    const pod = new Pod(record, this.#options, () => {
      this.#pods.delete(record.id);
      this.#leaving.add(pod);
      void pod.settled().then(() => this.#leaving.delete(pod));
    });
    this.#pods.add(pod);
  }

  /** One that is named by itself. */
  #container(text: string): Target {
    const target = this.target(text);
    if (target.byContainer || target.pod.containers.length === 1) return target;
    const names = target.pod.containers.map(({ record }) => record.name).join(', ');
    throw new HyperError('bad_request', `${text} is a pod: name one of its containers: ${names}`);
  }

  #podsOn(network: string): string[] {
    return this.pods().flatMap(({ record }) =>
      record.networks.some((each) => each.network === network) ? record.name : [],
    );
  }

  #runs(): NonNullable<Pod['run']>[] {
    return this.pods().flatMap(({ run }) => (run === undefined ? [] : [run]));
  }

  /** Of each container, in order. */
  async #images({ containers }: PodSpec, signal: AbortSignal): Promise<Image[]> {
    const found = new Map<string, Image>();
    for (const { image } of containers) {
      if (!found.has(image)) found.set(image, await this.#image(image, signal));
    }
    return containers.flatMap(({ image }) => found.get(image) ?? []);
  }

  async #image(reference: string, signal: AbortSignal): Promise<Image> {
    const { images } = this.#options;
    const image = images.find(reference) ?? (await images.importFromDocker(reference, { signal }));
    if (image === undefined) {
      throw new HyperError('image_not_found', `no such image: ${reference}: pull it with 'hyper pull ${reference}'`);
    }
    return image;
  }
}
