import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { runCommand } from '../lib/run-command.ts';
import { unlessAborted } from '../lib/unless-aborted.ts';
import type { VolumeRecord, VolumeRecords } from './volume-record.ts';

/** A guest may fill this volume with what its image has there, and nobody else meanwhile. */
export interface Seeding {
  /** It has, or it has failed: what it left is removed then. Its VM must have gone. */
  end(succeeded: boolean): Promise<void>;
}

/**
 * Fresh volumes are filled by the guest that mounts them first: it has the image. One at a time, and whole or not at all:
 * the record says that it goes on until it is done. Every pod that mounts one asks here, so that nobody else has a volume
 * that is being filled; and once one has had it, it is never filled, nor emptied, again.
 */
export class Seedings {
  readonly #records: Pick<VolumeRecords, 'saveVolume'>;
  readonly #pathOf: (record: VolumeRecord) => string;
  readonly #underWay = new Map<string, Promise<void>>();

  constructor(records: Pick<VolumeRecords, 'saveVolume'>, pathOf: (record: VolumeRecord) => string) {
    this.#records = records;
    this.#pathOf = pathOf;
  }

  /**
   * Undefined where the volume is not to be filled: something is in it, a pod has had it, or `fill` is false. Waits for
   * another pod that fills it.
   */
  async begin(record: VolumeRecord, fill: boolean, signal: AbortSignal): Promise<Seeding | undefined> {
    for (;;) {
      const before = this.#underWay.get(record.name);
      if (before === undefined) break;
      await unlessAborted(before, signal);
    }
    if (record.seeded) return undefined;
    const done = Promise.withResolvers<void>();
    this.#underWay.set(record.name, done.promise);
    const leave = (): void => {
      this.#underWay.delete(record.name);
      done.resolve();
    };
    try {
      if (!fill || (await readdir(this.#pathOf(record))).length > 0) {
        this.#mark(record, { seeding: false, seeded: true });
        leave();
        return undefined;
      }
      this.#mark(record, { seeding: true, seeded: false });
    } catch (error) {
      leave();
      throw error;
    }
    return {
      end: async (succeeded) => {
        try {
          if (!succeeded) await this.#empty(record);
          this.#mark(record, { seeding: false, seeded: succeeded });
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
      this.#mark(record, { seeding: false, seeded: false });
    }
  }

  async #empty(record: VolumeRecord): Promise<void> {
    const folder = this.#pathOf(record);
    const all = (await readdir(folder)).map((name) => join(folder, name));
    // rm(1) does not follow links that appear meanwhile.
    if (all.length > 0) await runCommand('rm', ['-rf', '--', ...all], { timeoutMs: 300_000 });
  }

  #mark(record: VolumeRecord, state: Pick<VolumeRecord, 'seeding' | 'seeded'>): void {
    Object.assign(record, state);
    this.#records.saveVolume(record);
  }
}
