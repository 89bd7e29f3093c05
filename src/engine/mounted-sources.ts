import type { ContainerMount } from '../guest/index.ts';
import { HyperError } from '../lib/errors.ts';
import type { ContainerRecord, MountRecord, PodRecord } from '../store/index.ts';
import { type Plugs, type Share, shareTag } from '../vm/index.ts';
import { socketName } from './socket-proxy.ts';
import { checkBindSource, type Seeding, type Volumes } from '../volume/index.ts';

/** On a disk the guest has `lost+found` beside it. */
const folderOnDisk = 'data';

/** What a pod's VM must be given for its containers' mounts, and what its guest does with it. */
export class MountedSources {
  readonly shares: Share[] = [];
  readonly disks: Plugs['disks'][number][] = [];
  /** By the container's number. */
  readonly #mounts = new Map<number, ContainerMount[]>();
  readonly #volumes: Volumes;
  /** By the volume's name; undefined for one that is not filled. */
  readonly #seedings = new Map<string, Seeding | undefined>();

  private constructor(volumes: Volumes) {
    this.#volumes = volumes;
  }

  /**
   * Looks at each source anew: one may have gone since the pod was made. Disks are the pod's from here on until its VM has
   * gone; fresh volumes wait for `seeded`.
   */
  static async open(
    { id, name, containers }: PodRecord,
    volumes: Volumes,
    signal: AbortSignal,
  ): Promise<MountedSources> {
    const sources = new MountedSources(volumes);
    try {
      await sources.#beginSeedings(
        containers.flatMap(({ mounts }) => mounts),
        signal,
      );
      for (const container of containers) {
        const made: ContainerMount[] = [];
        for (const [at, mount] of container.mounts.entries()) {
          made.push(await sources.#add(mount, socketName(container, at), { id, name }, signal));
        }
        sources.#mounts.set(container.number, made);
      }
      return sources;
    } catch (error) {
      await sources.seeded(false);
      throw error;
    }
  }

  /** What the guest mounts in a container. */
  mountsOf({ number }: Pick<ContainerRecord, 'number'>): readonly ContainerMount[] {
    return this.#mounts.get(number) ?? [];
  }

  /** The guest has filled what was fresh, or failed and its VM has gone. */
  async seeded(succeeded: boolean): Promise<void> {
    const all = [...this.#seedings.values()];
    this.#seedings.clear();
    for (const seeding of all) await seeding?.end(succeeded);
  }

  /** In the order of their names, each once: pods that come at the same time do not wait for each other. */
  async #beginSeedings(mounts: readonly MountRecord[], signal: AbortSignal): Promise<void> {
    const names = mounts.flatMap((mount) => (mount.type === 'bind' ? [] : mount.volume));
    for (const name of [...new Set(names)].sort()) {
      const volume = this.#volumes.get(name);
      if (volume.kind === 'disk') continue;
      const fill = mounts.some((mount) => mount.type !== 'bind' && mount.volume === name && !mount.noCopy);
      this.#seedings.set(name, await this.#volumes.seedings.begin(volume, fill, signal));
    }
  }

  async #add(
    mount: MountRecord,
    nameOfSocket: string,
    pod: { readonly id: string; readonly name: string },
    signal: AbortSignal,
  ): Promise<ContainerMount> {
    if (mount.type === 'bind') {
      const found = await checkBindSource(mount.source, false);
      if (mount.socket !== (found.kind === 'socket')) throw changedSource(mount.source, found.kind);
      if (found.kind !== 'socket') return this.#addShare(mount, found.kind, false);
      return { type: 'socket', source: nameOfSocket, path: mount.target, ...found.access };
    }
    const volume = this.#volumes.get(mount.volume);
    if (volume.kind === 'disk') {
      await this.#volumes.holders.hold(volume.name, pod, signal);
      return this.#addDisk(mount, !mount.noCopy);
    }
    const fresh = this.#seedings.get(volume.name) !== undefined;
    const first = !this.shares.some(({ path }) => path === mount.source);
    return this.#addShare(mount, 'folder', fresh && first && !mount.noCopy);
  }

  #addShare({ source: path, target, readOnly }: MountRecord, kind: Share['kind'], seed: boolean): ContainerMount {
    // A volume that is filled now is written, once, also where the container may only read it.
    const served = readOnly && !seed;
    const known = this.shares.find((share) => share.path === path && share.readOnly === served);
    const share = known ?? { name: String(this.shares.length), path, kind, readOnly: served };
    if (known === undefined) this.shares.push(share);
    return { type: 'virtiofs', name: shareTag, source: share.name, path: target, readOnly, seed };
  }

  #addDisk({ source: path, target, readOnly }: MountRecord, seed: boolean): ContainerMount {
    const known = this.disks.find((disk) => disk.path === path);
    const serial = known?.serial ?? `volume${this.disks.length}`;
    // A journal may have to be played back: what is read-only is so in the guest.
    if (known === undefined) this.disks.push({ serial, path, format: 'raw', readOnly: false });
    return { type: 'ext4', name: serial, source: folderOnDisk, path: target, readOnly, seed };
  }
}

function changedSource(path: string, kind: string): HyperError {
  return new HyperError(
    'conflict',
    `${path} is a ${kind} now, and was something else when the pod was made: make the pod anew`,
  );
}
