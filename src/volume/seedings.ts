import { readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { VolumeRecord, VolumeRecords } from './volume-record.ts';

/** A guest may fill this volume with what its image has there, and nobody else meanwhile. */
export interface Seeding {
  /** It has, or it has failed: what it left is removed then. Its VM must have gone. */
  end(succeeded: boolean): Promise<void>;
}

/**
 * Fresh volumes are filled by the guest that mounts them first: it has the image. One at a time, and whole or not at all:
 * the record says that it goes on until it is done.
 */
export class Seedings {
  readonly #records: Pick<VolumeRecords, 'saveVolume'>;
  readonly #pathOf: (record: VolumeRecord) => string;
  readonly #underWay = new Map<string, Promise<void>>();

  constructor(records: Pick<VolumeRecords, 'saveVolume'>, pathOf: (record: VolumeRecord) => string) {
    this.#records = records;
    this.#pathOf = pathOf;
  }

  /** Undefined where something is in the volume. Waits for one that is being filled. */
  async begin(record: VolumeRecord): Promise<Seeding | undefined> {
    for (;;) {
      const before = this.#underWay.get(record.name);
      if (before === undefined) break;
      await before;
    }
    const done = Promise.withResolvers<void>();
    this.#underWay.set(record.name, done.promise);
    const leave = (): void => {
      this.#underWay.delete(record.name);
      done.resolve();
    };
    try {
      if ((await readdir(this.#pathOf(record))).length > 0) {
        leave();
        return undefined;
      }
      this.#mark(record, true);
    } catch (error) {
      leave();
      throw error;
    }
    return {
      end: async (succeeded) => {
        try {
          if (!succeeded) await this.#empty(record);
          this.#mark(record, false);
        } finally {
          leave();
        }
      },
    };
  }

  /** After a restart of hyperd, when the VMs that were filling have gone: they begin anew. */
  async clearUnfinished(volumes: readonly VolumeRecord[]): Promise<void> {
    for (const record of volumes) {
      if (!record.seeding || this.#underWay.has(record.name)) continue;
      await this.#empty(record);
      this.#mark(record, false);
    }
  }

  async #empty(record: VolumeRecord): Promise<void> {
    const folder = this.#pathOf(record);
    for (const name of await readdir(folder)) await rm(join(folder, name), { recursive: true, force: true });
  }

  #mark(record: VolumeRecord, seeding: boolean): void {
    record.seeding = seeding;
    this.#records.saveVolume(record);
  }
}
