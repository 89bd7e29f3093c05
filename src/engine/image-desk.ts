import type {
  Image,
  ImageRemoval,
  ImageStore,
  ImageUser,
  PulledImage,
  RemoveOptions,
  TransferOptions,
} from '../image/index.ts';
import type { Credentials } from '../lib/credentials.ts';
import { HyperError, messageOf } from '../lib/errors.ts';
import type { Store } from '../store/index.ts';
import type { Pods } from './pods.ts';
import { fits, type PruneFilter } from './prune-filter.ts';

/** What a prune has taken away: names, digests of images and layers; and what it could not. */
export interface ImagesPruned {
  readonly untagged: string[];
  readonly deleted: string[];
  readonly failed: { readonly name: string; readonly reason: string }[];
  freedBytes: number;
}

/** What users do with images. That pods use them is known here, and what changes is told as events. */
export class ImageDesk {
  readonly #images: ImageStore;
  readonly #pods: Pods;
  readonly #store: Pick<Store, 'tell'>;

  constructor(images: ImageStore, pods: Pods, store: Pick<Store, 'tell'>) {
    this.#images = images;
    this.#pods = pods;
    this.#store = store;
  }

  list(): readonly Image[] {
    return this.#images.list();
  }

  inspect(reference: string): Image {
    return this.#images.inspect(reference);
  }

  async pull(reference: string, options: TransferOptions): Promise<PulledImage> {
    const pulled = await this.#images.pull(reference, options);
    this.#tell([['pull', pulled.image.id, pulled.reference]]);
    return pulled;
  }

  async load(archive: AsyncIterable<Uint8Array>, options: TransferOptions): Promise<readonly PulledImage[]> {
    const loaded = await this.#images.load(archive, options);
    this.#tell(loaded.map(({ image, reference }) => ['load', image.id, reference]));
    return loaded;
  }

  /** Tries a login at a registry; answers with an identity token where it gives one. @throws HyperError `unauthorized` */
  async logIn(server: string, login: Credentials, signal: AbortSignal): Promise<string | undefined> {
    return await this.#images.logIn(server, login, signal);
  }

  async remove(reference: string, force: boolean): Promise<ImageRemoval> {
    return await this.#remove(reference, force, (imageId) => this.#usersOf(imageId));
  }

  /** Removes what no pod was made from, and has no name unless `all`. */
  async prune(filter: PruneFilter & { readonly all?: boolean | undefined }): Promise<ImagesPruned> {
    const wanted = this.list().filter(
      ({ id, tags, createdAt, config: { labels } }) =>
        (filter.all === true || tags.length === 0) && this.#usersOf(id).length === 0 && fits(filter, labels, createdAt),
    );
    const pruned: ImagesPruned = { untagged: [], deleted: [], failed: [], freedBytes: 0 };
    // A pod that is made meanwhile keeps its image, whatever force says.
    const inUse = (id: string): ImageUser[] => this.#usersOf(id).map(({ name }) => ({ name, running: true }));
    for (const { id, layers } of wanted) {
      try {
        const { untagged, deleted } = await this.#remove(id, true, inUse);
        pruned.untagged.push(...untagged);
        pruned.deleted.push(...deleted);
        const gone = layers.filter(({ diffId }) => deleted.includes(diffId));
        pruned.freedBytes += gone.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0);
      } catch (error) {
        pruned.failed.push({ name: id, reason: messageOf(error) });
      }
    }
    return pruned;
  }

  /** One that is here, or in the machine's Docker. @throws HyperError `image_not_found` */
  async need(reference: string, signal: AbortSignal): Promise<Image> {
    const image = this.#images.find(reference) ?? (await this.#importFromDocker(reference, signal));
    if (image === undefined) {
      throw new HyperError('image_not_found', `no such image: ${reference}: pull it with 'hyper pull ${reference}'`);
    }
    return image;
  }

  /** Of each container, in order. */
  async ofContainers(containers: readonly { readonly image: string }[], signal: AbortSignal): Promise<Image[]> {
    const found = new Map<string, Image>();
    for (const { image } of containers) {
      if (!found.has(image)) found.set(image, await this.need(image, signal));
    }
    return containers.flatMap(({ image }) => found.get(image) ?? []);
  }

  async #importFromDocker(reference: string, signal: AbortSignal): Promise<Image | undefined> {
    const image = await this.#images.importFromDocker(reference, { signal });
    if (image !== undefined) this.#tell([['import', image.id, reference]]);
    return image;
  }

  async #remove(reference: string, force: boolean, inUse: RemoveOptions['inUse']): Promise<ImageRemoval> {
    const { id } = this.#images.inspect(reference);
    const removal = await this.#images.remove(reference, { force, inUse });
    const { untagged, deleted } = removal;
    this.#tell([
      ...untagged.map((name) => ['untag', id, name] as const),
      ...(deleted.includes(id) ? [['delete', id, untagged[0] ?? id] as const] : []),
    ]);
    return removal;
  }

  #tell(changes: readonly (readonly [action: string, id: string, name: string])[]): void {
    if (changes.length === 0) return;
    this.#store.tell(
      changes.map(([action, id, name]) => ({ type: 'image', action, id, name, podId: null, attributes: {} })),
    );
  }

  #usersOf(imageId: string): ImageUser[] {
    return this.#pods
      .all()
      .filter(({ record }) => record.containers.some((container) => container.imageId === imageId))
      .map((pod) => ({ name: pod.record.name, running: pod.active }));
  }
}
