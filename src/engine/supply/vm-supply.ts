import { rm } from 'node:fs/promises';
import { availableParallelism } from 'node:os';
import { allDone } from '../../lib/all-done.ts';
import { HyperError, messageOf } from '../../lib/errors.ts';
import { newVmId, type VmId } from '../../lib/ids.ts';
import { Semaphore } from '../../lib/semaphore.ts';
import { Stopwatch } from '../../lib/stopwatch.ts';
import type { TemplateDescription, VmRecord } from '../../vm/index.ts';
import { type AddressWish, freeAddresses } from './asked-addresses.ts';
import { availableMemoryShare, shortShare } from './available-memory.ts';
import { DiskSupply, disksOf } from './disk-supply.ts';
import { HostMemory } from './host-memory.ts';
import { Quiet } from './quiet.ts';
import { type Connected, NicSupply } from './nic-supply.ts';
import type { ClaimedVm, IdleVm, PooledVm, ReadyVm, VmRequest } from './ready-vm.ts';
import type { PoolStatus, SupplyOptions, TakeOptions } from './supply-options.ts';
import { plugIn, shapeOf, vmSpec } from './requested.ts';
import { setUp } from './set-up.ts';
import { type GuestSize, type PodShape, ShapeUses } from './shape-uses.ts';
import { UserVms } from './user-vms.ts';
import type { Prepared } from './prepared-templates.ts';
import { TemplateSupply } from './template-supply.ts';
import { type PoolBounds, VmPool } from './vm-pool.ts';

/** A guest of the pool answers in milliseconds; one that does not is given up for another. */
const pooledAnswerMs = 5000;
/** How often it is looked whether memory has become short. */
const lookIntervalMs = 1000;

/** Gives pods their VMs: from the pool, else a clone of a template, else by booting; and takes them back. */
export class VmSupply {
  readonly #options: SupplyOptions;
  readonly #memory: HostMemory;
  readonly #quiet = new Quiet();
  /** What more of them at once would only make slower: each keeps a processor busy. */
  readonly #starting = new Semaphore(availableParallelism());
  readonly #uses = new ShapeUses();
  readonly #pool: VmPool;
  /** Those that users have made. */
  readonly kept: UserVms;
  readonly #timer: NodeJS.Timeout;
  readonly #disks: DiskSupply;
  readonly #nics: NicSupply;
  readonly #templates: TemplateSupply;

  constructor(options: SupplyOptions) {
    this.#options = options;
    this.#memory = new HostMemory(options.memory);
    const { scratchDisks, poolDir, hypervisor, ownImage } = options;
    this.#disks = new DiskSupply({ scratchDisks, folder: poolDir, owner: hypervisor.user, ownImage });
    this.#nics = new NicSupply({ ...options, quiet: (signal) => this.#quiet.reached(signal) });
    const [memory, nics, disks, quiet] = [this.#memory, this.#nics, this.#disks, this.#quiet];
    const onMade = (): void => this.#pool.fill();
    this.#templates = new TemplateSupply({ supply: options, memory, nics, disks, quiet, onMade });
    this.#pool = new VmPool({
      ...{ bounds: options.pool, uses: this.#uses, log: options.log },
      make: (shape, signal) => this.#makeIdle(shape, signal),
      discard: (vm) => this.#discard(vm),
      quiet: (signal) => this.#quiet.reached(signal),
    });
    this.kept = new UserVms({ discard: (vm) => this.#discard(vm), log: options.log });
    this.#timer = setInterval(() => void this.#look(), lookIntervalMs).unref();
  }

  get pool(): PoolStatus {
    return { size: this.#pool.size, waiting: this.#pool.waiting };
  }

  idle(): readonly VmRecord[] {
    return [...this.#pool.idle(), ...this.kept.list()].map(({ vm }) => vm.record);
  }

  get prepared(): TemplateSupply['prepared'] {
    return this.#templates.prepared;
  }

  get memory(): Pick<HostMemory, 'reservedMiB' | 'maxMiB' | 'waiting'> {
    return this.#memory;
  }

  /** Fills the pool with clones of the templates that are there: hyperd has started. */
  async warm(): Promise<void> {
    const { hypervisor } = this.#options;
    await this.#disks.clear();
    for (const { shape } of await hypervisor.templates()) {
      if (!shape.nic) continue;
      this.#uses.note({ ...shape, sharedMemory: false });
      await hypervisor.hasTemplate(shape); // reads it
    }
    this.#pool.fill();
  }

  /**
   * Gives `use` a VM for a pod, its guest set up. Where none can be had nothing of it is left; what `use` has been given is
   * its own, also when it fails. While it works the pool is not filled.
   */
  async start<T>(request: VmRequest, options: TakeOptions, use: (ready: ReadyVm) => Promise<T>): Promise<T> {
    const poolable = request.nics.length > 0; // those that wait have one
    try {
      const used = await this.#quiet.during(async () => {
        const watch = new Stopwatch();
        await this.freeAddresses(request.nics, options.signal);
        const pooled = poolable ? await this.#takePooled(request, options, watch) : undefined;
        if (pooled !== undefined) return await use(pooled);
        if (poolable && this.#pool.size > 0) this.#options.metrics.poolMiss();
        return await this.#nics.withVmId(request.nics, async (id) => {
          await this.#reserve(id, request, options.signal);
          return await this.#inTurn(id, options.signal, async () => {
            watch.lap('room and turn');
            return await use(await this.#start(id, request, options, watch));
          });
        });
      });
      if (poolable) {
        this.#uses.note(shapeOf(request));
        this.#disks.note(request);
      }
      return used;
    } finally {
      this.#pool.fill();
    }
  }

  /** Makes a VM that waits until it is named, or hyperd ends. */
  async keep(size: GuestSize, signal: AbortSignal): Promise<VmRecord> {
    const shape = { ...size, sharedMemory: false };
    return await this.#quiet.during(async () => {
      const idle = this.#pool.take(shape) ?? (await this.#makeKept(shape, signal));
      return this.kept.add(idle, shape);
    });
  }

  /** A pod's VM after a restart of hyperd: it counts. */
  adopt({ vm }: Pick<ClaimedVm, 'vm'>, memoryMiB: number): void {
    this.#memory.adopt(vm.id, memoryMiB);
  }

  /** Removes what a VM has on this host. Its process may still run, and is ended. */
  async release({
    vm,
    endpoints,
  }: Pick<ClaimedVm, 'endpoints'> & { readonly vm: ClaimedVm['vm'] | null }): Promise<void> {
    const { hypervisor } = this.#options;
    try {
      await this.#quiet.during(() =>
        allDone([vm === null ? Promise.resolve() : hypervisor.cleanUp(vm), this.#nics.disconnect(endpoints)]),
      );
    } finally {
      if (vm !== null) this.#memory.release(vm.id);
      this.#pool.fill();
    }
  }

  /** What waits gives way to who asks for its address. */
  async freeAddresses(nics: readonly AddressWish[], signal?: AbortSignal): Promise<void> {
    await freeAddresses(nics, [this.#pool, this.#nics], signal);
  }

  /** Makes the template of a shape now, in place of the one that is there. */
  async makeTemplate(shape: GuestSize, signal: AbortSignal): Promise<TemplateDescription> {
    const made = await this.#templates.make(shape, signal);
    this.#uses.note({ ...shape, sharedMemory: false });
    this.#pool.fill();
    return made;
  }

  async resizePool(bounds: PoolBounds): Promise<void> {
    // Who wants none that wait wants none made for later either.
    await Promise.all([this.#pool.resize(bounds), bounds.most === 0 ? this.#templates.stopPreparing() : undefined]);
  }

  async close(): Promise<void> {
    clearInterval(this.#timer);
    await Promise.all([this.#pool.close(), this.kept.close(), this.#templates.close(), this.#nics.close()]);
  }

  async #takePooled(request: VmRequest, options: TakeOptions, watch: Stopwatch): Promise<ReadyVm | undefined> {
    const shape = shapeOf(request);
    if (options.vm !== undefined)
      return await this.#prepare(this.kept.take(options.vm, shape), request, options, watch);
    for (;;) {
      const taken = this.#pool.take(shape);
      if (taken === undefined) return undefined;
      try {
        const ready = await this.#prepare(taken, request, options, watch);
        this.#options.metrics.poolHit();
        return ready;
      } catch (error) {
        options.signal.throwIfAborted();
        // What is no VM's fault would be the same with the next one.
        if (!(error instanceof HyperError) || (error.code !== 'vm_failed' && error.code !== 'timeout')) throw error;
        this.#options.log.warn({ vm: taken.vm.record.id, error: messageOf(error) }, 'a VM of the pool is of no use');
        watch.lap('a VM that was of no use');
      }
    }
  }

  /** Makes a VM that has waited a pod's; one that fails is given up. */
  async #prepare(taken: PooledVm, request: VmRequest, options: TakeOptions, watch: Stopwatch): Promise<ReadyVm> {
    const { signal, claim } = options;
    let idle = taken;
    const bounded = AbortSignal.any([signal, AbortSignal.timeout(pooledAnswerMs)]);
    // Whatever is asked of a guest that has stopped: it fails when its VM goes.
    const giveUp = (): void => void idle.vm.kill();
    bounded.addEventListener('abort', giveUp, { once: true });
    try {
      idle = await this.#nics.assign(taken, request.nics, bounded);
      claim({ vm: idle.vm.record, endpoints: idle.endpoints });
      await allDone([
        setUp(idle, request.hostname, bounded),
        this.#disks.take(idle, request),
        plugIn(idle, request, claim, bounded),
      ]);
      watch.lap('guest set-up, disks');
      return { ...idle, origin: 'pool', steps: watch.steps };
    } catch (error) {
      await this.#discard(idle);
      throw error;
    } finally {
      bounded.removeEventListener('abort', giveUp);
    }
  }

  /** `id` has its memory reserved. */
  async #start(id: VmId, request: VmRequest, { signal, claim }: TakeOptions, watch: Stopwatch): Promise<ReadyVm> {
    const { vcpus, memoryMiB, nics } = request;
    const bounded = AbortSignal.any([signal, AbortSignal.timeout(this.#options.bootTimeoutMs)]);
    const { isFresh, prepared } = await this.#templates.findFor(request);
    const [began, disk] = await Promise.allSettled([
      this.#begin(id, { ...shapeOf(request), nics, prepared }, bounded, claim, watch),
      prepared === undefined ? this.#disks.ensure(request) : Promise.resolve(),
    ]);
    if (began.status === 'rejected') throw began.reason;
    const { origin, ...idle } = began.value;
    const { standby } = idle;
    try {
      if (disk.status === 'rejected') throw disk.reason;
      await allDone([
        setUp(idle, request.hostname, bounded),
        standby === undefined ? this.#disks.put(idle, request) : this.#disks.take({ ...idle, standby }, request),
        plugIn(idle, request, claim, bounded),
      ]);
    } catch (error) {
      await this.#discard(idle);
      throw error;
    }
    // The first time it took a fresh guest so long to read it that it was late.
    idle.agent.setClock().catch((error: unknown) => {
      this.#options.log.debug({ vm: id, error: messageOf(error) }, 'a guest’s clock could not be set');
    });
    watch.lap('guest set-up, disks');
    const shape = { vcpus, memoryMiB, nic: idle.endpoints.length > 0 };
    if (origin === 'boot') this.#templates.want(shape, request);
    else if (isFresh && standby === undefined) this.#templates.wantPrepared(shape, request);
    return { ...idle, origin, steps: watch.steps };
  }

  /** Room for a VM on the host; the pool's is given up for it. */
  async #reserve(id: VmId, { memoryMiB }: GuestSize, signal: AbortSignal): Promise<void> {
    if (this.#memory.canFit(memoryMiB) && !this.#memory.hasRoom(memoryMiB)) {
      await Promise.all([this.#pool.drain(), this.#templates.stopPreparing()]);
    }
    await this.#memory.reserve(id, memoryMiB, signal);
  }

  /** From nothing to an agent that answers; `id` has its memory reserved. */
  async #begin(
    id: VmId,
    { nics, prepared, ...shape }: PodShape & Pick<VmRequest, 'nics'> & { readonly prepared?: Prepared | undefined },
    signal: AbortSignal,
    claim: TakeOptions['claim'],
    watch: Stopwatch,
  ): Promise<IdleVm & Partial<Pick<PooledVm, 'standby'>> & { readonly origin: 'template' | 'boot' }> {
    let connected: Connected = { endpoints: [], problem: '' };
    const copying = prepared === undefined ? undefined : this.#templates.copyDisks(prepared, id);
    const copied = copying?.catch(() => undefined); // without it the clone fails, and is made of its shape's template
    const dropCopy = async (): Promise<void> => {
      const copy = await copied;
      if (copy !== undefined) await rm(copy.scratch.path, { force: true }).catch(() => undefined); // the pool's folder is emptied
    };
    try {
      connected = await this.#nics.connect(id, nics, signal);
      const { endpoints, problem: networkProblem } = connected;
      watch.lap('network');
      const spec = { ...vmSpec(id, shape, connected), sharedMemory: shape.sharedMemory };
      const started = await this.#options.hypervisor.start(spec, {
        signal,
        onProcess: (vm) => claim({ vm, endpoints }),
        prepared: prepared && copying && { template: prepared.template, disks: copying.then(disksOf) },
      });
      watch.add(started.steps);
      const { vm, agent, origin } = started;
      const idle = { vm, agent, endpoints, networkProblem, origin };
      const standby = started.prepared === 'used' ? await copied : undefined;
      if (standby !== undefined) return { ...idle, standby };
      await dropCopy();
      if (prepared !== undefined && started.prepared === 'failed') await this.#templates.rejectPrepared(prepared);
      return idle;
    } catch (error) {
      await dropCopy();
      await this.#giveBack(id, connected);
      throw error;
    }
  }

  async #makeIdle(shape: PodShape, signal: AbortSignal): Promise<PooledVm | undefined> {
    const { hypervisor, networks } = this.#options;
    // Without a network pods have no NIC, and VMs that wait have one: a pool would be of no use.
    if (networks.status().state !== 'up') return undefined;
    if ((await availableMemoryShare()) < 2 * shortShare) return undefined;
    if (!(await hypervisor.hasTemplate({ ...shape, nic: true }))) return undefined;
    const ownImage = await this.#disks.ownImage();
    if (ownImage !== undefined) {
      const used = { imagePath: ownImage, program: { command: 'true', searchPath: '' } };
      await this.#templates.ensurePrepared({ ...shape, nic: true }, used, signal);
    }
    const id = newVmId();
    if (!this.#memory.tryReserve(id, shape.memoryMiB)) return undefined;
    return await this.#warm(id, shape, signal);
  }

  /** `id` has its memory reserved: it is given back where its turn does not come. */
  async #inTurn<T>(id: VmId, signal: AbortSignal, work: () => Promise<T>): Promise<T> {
    const turn = { came: false };
    try {
      return await this.#starting.run(signal, () => {
        turn.came = true;
        return work();
      });
    } finally {
      if (!turn.came) this.#memory.release(id);
    }
  }

  async #makeKept(shape: PodShape, signal: AbortSignal): Promise<PooledVm> {
    const id = newVmId();
    await this.#reserve(id, shape, signal);
    const idle = await this.#inTurn(id, signal, () => this.#warm(id, shape, signal));
    if (idle !== undefined) return idle;
    throw new HyperError('unavailable', `a VM that waits needs a network: ${this.#options.networks.status().reason}`);
  }

  /** A VM with all that can be done before its pod has come; undefined where it got no NIC. `id` has its memory reserved. */
  async #warm(id: VmId, shape: PodShape, signal: AbortSignal): Promise<PooledVm | undefined> {
    const { networks, log } = this.#options;
    const bounded = AbortSignal.any([signal, AbortSignal.timeout(this.#options.bootTimeoutMs)]);
    const nics = [{ network: networks.standard.name }];
    const prepared = await this.#templates.findOwn({ ...shape, nic: true });
    const idle = await this.#begin(id, { ...shape, nics, prepared }, bounded, () => undefined, new Stopwatch());
    const giveUp = (): void => void idle.vm.kill();
    bounded.addEventListener('abort', giveUp, { once: true });
    try {
      bounded.throwIfAborted();
      if (idle.endpoints.length === 0) {
        await this.#discard(idle);
        return undefined;
      }
      await setUp(idle, 'hyper', bounded);
      const standby = await this.#disks.standBy(idle);
      log.debug({ vm: id }, 'a VM waits');
      return { ...idle, standby };
    } catch (error) {
      await this.#discard(idle);
      throw error;
    } finally {
      bounded.removeEventListener('abort', giveUp);
    }
  }

  /** What was taken for a VM that is not there. */
  async #giveBack(id: VmId, { endpoints }: Connected): Promise<void> {
    this.#memory.release(id);
    await this.#nics.giveBack(id, endpoints);
  }

  async #discard({ vm, agent, endpoints, standby }: IdleVm & Partial<PooledVm>): Promise<void> {
    await vm.kill();
    agent.close();
    try {
      if (standby !== undefined) await rm(standby.scratch.path, { force: true });
      await this.release({ vm: vm.record, endpoints });
    } catch (error) {
      const fields = { vm: vm.record.id, error: messageOf(error) };
      this.#options.log.error(fields, 'a VM left something behind: the next start of hyperd removes it');
    }
  }

  async #look(): Promise<void> {
    if ((await availableMemoryShare()) >= shortShare) {
      await this.#templates.prune();
      await this.#pool.adjust();
      return;
    }
    const given = { vms: this.pool.waiting, templates: this.prepared.count };
    if (given.vms + given.templates === 0) return;
    this.#options.log.warn(given, 'the host’s memory is short: VMs that wait and prepared templates are given up');
    await Promise.all([this.#pool.drain(), this.#templates.giveUpPrepared()]);
  }
}
