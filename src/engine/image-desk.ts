import type { Image, ImageRemoval, ImageStore, ImageUser, PulledImage, TransferOptions } from '../image/index.ts';
import { HyperError } from '../lib/errors.ts';
import type { Pods } from './pods.ts';

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

  async remove(reference: string, force: boolean): Promise<ImageRemoval> {
    const inUse = (imageId: string): ImageUser[] =>
      this.#pods
        .all()
        .filter(({ record }) => record.containers.some((container) => container.imageId === imageId))
        .map((pod) => ({ name: pod.record.name, running: pod.active }));
    return await this.#images.remove(reference, { force, inUse });
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
}
