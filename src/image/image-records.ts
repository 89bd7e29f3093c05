import { mkdir, readdir, readFile, rm } from 'node:fs/promises';
import { join, relative, resolve } from 'node:path';
import { z } from 'zod';
import type { Digest } from '../lib/digest.ts';
import { hexOf } from '../lib/digest.ts';
import { HyperError, messageOf } from '../lib/errors.ts';
import type { Log } from '../lib/log.ts';
import { writeFileAtomic } from '../lib/write-file-atomic.ts';
import { discardFolder } from './discard-folder.ts';
import type { ImageDisk } from './disk/index.ts';
import { buildImageDisk } from './disk/index.ts';
import { parseImageConfig } from './image-config.ts';
import type { ImageConfig } from './image.ts';
import type { LayerStore } from './layer-store.ts';
import { sha256 } from './sha256.ts';

const recordFile = 'image.json';

/** `image.json`: paths are relative to the image's folder, so that a store can be moved. */
const RecordFile = z.object({
  version: z.literal(1),
  disk: z.object({
    descriptorPath: z.string(),
    metadataPath: z.string(),
    files: z.array(z.string()),
    sizeBytes: z.number(),
    inodes: z.number(),
  }),
});

/** An image without its names. */
export interface ImageRecord {
  readonly id: Digest;
  readonly config: ImageConfig;
  readonly diffIds: readonly Digest[];
  readonly disk: ImageDisk;
}

/** What a new record is made of; its layers are in the store and leased. */
export interface NewImage {
  readonly configBytes: Uint8Array;
  /** As the registry has it; undefined for images that came without one. */
  readonly manifestBytes: Uint8Array | undefined;
}

function mapPaths(disk: ImageDisk, change: (path: string) => string): ImageDisk {
  return {
    ...disk,
    descriptorPath: change(disk.descriptorPath),
    metadataPath: change(disk.metadataPath),
    files: disk.files.map(change),
  };
}

/** The images on disk: a folder each, complete once its `image.json` is there. Changes must come one after another. */
export class ImageRecords {
  readonly #folder: string;
  readonly #layers: LayerStore;
  readonly #records = new Map<Digest, ImageRecord>();

  private constructor(folder: string, layers: LayerStore) {
    this.#folder = folder;
    this.#layers = layers;
  }

  /** Reads what is there; an image that is not complete is removed. */
  static async open(folder: string, layers: LayerStore, log: Log): Promise<ImageRecords> {
    await mkdir(folder, { recursive: true });
    const records = new ImageRecords(folder, layers);
    for (const hex of await readdir(folder)) {
      try {
        await records.#read(hex);
      } catch (error) {
        log.warn({ image: hex, error: messageOf(error) }, 'an image is broken: removed, pull it again');
        await rm(join(folder, hex), { recursive: true, force: true });
      }
    }
    return records;
  }

  get(id: Digest): ImageRecord | undefined {
    return this.#records.get(id);
  }

  all(): readonly ImageRecord[] {
    return [...this.#records.values()];
  }

  usesLayer(diffId: Digest): boolean {
    return this.all().some((record) => record.diffIds.includes(diffId));
  }

  /** Builds the image's disk and writes its record; an image that is there already is left as it is. */
  async add({ configBytes, manifestBytes }: NewImage, signal: AbortSignal): Promise<ImageRecord> {
    const id = sha256(configBytes);
    const there = this.#records.get(id);
    if (there !== undefined) return there;
    const { config, diffIds } = parseImageConfig(configBytes, `config ${id}`);
    // Made in its final place: the disk's descriptor may name its own folder.
    const folder = this.#folderOf(id);
    try {
      await rm(folder, { recursive: true, force: true }); // what a removal may have left
      await mkdir(folder);
      await writeFileAtomic(join(folder, 'config.json'), configBytes);
      if (manifestBytes !== undefined) await writeFileAtomic(join(folder, 'manifest.json'), manifestBytes);
      const layers = diffIds.map((diffId) => this.#layers.files(diffId));
      const disk = await buildImageDisk({ layers, outputDir: folder, signal });
      const file = { version: 1, disk: mapPaths(disk, (path) => relative(folder, path)) };
      await writeFileAtomic(join(folder, recordFile), JSON.stringify(file));
      const record: ImageRecord = { id, config, diffIds, disk };
      this.#records.set(id, record);
      return record;
    } catch (error) {
      await rm(folder, { recursive: true, force: true });
      throw error;
    }
  }

  async remove(id: Digest): Promise<void> {
    await discardFolder(this.#folderOf(id), recordFile);
    this.#records.delete(id);
  }

  async #read(hex: string): Promise<void> {
    const folder = join(this.#folder, hex);
    const file = RecordFile.parse(JSON.parse(await readFile(join(folder, recordFile), 'utf8')));
    const configBytes = await readFile(join(folder, 'config.json'));
    const id = sha256(configBytes);
    if (hexOf(id) !== hex) throw new HyperError('corrupt', 'its config has another digest than its name says');
    const { config, diffIds } = parseImageConfig(configBytes, 'its config');
    const missing = diffIds.find((diffId) => this.#layers.get(diffId) === undefined);
    if (missing !== undefined) throw new HyperError('corrupt', `its layer ${missing} is missing`);
    this.#records.set(id, { id, config, diffIds, disk: mapPaths(file.disk, (path) => resolve(folder, path)) });
  }

  #folderOf(id: Digest): string {
    return join(this.#folder, hexOf(id));
  }
}
