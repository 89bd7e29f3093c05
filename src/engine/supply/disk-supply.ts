import { chown, mkdir, rename, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { systemCode } from '../../lib/errors.ts';
import type { VmId } from '../../lib/ids.ts';
import type { Disk, ScratchDisks } from '../../vm/index.ts';
import { podDefaults } from '../pod-spec.ts';
import type { IdleVm, PooledVm, Standby, VmRequest } from './ready-vm.ts';
import { rehearse, standBy, standDown } from './standby.ts';

export interface DiskSupplyOptions {
  readonly scratchDisks: ScratchDisks;
  /** On the file system of the pods' folders: a disk changes its place by a rename. */
  readonly folder: string;
  readonly owner: { readonly uid: number; readonly gid: number };
  /** The disk of an image of our own, whose programs may run in a VM before it is known whose it will be. */
  readonly ownImage: () => Promise<string | undefined>;
}

/** The disks of VMs: those of pods, and before, those with which VMs wait. */
export class DiskSupply {
  readonly #options: DiskSupplyOptions;
  /** The image of the latest start: it is the likeliest to come next. Before the first one, our own is. */
  #likeliest: string | undefined;

  constructor(options: DiskSupplyOptions) {
    this.#options = options;
  }

  /** Removes what the pool of a hyperd that was killed has left. */
  async clear(): Promise<void> {
    const { folder } = this.#options;
    await rm(folder, { recursive: true, force: true });
    await mkdir(folder, { recursive: true, mode: 0o711 });
  }

  note({ imagePath }: VmRequest): void {
    this.#likeliest = imagePath;
  }

  /** The writable layer: a fresh one at the first start, the same one again later. */
  async ensure({ scratch }: Pick<VmRequest, 'scratch'>): Promise<void> {
    if (await exists(scratch.path)) return;
    await this.#options.scratchDisks.create(scratch.path, scratch.sizeMiB, this.#options.owner);
  }

  /** Puts a pod's disks into the slots of its VM. */
  async put({ vm }: IdleVm, request: VmRequest): Promise<void> {
    await this.ensure(request);
    await Promise.all(disksOf(request).map((disk) => vm.insertDisk(disk)));
    await limit(vm, request);
  }

  /** Whether a VM that waits, or is made of a prepared template, can have its disk become this pod's. */
  async isFresh({ scratch }: Pick<VmRequest, 'scratch'>): Promise<boolean> {
    return scratch.sizeMiB === podDefaults.storageMiB && !(await exists(scratch.path));
  }

  /** The writable disk with which a VM waits. */
  waitingScratch(id: VmId): Standby['scratch'] {
    return { path: join(this.#options.folder, `${id}.ext4`), sizeMiB: podDefaults.storageMiB };
  }

  /** A disk that is its VM's at once. */
  async copyToVm(from: string, to: string): Promise<void> {
    await this.#options.scratchDisks.copy(from, to, this.#options.owner);
  }

  /** A disk of which pods' will be made: no VM may write it until it is given one. */
  async copyWaiting(from: string, to: string): Promise<void> {
    await this.#options.scratchDisks.copy(from, to, ourselves);
  }

  /** The VM that had it has gone. */
  async takeBack(path: string): Promise<void> {
    await chown(path, ourselves.uid, ourselves.gid);
  }

  /** False: there is none. */
  async giveWaiting(from: string, to: string): Promise<boolean> {
    const { uid, gid } = this.#options.owner;
    try {
      await rename(from, to); // first: at `from` the next one may appear at any time
    } catch (error) {
      if (systemCode(error) === 'ENOENT') return false;
      throw error;
    }
    try {
      await chown(to, uid, gid);
    } catch (error) {
      await rm(to, { force: true });
      throw error;
    }
    return true;
  }

  /** Our own image's disk, where it is there. */
  async ownImage(): Promise<string | undefined> {
    const path = await this.#options.ownImage();
    return path !== undefined && (await exists(path)) ? path : undefined;
  }

  /** Makes a pod's disks of those with which its VM waited, and exchanges what does not fit. */
  async take(pooled: PooledVm, request: VmRequest): Promise<void> {
    await this.#fit(pooled, request);
    await limit(pooled.vm, request);
  }

  /**
   * Warms a fresh clone with an image of our own, and leaves it with a fresh writable disk and an image: the likeliest,
   * unless one is said. A clone of a prepared template stands by with our own already.
   */
  async standBy(
    idle: IdleVm & Partial<Pick<PooledVm, 'standby'>>,
    { imagePath: wanted }: { readonly imagePath?: string } = {},
  ): Promise<Standby> {
    const { vm, standby } = idle;
    const ownImage = standby === undefined ? await this.ownImage() : (standby.imagePath ?? undefined);
    const imagePath = wanted ?? this.#likeliest ?? ownImage;
    const scratch = standby?.scratch ?? this.waitingScratch(vm.record.id);
    try {
      if (standby === undefined) {
        await this.#options.scratchDisks.create(scratch.path, scratch.sizeMiB, this.#options.owner);
        await vm.insertDisk({ slot: 'scratch', path: scratch.path, format: 'raw' });
        if (ownImage !== undefined) await standByWith(idle, ownImage);
      }
      if (ownImage !== undefined) {
        await rehearse(idle);
        if (imagePath === ownImage) return { imagePath, scratch };
        await standDown(idle.agent);
      }
      if (imagePath === undefined || !(await exists(imagePath))) return { imagePath: null, scratch };
      await standByWith(idle, imagePath);
      return { imagePath, scratch };
    } catch (error) {
      await rm(scratch.path, { force: true });
      throw error;
    }
  }

  async #fit({ vm, agent, standby }: PooledVm, request: VmRequest): Promise<void> {
    const { scratch } = request;
    const isFresh = await this.isFresh(request);
    if (isFresh && standby.imagePath === request.imagePath) {
      await rename(standby.scratch.path, scratch.path);
      return;
    }
    await standDown(agent); // no exchange under a mounted file system
    const image = vm.insertDisk({ slot: 'image', path: request.imagePath, format: 'vmdk' });
    image.catch(() => undefined); // heard below
    if (isFresh) {
      await rename(standby.scratch.path, scratch.path);
    } else {
      await this.ensure(request);
      await vm.insertDisk({ slot: 'scratch', path: scratch.path, format: 'raw' });
      await rm(standby.scratch.path);
    }
    await image;
  }
}

const ourselves = { uid: process.getuid?.() ?? 0, gid: process.getgid?.() ?? 0 };

interface DisksInSlots {
  readonly imagePath: string;
  readonly scratch: { readonly path: string };
}

/** What goes into a VM's slots. */
export function disksOf({ imagePath, scratch }: DisksInSlots): Disk[] {
  return [
    { slot: 'image', path: imagePath, format: 'vmdk' },
    { slot: 'scratch', path: scratch.path, format: 'raw' },
  ];
}

/** Puts an image into its slot, and has the guest stand by with it. */
async function standByWith(idle: IdleVm, imagePath: string): Promise<void> {
  await idle.vm.insertDisk({ slot: 'image', path: imagePath, format: 'vmdk' });
  await standBy(idle);
}

/** Nothing has limited it before. */
async function limit(vm: IdleVm['vm'], { scratch: { limits } }: VmRequest): Promise<void> {
  if ((limits.bytesPerSecond ?? limits.iops) !== null) await vm.limitDisk('scratch', limits);
}

async function exists(path: string): Promise<boolean> {
  try {
    await stat(path);
    return true;
  } catch (error) {
    if (systemCode(error) === 'ENOENT') return false;
    throw error;
  }
}
