import { HyperError } from '../lib/errors.ts';
import { hasLabel } from '../lib/has-label.ts';
import type { PodRecord } from '../store/index.ts';
import type { VolumeRecord, Volumes, VolumeSpec } from '../volume/index.ts';
import { usersOf } from './mounts.ts';
import { type Pruned, pruneEach } from './prune-each.ts';
import { usedBytes } from './used-bytes.ts';

/** A volume, and who has it. */
export interface VolumeInUse {
  readonly record: VolumeRecord;
  readonly path: string;
  /** The pods' names. */
  readonly pods: readonly string[];
}

export interface PruneOptions {
  /** Also those that have a name. */
  readonly all?: boolean | undefined;
  /** Only those with all of these: `NAME` or `NAME=VALUE`. */
  readonly labels?: readonly string[] | undefined;
}

/** What users do with volumes. That pods use them is known here. */
export class VolumeDesk {
  readonly #volumes: Volumes;
  readonly #pods: () => readonly PodRecord[];

  constructor(volumes: Volumes, pods: () => readonly PodRecord[]) {
    this.#volumes = volumes;
    this.#pods = pods;
  }

  async create(spec: VolumeSpec): Promise<VolumeInUse> {
    return this.#describe(await this.#volumes.create(spec));
  }

  list(): VolumeInUse[] {
    return this.#volumes.list().map((record) => this.#describe(record));
  }

  inspect(name: string): VolumeInUse {
    return this.#describe(this.#volumes.get(name));
  }

  /** @throws HyperError `conflict` when a pod has it, `not_found` unless by force */
  async remove(name: string, force: boolean): Promise<void> {
    if (force && !this.#volumes.list().some((volume) => volume.name === name)) return;
    await this.#volumes.use.run(async () => {
      const { pods } = this.inspect(name);
      if (pods.length > 0) {
        throw new HyperError('conflict', `volume ${name} is in use by pod ${pods.join(', ')}: remove that first`);
      }
      await this.#volumes.remove(name);
    });
  }

  /** Removes what no pod has. */
  async prune({ all = false, labels = [] }: PruneOptions): Promise<Pruned & { readonly freedBytes: number }> {
    const wanted = this.list().filter(
      ({ record, pods }) =>
        pods.length === 0 && (all || record.anonymous) && labels.every((label) => hasLabel(record.labels, label)),
    );
    let freedBytes = 0;
    const pruned = await pruneEach(
      wanted.map(({ record }) => record.name),
      async (name) => {
        const { record, path } = this.inspect(name);
        const bytes = record.kind === 'nfs' ? 0 : await usedBytes(path); // a server's stays there
        await this.remove(name, false);
        freedBytes += bytes;
        return true;
      },
    );
    return { ...pruned, freedBytes };
  }

  #describe(record: VolumeRecord): VolumeInUse {
    const pods = usersOf(record.name, this.#pods()).map(({ name }) => name);
    return { record, path: this.#volumes.path(record), pods };
  }
}
