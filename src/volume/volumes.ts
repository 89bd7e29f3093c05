import { chmod, mkdir, readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import { HyperError } from '../lib/errors.ts';
import { Mutex } from '../lib/mutex.ts';
import { DiskHolders } from './disk-holders.ts';
import { nfsOfVolume } from './nfs-source.ts';
import { Seedings } from './seedings.ts';
import { volumeKind } from './volume-options.ts';
import { newVolumeName, volumeName } from './volume-name.ts';
import type { VolumeRecord, VolumeRecords } from './volume-record.ts';

export interface VolumeSpec {
  /** Left out: one is made up, and the volume is anonymous. */
  readonly name?: string | undefined;
  readonly driver?: string | undefined;
  readonly labels?: Readonly<Record<string, string>> | undefined;
  readonly options?: Readonly<Record<string, string>> | undefined;
}

export interface VolumesOptions {
  /** Has a folder for each volume. */
  readonly folder: string;
  readonly records: VolumeRecords;
  /** Makes a file with an empty ext4 of this size that the hypervisor may write. */
  readonly makeDisk: (path: string, sizeMiB: number) => Promise<void>;
}

/** The volumes of this host: NAME/_data, NAME/disk.ext4, or an empty folder NAME for what is a server's. */
export class Volumes {
  readonly #options: VolumesOptions;
  readonly #records = new Map<string, VolumeRecord>();
  readonly #changing = new Mutex();
  /** Who begins to use volumes, and who removes what nobody uses, come one after the other. */
  readonly use = new Mutex();
  readonly holders = new DiskHolders();
  readonly seedings: Seedings;

  private constructor(options: VolumesOptions) {
    this.#options = options;
    for (const record of options.records.volumes()) this.#records.set(record.name, record);
    this.seedings = new Seedings(options.records, (record) => this.path(record));
  }

  /** A hyperd that was killed may have left half a volume: what has no record goes. */
  static async open(options: VolumesOptions): Promise<Volumes> {
    await mkdir(options.folder, { recursive: true, mode: 0o711 });
    const volumes = new Volumes(options);
    for (const name of await readdir(options.folder)) {
      if (!volumes.#records.has(name)) await rm(join(options.folder, name), { recursive: true, force: true });
    }
    return volumes;
  }

  list(): readonly VolumeRecord[] {
    return [...this.#records.values()].sort((a, b) => (a.name < b.name ? -1 : 1));
  }

  /** @throws HyperError `not_found` */
  get(name: string): VolumeRecord {
    const record = this.#records.get(name);
    if (record === undefined) throw new HyperError('not_found', `no such volume: ${name}: see 'hyper volume ls'`);
    return record;
  }

  /** Where its content is: on this host a folder, or a disk's file; of NFS HOST:/path. */
  path({ name, kind, options }: Pick<VolumeRecord, 'name' | 'kind' | 'options'>): string {
    if (kind === 'nfs') return nfsOfVolume(options).source;
    return join(this.#options.folder, name, kind === 'folder' ? '_data' : 'disk.ext4');
  }

  /**
   * Makes a volume; one that is there is answered with, as docker does.
   *
   * @throws HyperError `bad_request`, `unsupported`; `conflict` when the one that is there is of another kind.
   */
  async create({ name, driver = 'local', labels = {}, options = {} }: VolumeSpec): Promise<VolumeRecord> {
    const anonymous = name === undefined || name === '';
    const made = anonymous ? newVolumeName() : volumeName(name);
    const { kind, sizeMiB } = volumeKind(driver, options);
    return await this.#changing.run(async () => {
      const known = this.#records.get(made);
      if (known !== undefined) {
        const same = known.kind === kind && known.sizeMiB === sizeMiB;
        const sameServer = kind !== 'nfs' || isDeepStrictEqual(nfsOfVolume(known.options), nfsOfVolume(options));
        if (Object.keys(options).length === 0 || (same && sameServer)) return known;
        throw new HyperError(
          'conflict',
          `volume ${made} is there already, with other options: remove it, or take another name`,
        );
      }
      const createdAt = new Date().toISOString();
      const more = { labels: { ...labels }, options: { ...options }, createdAt, seeding: false, seeded: false };
      const record: VolumeRecord = { name: made, kind, sizeMiB, anonymous, ...more };
      await this.#make(record);
      return record;
    });
  }

  async remove(name: string): Promise<void> {
    await this.#changing.run(async () => {
      const record = this.get(name);
      await this.holders.free(name);
      // First: a volume without its content is worse than content that the next start of hyperd removes.
      this.#options.records.deleteVolume(record.name);
      this.#records.delete(record.name);
      await rm(join(this.#options.folder, record.name), { recursive: true, force: true });
    });
  }

  async #make(record: VolumeRecord): Promise<void> {
    const folder = join(this.#options.folder, record.name);
    try {
      // The hypervisor's user reaches its disks, and nothing of volumes that are folders.
      await mkdir(folder, { mode: 0o700 });
      if (record.kind === 'folder') {
        await mkdir(this.path(record), { mode: 0o755 });
        await chmod(this.path(record), 0o755);
      } else if (record.kind === 'disk') {
        await chmod(folder, 0o711);
        await this.#options.makeDisk(this.path(record), record.sizeMiB ?? 0);
      }
      this.#options.records.saveVolume(record);
    } catch (error) {
      await rm(folder, { recursive: true, force: true });
      throw error;
    }
    this.#records.set(record.name, record);
  }
}
