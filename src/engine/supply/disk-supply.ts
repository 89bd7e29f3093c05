import { mkdir, rename, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { systemCode } from '../../lib/errors.ts';
import type { ScratchDisks } from '../../vm/index.ts';
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
    await Promise.all([
      vm.insertDisk({ slot: 'image', path: request.imagePath, format: 'vmdk' }),
      vm.insertDisk({ slot: 'scratch', path: request.scratch.path, format: 'raw' }),
    ]);
    await limit(vm, request);
  }

  /** Makes a pod's disks of those with which its VM waited, and exchanges what does not fit. */
  async take(pooled: PooledVm, request: VmRequest): Promise<void> {
    await this.#fit(pooled, request);
    await limit(pooled.vm, request);
  }

  /** Warms a fresh clone with an image of our own, and leaves it with a fresh writable disk and the likeliest image. */
  async standBy(idle: IdleVm): Promise<Standby> {
    const { scratchDisks, folder, owner } = this.#options;
    const ownImage = await this.#options.ownImage();
    const { vm } = idle;
    const scratch = { path: join(folder, `${vm.record.id}.ext4`), sizeMiB: podDefaults.storageMiB };
    await scratchDisks.create(scratch.path, scratch.sizeMiB, owner);
    try {
      await vm.insertDisk({ slot: 'scratch', path: scratch.path, format: 'raw' });
      const likeliest = this.#likeliest ?? ownImage;
      if (ownImage !== undefined && (await exists(ownImage))) {
        await vm.insertDisk({ slot: 'image', path: ownImage, format: 'vmdk' });
        await standBy(idle);
        await rehearse(idle);
        if (likeliest === ownImage) return { imagePath: ownImage, scratch };
        await standDown(idle.agent);
      }
      if (likeliest === undefined || !(await exists(likeliest))) return { imagePath: null, scratch };
      await vm.insertDisk({ slot: 'image', path: likeliest, format: 'vmdk' });
      await standBy(idle);
      return { imagePath: likeliest, scratch };
    } catch (error) {
      await rm(scratch.path, { force: true });
      throw error;
    }
  }

  async #fit({ vm, agent, standby }: PooledVm, request: VmRequest): Promise<void> {
    const { scratch } = request;
    const isFresh = standby.scratch.sizeMiB === scratch.sizeMiB && !(await exists(scratch.path));
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
