import { rm } from 'node:fs/promises';
import { HyperError, messageOf } from '../../lib/errors.ts';
import { newVmId, type VmId } from '../../lib/ids.ts';
import { Mutex } from '../../lib/mutex.ts';
import { unlessAborted } from '../../lib/unless-aborted.ts';
import type { TemplateDescription, VmShape, VmSpec } from '../../vm/index.ts';
import { availableMemoryShare, shortShare } from './available-memory.ts';
import type { DiskSupply } from './disk-supply.ts';
import type { HostMemory } from './host-memory.ts';
import type { Connected, NicSupply } from './nic-supply.ts';
import { identify, type Prepared, PreparedTemplates } from './prepared-templates.ts';
import type { Quiet } from './quiet.ts';
import type { IdleVm, UsedImage, VmRequest } from './ready-vm.ts';
import { vmSpec } from './requested.ts';
import { setUpTemplate } from './set-up.ts';
import type { GuestSize } from './shape-uses.ts';
import { fetchProgram } from './standby.ts';
import type { SupplyOptions } from './supply-options.ts';

export interface TemplateSupplyOptions {
  readonly supply: SupplyOptions;
  readonly memory: HostMemory;
  readonly nics: NicSupply;
  readonly disks: DiskSupply;
  readonly quiet: Quiet;
  /** What was to be made by itself is there, if it can be. */
  readonly onMade: () => void;
}

/** What there is for a VM that is made for a template. */
interface VmForTemplate extends Pick<IdleVm, 'endpoints'> {
  readonly spec: VmSpec;
  /** Bounds its life. */
  readonly signal: AbortSignal;
}

/** Makes templates: those of shapes whose pods had to boot, and prepared ones of images that their clones had to mount. */
export class TemplateSupply {
  readonly #options: TemplateSupplyOptions;
  readonly #prepared: PreparedTemplates;
  readonly #making = new Mutex();
  readonly #closed = new AbortController();
  /** Preparing is given up for a start that needs its room. */
  #preparing = new AbortController();
  /** What is being prepared: it ends soon after it was given up. */
  #current: Promise<void> = Promise.resolve();
  /** When a preparation failed, by shape and image: it is not tried again at once. */
  readonly #failedAtMs = new Map<string, number>();

  constructor(options: TemplateSupplyOptions) {
    this.#options = options;
    const { supply, disks, quiet } = options;
    const { hypervisor, log } = supply;
    this.#prepared = new PreparedTemplates({ hypervisor, disks, log, quiet: (signal) => quiet.reached(signal) });
  }

  /** How many prepared ones there are, and what of the host's memory they have. */
  get prepared(): PreparedTemplates['status'] {
    return this.#prepared.status;
  }

  /** Makes the template of a shape now, in place of the one that is there. */
  async make(shape: GuestSize, signal: AbortSignal): Promise<TemplateDescription> {
    return await this.#making.run(() => this.#make({ ...shape, nic: true }, signal));
  }

  /** A pod has booted: the next one of its shape is to be a clone. Its image's is prepared then. */
  want(shape: VmShape, used: UsedImage): void {
    const { hypervisor } = this.#options.supply;
    const { signal } = this.#closed;
    this.#soon(shape, signal, 'a template could not be made: VMs of its shape boot', async () => {
      if (await hypervisor.hasTemplate(shape)) return;
      await this.#make(shape, signal);
      this.wantPrepared(shape, used);
    });
  }

  /** A clone had to mount its image: the next one is to start with that done. */
  wantPrepared(shape: VmShape, used: UsedImage): void {
    const { signal } = this.#preparing;
    this.#soon(shape, signal, notPrepared, () => this.#prepareInTurn(shape, used, signal));
  }

  /** Prepares one now, where there is none and can be one. A failure is logged. */
  async ensurePrepared(shape: VmShape, used: UsedImage, signal: AbortSignal): Promise<void> {
    if (!this.#options.supply.makesTemplates) return;
    const either = AbortSignal.any([signal, this.#preparing.signal]);
    let preparing: Promise<void> | undefined;
    const turn = this.#making.run(() => (preparing = this.#prepareInTurn(shape, used, either)));
    try {
      await unlessAborted(turn, either); // it may be long in coming
    } catch (error) {
      await preparing?.catch(() => undefined); // nothing of it is left then
      signal.throwIfAborted();
      if (!either.aborted) this.#warn(shape, error, notPrepared);
    }
  }

  /** What a VM of the pool starts from; without it it is warmed a little longer. */
  async findOwn(shape: VmShape): Promise<Prepared | undefined> {
    try {
      const ownImage = await this.#options.disks.ownImage();
      return ownImage === undefined ? undefined : await this.#prepared.find(shape, ownImage);
    } catch {
      return undefined;
    }
  }

  /** Whether a pod's disk is a fresh one as waits, and what a clone with it could start from. */
  async findFor(request: VmRequest): Promise<{ readonly isFresh: boolean; readonly prepared: Prepared | undefined }> {
    const { vcpus, memoryMiB, nics, imagePath } = request;
    try {
      const isFresh = await this.#options.disks.isFresh(request);
      const shape = { vcpus, memoryMiB, nic: nics.length > 0 };
      return { isFresh, prepared: isFresh ? await this.#prepared.find(shape, imagePath) : undefined };
    } catch {
      return { isFresh: false, prepared: undefined }; // what is wrong shows in the start itself
    }
  }

  /** Gives a clone of one disks of its own. */
  async copyDisks(prepared: Prepared, id: VmId): Promise<Prepared['standby']> {
    const scratch = this.#options.disks.waitingScratch(id);
    await this.#prepared.copyDisk(prepared, scratch.path);
    return { ...prepared.standby, scratch };
  }

  /** Throws one away of which no clone has started. */
  async rejectPrepared(prepared: Prepared): Promise<void> {
    const { imagePath: image } = prepared.standby;
    this.#options.supply.log.warn({ image }, 'a prepared template is thrown away: clones take longer until the next');
    await this.#prepared.remove(prepared);
  }

  /** A start needs the room of what is being prepared: it is given up. */
  async stopPreparing(): Promise<void> {
    this.#preparing.abort();
    this.#preparing = new AbortController();
    await this.#current;
  }

  /** Lets go of prepared ones that are of no use any more. */
  async prune(): Promise<void> {
    await this.#prepared.prune();
  }

  /** The host's memory is short: what prepared ones have of it is given back. */
  async giveUpPrepared(): Promise<void> {
    await this.stopPreparing();
    await this.#prepared.clear();
  }

  async close(): Promise<void> {
    this.#closed.abort();
    this.#preparing.abort();
    await this.#making.run(() => this.#prepared.close());
  }

  /** When nothing is being started. */
  #soon(shape: VmShape, signal: AbortSignal, failed: string, work: () => Promise<void>): void {
    if (!this.#options.supply.makesTemplates) return;
    void this.#options.quiet
      .reached(signal)
      .then(() => this.#making.run(work))
      .then(this.#options.onMade)
      .catch((error: unknown) => {
        if (!signal.aborted) this.#warn(shape, error, failed);
      });
  }

  #warn(shape: VmShape, error: unknown, message: string): void {
    this.#options.supply.log.warn({ shape, error: messageOf(error) }, message);
  }

  async #make(shape: VmShape, signal: AbortSignal): Promise<TemplateDescription> {
    const { hypervisor, metrics } = this.#options.supply;
    try {
      const made = await this.#withVm(shape, signal, (given) => hypervisor.makeTemplate(given.spec, given.signal));
      metrics.templateMade();
      return made;
    } catch (error) {
      if (!signal.aborted) metrics.templateFailed();
      throw error;
    }
  }

  async #prepareInTurn(shape: VmShape, used: UsedImage, signal: AbortSignal): Promise<void> {
    const key = JSON.stringify([shape, used.imagePath]);
    const failedAtMs = this.#failedAtMs.get(key) ?? -Infinity;
    signal.throwIfAborted();
    if (performance.now() - failedAtMs < pauseMs) return;
    const preparing = this.#prepare(shape, used, signal);
    this.#current = preparing.catch(() => undefined);
    try {
      await preparing;
      this.#failedAtMs.delete(key);
    } catch (error) {
      if (!signal.aborted) this.#failedAtMs.set(key, performance.now());
      throw error;
    }
  }

  /** Where there is none, and there is room for it and for its making. */
  async #prepare(shape: VmShape, { imagePath, program }: UsedImage, signal: AbortSignal): Promise<void> {
    const { disks, memory, supply } = this.#options;
    const { hypervisor, log } = supply;
    if ((await this.#prepared.find(shape, imagePath)) !== undefined) return;
    if (!this.#prepared.hasRoom() || !memory.hasRoom(shape.memoryMiB)) return;
    if ((await availableMemoryShare()) < 2 * shortShare) return;
    const imageFile = await identify(imagePath);
    if (imageFile === '') return;
    await this.#withVm(shape, signal, async ({ spec, endpoints, signal: bounded }) => {
      const standby = { imagePath, scratch: disks.waitingScratch(spec.id) };
      const statePath = `${standby.scratch.path}.state`;
      const prepare = async ({ vm, agent }: Pick<IdleVm, 'vm' | 'agent'>): Promise<void> => {
        const idle = { vm, agent, endpoints, networkProblem: '' };
        await setUpTemplate(idle, bounded);
        const { imagePath: found } = await disks.standBy(idle, { imagePath });
        if (found !== imagePath) throw new HyperError('not_found', `${imagePath} has gone`);
        await fetchProgram(idle, program);
      };
      await using undo = new AsyncDisposableStack();
      for (const path of [standby.scratch.path, statePath]) undo.defer(() => rm(path, { force: true }));
      const template = await hypervisor.prepareTemplate(spec, { statePath, prepare, signal: bounded });
      if (template === undefined) return;
      undo.use(template);
      await disks.takeBack(standby.scratch.path);
      bounded.throwIfAborted();
      undo.move(); // it is kept
      await this.#prepared.add(shape, { template, standby }, imageFile);
      log.info({ shape, image: imagePath, ...this.#prepared.status }, 'template prepared');
    });
  }

  /** Gives `work` what a VM of a shape takes, for as long as it works. */
  async #withVm<T>(
    { nic, ...size }: VmShape,
    signal: AbortSignal,
    work: (given: VmForTemplate) => Promise<T>,
  ): Promise<T> {
    const { memory, nics, supply } = this.#options;
    const bounded = AbortSignal.any([signal, this.#closed.signal, AbortSignal.timeout(supply.bootTimeoutMs)]);
    const id = newVmId();
    if (!memory.tryReserve(id, size.memoryMiB)) {
      throw new HyperError('no_memory', 'the host is full: a template needs as much memory as a VM: stop a pod first');
    }
    let connected: Connected = { endpoints: [], problem: '' };
    try {
      const network = supply.networks.standard.name;
      connected = await nics.connect(id, nic ? [{ network }] : [], bounded);
      const { endpoints } = connected;
      return await work({ spec: vmSpec(id, size, connected), endpoints, signal: bounded });
    } finally {
      memory.release(id);
      await nics.giveBack(id, connected.endpoints);
    }
  }
}

const notPrepared = 'a template could not be prepared: clones take longer';
/** After a failed preparation. */
const pauseMs = 60_000;
