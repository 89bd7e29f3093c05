import type { Image, ImageRemoval, ImageStore, ImageUser, PulledImage, TransferOptions } from '../image/index.ts';
import type { Credentials } from '../lib/credentials.ts';
import { HyperError, messageOf } from '../lib/errors.ts';
import type { Pods } from './pods.ts';
import { fits, type PruneFilter } from './prune-filter.ts';

/** What a prune has taken away: names, digests of images and layers; and what it could not. */
export interface ImagesPruned {
  readonly untagged: string[];
  readonly deleted: string[];
  readonly failed: { readonly name: string; readonly reason: string }[];
  freedBytes: number;
}

/** What users do with images. That pods use them is known here. */
export class ImageDesk {
  readonly #images: ImageStore;
  readonly #pods: Pods;

  constructor(images: ImageStore, pods: Pods) {
    this.#images = images;
    this.#pods = pods;
  }

  list(): readonly Image[] {
    return this.#images.list();
  }

  inspect(reference: string): Image {
    return this.#images.inspect(reference);
  }

  async pull(reference: string, options: TransferOptions): Promise<PulledImage> {
    return await this.#images.pull(reference, options);
  }

  async load(archive: AsyncIterable<Uint8Array>, options: TransferOptions): Promise<readonly PulledImage[]> {
    return await this.#images.load(archive, options);
  }

  /** Tries a login at a registry; answers with an identity token where it gives one. @throws HyperError `unauthorized` */
  async logIn(server: string, login: Credentials, signal: AbortSignal): Promise<string | undefined> {
    return await this.#images.logIn(server, login, signal);
  }

  async remove(reference: string, force: boolean): Promise<ImageRemoval> {
    return await this.#images.remove(reference, { force, inUse: (imageId) => this.#usersOf(imageId) });
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
        const { untagged, deleted } = await this.#images.remove(id, { force: true, inUse });
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
    const image = this.#images.find(reference) ?? (await this.#images.importFromDocker(reference, { signal }));
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

  #usersOf(imageId: string): ImageUser[] {
    return this.#pods
      .all()
      .filter(({ record }) => record.containers.some((container) => container.imageId === imageId))
      .map((pod) => ({ name: pod.record.name, running: pod.active }));
  }
}
