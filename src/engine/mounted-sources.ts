import type { ContainerMount } from '../guest/index.ts';
import { HyperError } from '../lib/errors.ts';
import type { ContainerRecord, MountRecord, PodRecord } from '../store/index.ts';
import { type Plugs, type Share, shareTag } from '../vm/index.ts';
import {
  checkBindSource,
  nfsAddress,
  nfsOfVolume,
  type NfsSource,
  parseNfs,
  type Seeding,
  type Volumes,
} from '../volume/index.ts';
import { MountedDisks } from './mounted-disks.ts';
import { socketName } from './socket-proxy.ts';

type MountOf<Type extends MountRecord['type']> = Extract<MountRecord, { readonly type: Type }>;

/** What a pod's VM must be given for its containers' mounts, and what its guest does with it. */
export class MountedSources implements AsyncDisposable {
  readonly shares: Share[] = [];
  /** By the container's number. */
  readonly #mounts = new Map<number, ContainerMount[]>();
  readonly #disks: MountedDisks;
  readonly #hasNetwork: boolean;
  #nfsMounts = 0;
  readonly #volumes: Volumes;
  /** By the volume's name; undefined for one that is not filled. */
  readonly #seedings = new Map<string, Seeding | undefined>();

  private constructor(record: PodRecord, volumes: Volumes) {
    this.#volumes = volumes;
    this.#disks = new MountedDisks(record, volumes.holders);
    this.#hasNetwork = record.networks.length > 0;
  }

  /**
   * Looks at each source anew: one may have gone since the pod was made. Disks are the pod's from here on until its VM has
   * gone; fresh volumes wait for `seeded`. What is open is so until the VM has been given it.
   */
  static async open(record: PodRecord, volumes: Volumes, signal: AbortSignal): Promise<MountedSources> {
    const sources = new MountedSources(record, volumes);
    const all = record.containers.flatMap(({ mounts }) => mounts);
    try {
      await sources.#beginSeedings(all, signal);
      for (const container of record.containers) {
        const made: ContainerMount[] = [];
        for (const [at, mount] of container.mounts.entries()) {
          made.push(await sources.#add(mount, socketName(container, at), signal));
        }
        sources.#mounts.set(container.number, made);
      }
      return sources;
    } catch (error) {
      await sources[Symbol.asyncDispose]();
      throw error;
    }
  }

  /** What the guest mounts in a container. */
  mountsOf({ number }: Pick<ContainerRecord, 'number'>): readonly ContainerMount[] {
    return this.#mounts.get(number) ?? [];
  }

  /** What is plugged into the VM, but for the shares. */
  get plugs(): Pick<Plugs, 'disks' | 'modules'> {
    const { disks, modules } = this.#disks.plugs;
    return { disks, modules: modules || this.#nfsMounts > 0 };
  }

  /** The guest has filled what was fresh, or failed and its VM has gone. */
  async seeded(succeeded: boolean): Promise<void> {
    const all = [...this.#seedings.values()];
    this.#seedings.clear();
    for (const seeding of all) await seeding?.end(succeeded);
  }

  /** In its user's words, who does not know what the guest calls things. */
  explain(failure: HyperError): HyperError {
    return this.#disks.explain(failure);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    try {
      await this.seeded(false); // where it was not, and its VM has gone
    } finally {
      await this.#disks.close();
    }
  }

  /** In the order of their names, each once: pods that come at the same time do not wait for each other. */
  async #beginSeedings(mounts: readonly MountRecord[], signal: AbortSignal): Promise<void> {
    const mounted = mounts.filter((mount) => mount.type === 'volume');
    for (const name of [...new Set(mounted.map(({ volume }) => volume))].sort()) {
      const volume = this.#volumes.get(name);
      if (volume.kind !== 'folder') continue;
      const fill = mounted.some((mount) => mount.volume === name && !mount.noCopy);
      this.#seedings.set(name, await this.#volumes.seedings.begin(volume, fill, signal));
    }
  }

  async #add(mount: MountRecord, nameOfSocket: string, signal: AbortSignal): Promise<ContainerMount> {
    switch (mount.type) {
      case 'bind':
        return await this.#addBind(mount, nameOfSocket);
      case 'volume':
        return await this.#addVolume(mount, signal);
      case 'disk':
        return await this.#disks.addFile(mount, signal);
      case 'nfs':
        return await this.#addNfs(mount, parseNfs(mount.source, mount.options), signal);
    }
  }

  async #addBind(mount: MountOf<'bind'>, nameOfSocket: string): Promise<ContainerMount> {
    const found = await checkBindSource(mount.source, false);
    if (mount.socket !== (found.kind === 'socket')) throw changedSource(mount.source, found.kind);
    if (found.kind !== 'socket') return this.#addShare(mount, found.kind, false);
    return { type: 'socket', source: nameOfSocket, path: mount.target, ...found.access };
  }

  async #addVolume(mount: MountOf<'volume'>, signal: AbortSignal): Promise<ContainerMount> {
    const volume = this.#volumes.get(mount.volume);
    if (volume.kind === 'disk') return await this.#disks.addVolume(mount, signal);
    if (volume.kind === 'nfs') return await this.#addNfs(mount, nfsOfVolume(volume.options), signal);
    const fresh = this.#seedings.get(volume.name) !== undefined;
    const first = !this.shares.some(({ path }) => path === mount.source);
    return this.#addShare(mount, 'folder', fresh && first && !mount.noCopy);
  }

  async #addNfs({ target, readOnly }: MountRecord, nfs: NfsSource, signal: AbortSignal): Promise<ContainerMount> {
    if (!this.#hasNetwork)
      throw new HyperError('bad_request', `${nfs.source} is reached by network, and the pod has none`);
    const name = `nfs${this.#nfsMounts++}`;
    const options = [`addr=${await nfsAddress(nfs.host, signal)}`, nfs.options].filter((each) => each !== '').join(',');
    const { source } = nfs;
    return { type: 'nfs', name, source, options, path: target, readOnly: readOnly || nfs.readOnly };
  }

  #addShare({ source: path, target, readOnly }: MountRecord, kind: Share['kind'], seed: boolean): ContainerMount {
    // A volume that is filled now is written, once, also where the container may only read it.
    const served = readOnly && !seed;
    const known = this.shares.find((share) => share.path === path && share.readOnly === served);
    const share = known ?? { name: String(this.shares.length), path, kind, readOnly: served };
    if (known === undefined) this.shares.push(share);
    return { type: 'virtiofs', name: shareTag, source: share.name, path: target, readOnly, seed };
  }
}

function changedSource(path: string, kind: string): HyperError {
  return new HyperError(
    'conflict',
    `${path} is a ${kind} now, and was something else when the pod was made: make the pod anew`,
  );
}
