import { mkdir, rm } from 'node:fs/promises';
import { HyperError } from '../lib/errors.ts';
import type { NetworkStatus } from '../network/index.ts';
import type { ContainerRecord, PodRecord } from '../store/index.ts';
import type { HypervisorDescription } from '../vm/index.ts';
import { ClockKeeper } from './clock-keeper.ts';
import { planFurther, withMounts } from './container-plan.ts';
import { type DiskUse, diskUsage } from './disk-usage.ts';
import { ExecTable } from './exec-table.ts';
import { FileDesk } from './files/index.ts';
import { ImageDesk } from './image-desk.ts';
import { podLimits } from './limits.ts';
import { appendContainer, removeContainer, startContainer, stopContainer } from './live-containers.ts';
import { pausePod, unpausePod } from './live-pod.ts';
import { planMounts, removeOwn, usersOf } from './mounts.ts';
import { NetworkDesk } from './network-desk.ts';
import { Pod } from './pod.ts';
import type { EngineOptions } from './pod-context.ts';
import { settleFolders } from './pod-folders.ts';
import { containerSpecs, planPod } from './pod-plan.ts';
import { podFolder } from './pod-run.ts';
import type { ContainerSpec, PodSpec } from './pod-spec.ts';
import { Pods, type Target } from './pods.ts';
import { type EventQuery, readEvents, type StoredEvent } from './read-events.ts';
import { RecordDesk } from './record-desk.ts';
import type { PoolBounds, PoolStatus, VmSupply } from './supply/index.ts';
import { replacePod, type ReplaceOptions, resumeReplaced } from './replace-pod.ts';
import { ServiceDesk } from './service-desk.ts';
import { TemplateDesk } from './template-desk.ts';
import { timeout } from './timeout.ts';
import { refuseTooManyVcpus } from './vcpu-bound.ts';
import { VmDesk } from './vm-desk.ts';
import { VolumeDesk } from './volume-desk.ts';

/** How long hyperd's start waits for the guests of the pods that it finds again. */
const resumePatienceMs = 10_000;

export interface EngineDescription {
  readonly hypervisor: HypervisorDescription;
  readonly network: NetworkStatus;
  readonly pool: PoolStatus;
  readonly prepared: VmSupply['prepared'];
  readonly memory: VmSupply['memory'];
}

/** Pods and their containers, and the desks for all else: what the front doors speak to. */
export class Engine {
  readonly #options: EngineOptions;
  readonly #pods = new Pods();
  /** Removed, and still being taken apart. */
  readonly #leaving = new Set<Pod>();
  readonly #clocks: ClockKeeper;
  readonly networks: NetworkDesk;
  readonly volumes: VolumeDesk;
  readonly images: ImageDesk;
  readonly templates: TemplateDesk;
  readonly services: ServiceDesk;
  readonly vms: VmDesk;
  readonly execs: ExecTable;
  readonly files: FileDesk;
  readonly records: RecordDesk;

  private constructor(options: EngineOptions) {
    this.#options = options;
    this.networks = new NetworkDesk(options.store, options.networks, this.#pods);
    this.volumes = new VolumeDesk(options.volumes, () => this.pods().map(({ record }) => record));
    this.images = new ImageDesk(options.images, this.#pods, options.store);
    this.templates = new TemplateDesk(options.hypervisor, options.supply);
    this.services = new ServiceDesk(this.#pods, options);
    this.vms = new VmDesk(options.supply, options.hypervisor);
    this.execs = new ExecTable(this.#pods, options);
    this.files = new FileDesk(this.#pods, options);
    this.records = new RecordDesk(this.#pods, options);
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
    const { pool, prepared, memory } = supply;
    return { hypervisor: hypervisor.describe(), network: networks.status(), pool, prepared, memory };
  }

  async resizePool(bounds: PoolBounds): Promise<void> {
    await this.#options.supply.resizePool(bounds);
  }

  async diskUsage(): Promise<readonly DiskUse[]> {
    const { images, volumes, templates } = this;
    return await diskUsage({ images, volumes, templates, pods: () => this.pods() }, this.#options);
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
    refuseTooManyVcpus(spec.vcpus, this.#options.hypervisor.describe());
    const specs = containerSpecs(spec);
    const images = await this.images.ofContainers(specs, signal);
    const record = planPod(spec, images, this.#options.networks);
    // Nobody else takes the name, or removes a volume, until the pod is known to have it.
    return await this.#options.volumes.use.run(() => this.#addNew(record, specs));
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

  /** One pod ends and another takes its place. */
  async replacePod(old: string, next: string, asked: ReplaceOptions): Promise<void> {
    await replacePod([this.pod(old), this.pod(next)], this.pods(), this.#options, asked);
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
    const image = await this.images.need(spec.image, signal);
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

  async stopContainer(text: string, timeoutMs?: number, by?: string): Promise<void> {
    const { pod, container } = this.#container(text);
    await stopContainer(pod, container, timeoutMs, by);
  }

  async removeContainer(text: string, force: boolean): Promise<void> {
    const { pod, container } = this.#container(text);
    await removeContainer(pod, container, force, this.#options);
  }

  /** What has changed, and with `follow` what changes, in order, each once. */
  events(query: EventQuery, follow: boolean, signal: AbortSignal): AsyncIterable<StoredEvent> {
    return readEvents(this.#options.store.events, query, follow, signal);
  }

  /** hyperd leaves. `stopPods`: every pod is stopped in order; else their VMs are left to the next hyperd. */
  async close(stopPods: boolean): Promise<void> {
    this.#clocks.close();
    this.files.close();
    await this.#options.supply.close(); // no VM is made any more for those that end
    const active = this.pods().filter((pod) => pod.active);
    const left = stopPods ? this.pods().filter((pod) => !pod.active) : this.pods();
    for (const pod of left) pod.release();
    if (stopPods) await Promise.allSettled(active.map((pod) => pod.stop(undefined, { by: 'hyperd' })));
    // Those that ended before are perhaps still taken apart, and those that remove themselves are in no list.
    await Promise.allSettled([...this.#pods.all(), ...this.#leaving].map((pod) => pod.settled()));
  }

  async #recover(): Promise<void> {
    const { store, hypervisor, networks, log } = this.#options;
    const records = await settleFolders(store.pods(), this.#options);
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
    // One that does not answer must not keep hyperd from listening: it is waited for behind the others' back.
    const notTakenBack = (error: unknown): void => log.error({ error }, 'a pod could not be taken back');
    const resumed = Promise.all(this.pods().map((pod) => this.#resume(pod).catch(notTakenBack)));
    await Promise.race([resumed, timeout(resumePatienceMs)]);
    resumed
      .then(() => this.#options.volumes.seedings.clearUnfinished(this.#options.volumes.list()))
      .then(() => resumeReplaced(this.pods(), this.#options))
      .catch(notTakenBack);
  }

  async #resume(pod: Pod): Promise<void> {
    await pod.resume((run) => this.execs.takeBack(pod, run));
    this.execs.lose(pod);
  }

  #add(record: PodRecord): void {
    const pod = new Pod(record, this.#options, () => {
      this.#pods.delete(record.id);
      this.execs.forget(record.id);
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

  #runs(): NonNullable<Pod['run']>[] {
    return this.pods().flatMap(({ run }) => (run === undefined ? [] : [run]));
  }
}
