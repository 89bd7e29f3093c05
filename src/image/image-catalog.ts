import { join } from 'node:path';
import type { Digest } from '../lib/digest.ts';
import { isDigest } from '../lib/digest.ts';
import { HyperError } from '../lib/errors.ts';
import type { Log } from '../lib/log.ts';
import { Mutex } from '../lib/mutex.ts';
import type { ImageDisk } from './disk/index.ts';
import type { ImageRecord, NewImage } from './image-records.ts';
import { ImageRecords } from './image-records.ts';
import type { Image } from './image.ts';
import type { LayerStore } from './layer-store.ts';
import { planRemoval } from './plan-removal.ts';
import { formatReference, parseReference } from '../lib/image-reference.ts';
import { ReferenceTable } from './reference-table.ts';

/** What a removal took away. */
export interface ImageRemoval {
  /** Full references. */
  readonly untagged: readonly string[];
  /** Digests of images and layers. */
  readonly deleted: readonly string[];
}

/** What was made from an image: a pod. */
export interface ImageUser {
  readonly name: string;
  readonly running: boolean;
}

export interface RemoveOptions {
  /** Removes it although something that does not run uses it, or it has names in several repositories. */
  readonly force: boolean;
  readonly inUse: (imageId: Digest) => readonly ImageUser[];
}

interface Match {
  readonly record: ImageRecord;
  /** The full reference it was found by; undefined when it was found by its id. */
  readonly name: string | undefined;
}

/** The key of the table: a reference with a digest is kept without its tag. */
function keyOf(text: string): string {
  const reference = parseReference(text);
  return formatReference(reference.digest === undefined ? reference : { ...reference, tag: undefined });
}

/** A disk that a VM has open is never taken away; what has ended is in the way unless forced. */
function refuseInUse(text: string, users: readonly ImageUser[], force: boolean): void {
  const running = users.filter((user) => user.running);
  const namesOf = (some: readonly ImageUser[]): string => some.map(({ name }) => name).join(', ');
  if (running.length > 0) {
    throw new HyperError('conflict', `${text} is in use by ${namesOf(running)}, which runs: stop that first`);
  }
  if (users.length > 0 && !force) {
    throw new HyperError('conflict', `${text} is in use by ${namesOf(users)}: remove that first, or use force`);
  }
}

/** The images of the store and their names. Changes are made one after another. */
export class ImageCatalog {
  readonly #records: ImageRecords;
  readonly #references: ReferenceTable;
  readonly #layers: LayerStore;
  readonly #mutex = new Mutex();

  private constructor(records: ImageRecords, references: ReferenceTable, layers: LayerStore) {
    this.#records = records;
    this.#references = references;
    this.#layers = layers;
  }

  static async open(root: string, layers: LayerStore, log: Log): Promise<ImageCatalog> {
    const records = await ImageRecords.open(join(root, 'images'), layers, log);
    const references = await ReferenceTable.open(join(root, 'references.json'), log);
    const dangling = [...references.all()].filter(([, id]) => records.get(id) === undefined);
    await references.forget(dangling.map(([reference]) => reference));
    const catalog = new ImageCatalog(records, references, layers);
    await catalog.removeUnusedLayers(layers.diffIds());
    return catalog;
  }

  list(): readonly Image[] {
    return this.#records.all().map((record) => this.#describe(record));
  }

  /** @throws HyperError `ambiguous` for a prefix of several ids, `bad_request` for what is neither a name nor an id */
  find(text: string): Image | undefined {
    const match = this.#match(text);
    return match === undefined ? undefined : this.#describe(match.record);
  }

  /** Adds an image, if it is not there, and gives it names. */
  async add(
    image: NewImage,
    references: readonly string[],
    signal: AbortSignal,
  ): Promise<{ readonly image: Image; readonly changed: ReadonlySet<string> }> {
    return this.#mutex.run(async () => {
      const record = await this.#records.add(image, signal);
      const changed = references.filter((reference) => this.#references.get(reference) !== record.id);
      await this.#references.set(references, record.id);
      return { image: this.#describe(record), changed: new Set(changed) };
    });
  }

  /** @throws HyperError `not_found`, `bad_request` for a target with a digest */
  async tag(source: string, target: string): Promise<Image> {
    const reference = parseReference(target);
    if (reference.digest !== undefined) {
      throw new HyperError('bad_request', `'${target}' has a digest: a new name can only have a tag`);
    }
    return this.#mutex.run(async () => {
      const { record } = this.#require(source);
      await this.#references.set([formatReference(reference)], record.id);
      return this.#describe(record);
    });
  }

  /** @throws HyperError `not_found`, or `conflict` when it is in use */
  async remove(text: string, { force, inUse }: RemoveOptions): Promise<ImageRemoval> {
    return this.#mutex.run(async () => {
      const { record, name } = this.#require(text);
      const plan = planRemoval(name, this.#references.of(record.id), force);
      if (plan.deleteImage) refuseInUse(text, inUse(record.id), force);
      if (!plan.deleteImage) {
        await this.#references.delete(plan.untag);
        return { untagged: plan.untag, deleted: [] };
      }
      await this.#records.remove(record.id);
      try {
        const layers = await this.removeUnusedLayers(record.diffIds);
        return { untagged: plan.untag, deleted: [record.id, ...layers] };
      } finally {
        await this.#references.forget(plan.untag); // by now even a disk that was full may have room
      }
    });
  }

  /** @throws HyperError `not_found` */
  inspect(text: string): Image {
    return this.#describe(this.#require(text).record);
  }

  /** @throws HyperError `not_found` */
  disk(id: Digest): ImageDisk {
    const record = this.#records.get(id);
    if (record === undefined) throw new HyperError('not_found', `the image ${id} is not there any more: pull it again`);
    return record.disk;
  }

  removeUnusedLayers(candidates: readonly Digest[]): Promise<readonly Digest[]> {
    return this.#layers.removeUnused(candidates, (diffId) => this.#records.usesLayer(diffId));
  }

  #require(text: string): Match {
    const match = this.#match(text);
    if (match !== undefined) return match;
    throw new HyperError('not_found', `no such image: ${text}: pull it with 'hyper pull ${text}'`);
  }

  #match(text: string): Match | undefined {
    const prefix = /^(?:sha256:)?([0-9a-f]{1,64})$/.exec(text)?.[1];
    const exact = `sha256:${prefix ?? ''}`;
    const whole = isDigest(exact) ? this.#records.get(exact) : undefined;
    if (whole !== undefined) return { record: whole, name: undefined };
    if (!isDigest(exact)) {
      const name = keyOf(text);
      const id = this.#references.get(name);
      const named = id === undefined ? undefined : this.#records.get(id);
      if (named !== undefined) return { record: named, name };
    }
    if (prefix === undefined) return undefined;
    const found = this.#records.all().filter(({ id }) => id.startsWith(exact));
    const [record] = found;
    if (found.length > 1) {
      throw new HyperError('ambiguous', `${text} is the beginning of ${found.length} images' ids: give more of it`);
    }
    return record === undefined ? undefined : { record, name: undefined };
  }

  #describe({ id, config, diffIds }: ImageRecord): Image {
    const references = this.#references.of(id);
    const layers = diffIds.map((diffId) => ({ diffId, sizeBytes: this.#layers.get(diffId)?.sizeBytes ?? 0 }));
    return {
      id,
      tags: references.filter((reference) => !reference.includes('@')),
      digests: references.filter((reference) => reference.includes('@')),
      createdAt: config.created,
      sizeBytes: layers.reduce((sum, layer) => sum + layer.sizeBytes, 0),
      architecture: config.architecture,
      os: config.os,
      config,
      layers,
    };
  }
}
