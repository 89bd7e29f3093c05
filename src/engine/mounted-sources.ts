import type { ContainerMount } from '../guest/index.ts';
import type { MountRecord, PodRecord } from '../store/index.ts';
import { type Plugs, type Share, shareTag } from '../vm/index.ts';
import { checkBindSource, type Seeding, type Volumes } from '../volume/index.ts';

/** On a disk the guest has `lost+found` beside it. */
const folderOnDisk = 'data';

/** What a pod's VM must be given for its container's mounts, and what its guest does with it. */
export class MountedSources {
  readonly shares: Share[] = [];
  readonly disks: Plugs['disks'][number][] = [];
  readonly mounts: ContainerMount[] = [];
  readonly #volumes: Volumes;
  readonly #seedings: Seeding[] = [];

  private constructor(volumes: Volumes) {
    this.#volumes = volumes;
  }

  /**
   * Looks at each source anew: one may have gone since the pod was made. Disks are the pod's from here on until its VM has
   * gone; fresh volumes wait for `seeded`.
   */
  static async open({ id, name, containers }: PodRecord, volumes: Volumes): Promise<MountedSources> {
    const sources = new MountedSources(volumes);
    try {
      for (const mount of containers[0]?.mounts ?? []) await sources.#add(mount, { id, name });
      return sources;
    } catch (error) {
      await sources.seeded(false);
      throw error;
    }
  }

  /** The guest has filled what was fresh, or failed and its VM has gone. */
  async seeded(succeeded: boolean): Promise<void> {
    for (const seeding of this.#seedings.splice(0)) await seeding.end(succeeded);
  }

  async #add(mount: MountRecord, pod: { readonly id: string; readonly name: string }): Promise<void> {
    if (mount.type === 'bind') {
      this.#addShare(mount, await checkBindSource(mount.source, false), false);
      return;
    }
    const volume = this.#volumes.get(mount.volume);
    if (volume.kind === 'disk') {
      await this.#volumes.holders.hold(volume.name, pod);
      this.#addDisk(mount, !mount.noCopy);
      return;
    }
    const seeding = mount.noCopy ? undefined : await this.#volumes.seedings.begin(volume);
    if (seeding !== undefined) this.#seedings.push(seeding);
    this.#addShare(mount, 'folder', seeding !== undefined);
  }

  #addShare({ source: path, target, readOnly }: MountRecord, kind: Share['kind'], seed: boolean): void {
    // A volume that is filled now is written, once, also where the container may only read it.
    const served = readOnly && !seed;
    const known = this.shares.find((share) => share.path === path && share.readOnly === served);
    const share = known ?? { name: String(this.shares.length), path, kind, readOnly: served };
    if (known === undefined) this.shares.push(share);
    this.mounts.push({ type: 'virtiofs', name: shareTag, source: share.name, path: target, readOnly, seed });
  }

  #addDisk({ source: path, target, readOnly }: MountRecord, seed: boolean): void {
    const known = this.disks.find((disk) => disk.path === path);
    const serial = known?.serial ?? `volume${this.disks.length}`;
    // A journal may have to be played back: what is read-only is so in the guest.
    if (known === undefined) this.disks.push({ serial, path, readOnly: false });
    this.mounts.push({ type: 'ext4', name: serial, source: folderOnDisk, path: target, readOnly, seed });
  }
}
