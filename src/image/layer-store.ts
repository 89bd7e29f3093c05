import { mkdir, readdir, readFile, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import type { Digest } from '../lib/digest.ts';
import { hexOf, isDigest } from '../lib/digest.ts';
import type { Log } from '../lib/log.ts';
import { messageOf } from '../lib/errors.ts';
import { Mutex } from '../lib/mutex.ts';
import { syncFile, writeFileAtomic } from '../lib/write-file-atomic.ts';
import { discardFolder } from './discard-folder.ts';
import type { ConvertedLayer, LayerFiles } from './layer/index.ts';
import { commitLayer, layerFiles } from './layer/index.ts';

const recordFile = 'layer.json';

const DigestText = z.string().refine(isDigest);
const LayerRecord = z.object({
  diffId: DigestText,
  /** Of the compressed forms that this layer was seen in. */
  digests: z.array(DigestText),
  uncompressedBytes: z.number(),
  /** Allocated by data and index. */
  sizeBytes: z.number(),
});

/** A layer of the store: verified and complete. Written beside its data as `layer.json`. */
export type StoredLayer = Readonly<z.infer<typeof LayerRecord>>;

async function allocatedBytes(path: string): Promise<number> {
  return (await stat(path)).blocks * 512;
}

/**
 * The layers on disk, each once, however many images share it. A lease keeps a layer while its image is not complete yet.
 */
export class LayerStore {
  readonly #folder: string;
  readonly #layers = new Map<Digest, StoredLayer>();
  readonly #leases = new Map<Digest, number>();
  /** Puts commits and removals of layers one after another. */
  readonly #mutex = new Mutex();

  private constructor(folder: string) {
    this.#folder = folder;
  }

  /** Reads what is there; a folder that is no complete layer is removed. */
  static async open(folder: string, log: Log): Promise<LayerStore> {
    await mkdir(folder, { recursive: true });
    const store = new LayerStore(folder);
    for (const name of await readdir(folder)) {
      try {
        const record = LayerRecord.parse(JSON.parse(await readFile(join(folder, name, recordFile), 'utf8')));
        store.#layers.set(record.diffId, record);
      } catch (error) {
        log.warn({ layer: name, error: messageOf(error) }, 'a layer is broken: removed, pull its image again');
        await rm(join(folder, name), { recursive: true, force: true });
      }
    }
    return store;
  }

  get(diffId: Digest): StoredLayer | undefined {
    return this.#layers.get(diffId);
  }

  diffIds(): readonly Digest[] {
    return [...this.#layers.keys()];
  }

  files(diffId: Digest): LayerFiles {
    return layerFiles(join(this.#folder, hexOf(diffId)));
  }

  /** Which layer a compressed blob is known to hold. */
  diffIdOf(digest: Digest): Digest | undefined {
    for (const layer of this.#layers.values()) if (layer.digests.includes(digest)) return layer.diffId;
    return undefined;
  }

  lease(diffId: Digest): void {
    this.#leases.set(diffId, (this.#leases.get(diffId) ?? 0) + 1);
  }

  release(diffId: Digest): void {
    const left = (this.#leases.get(diffId) ?? 0) - 1;
    if (left > 0) this.#leases.set(diffId, left);
    else this.#leases.delete(diffId);
  }

  /** Moves a verified layer from the temporary folder it was converted in to its place. */
  async commit(folder: string, { diffId, digest, uncompressedBytes }: ConvertedLayer): Promise<StoredLayer> {
    const { dataPath, indexPath } = layerFiles(folder);
    const sizeBytes = (await allocatedBytes(dataPath)) + (await allocatedBytes(indexPath));
    const layer: StoredLayer = { diffId, digests: [digest], uncompressedBytes, sizeBytes };
    await writeFileAtomic(join(folder, recordFile), JSON.stringify(layer));
    await Promise.all([syncFile(dataPath), syncFile(indexPath)]);
    return this.#mutex.run(async () => {
      const there = this.#layers.get(diffId);
      if (there !== undefined) return there;
      const place = join(this.#folder, hexOf(diffId));
      await rm(place, { recursive: true, force: true }); // what a removal may have left
      await commitLayer(folder, place);
      this.#layers.set(diffId, layer);
      return layer;
    });
  }

  /** Removes those of the layers that no image has and nobody has leased. */
  async removeUnused(
    candidates: readonly Digest[],
    isReferenced: (diffId: Digest) => boolean,
  ): Promise<readonly Digest[]> {
    const removed: Digest[] = [];
    for (const diffId of candidates) {
      await this.#mutex.run(async () => {
        if (!this.#layers.has(diffId) || this.#leases.has(diffId) || isReferenced(diffId)) return;
        this.#layers.delete(diffId);
        await discardFolder(join(this.#folder, hexOf(diffId)), recordFile);
        removed.push(diffId);
      });
    }
    return removed;
  }
}
