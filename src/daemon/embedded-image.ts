import { createReadStream } from 'node:fs';
import { access, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type Image, ImageStore } from '../image/index.ts';
import { messageOf } from '../lib/errors.ts';
import type { Log } from '../lib/log.ts';
import { writeFileAtomic } from '../lib/write-file-atomic.ts';

export interface EmbeddedImageOptions {
  /** The images of users. */
  readonly images: ImageStore;
  readonly root: string;
  readonly guestDir: string;
  readonly log: Log;
}

/**
 * The `busybox` image that comes with Hyper: so that `hyper run busybox` needs no registry, and that the pool has an image
 * whose programs it may run.
 */
export class EmbeddedImage implements AsyncDisposable {
  readonly #options: EmbeddedImageOptions;
  /** Of a user who has removed it, or of a root that an older hyperd made: a copy of our own, not in their list. */
  #copy: Promise<{ readonly store: ImageStore; readonly image: Image } | undefined> | undefined;

  constructor(options: EmbeddedImageOptions) {
    this.#options = options;
  }

  /** Puts it into a fresh root, as an image of its user's. */
  async add(): Promise<void> {
    const { images, log } = this.#options;
    try {
      const { id } = await this.#addTo(images);
      await this.#record(id);
      log.info({ image: 'busybox:latest' }, 'the embedded image is ready');
    } catch (error) {
      log.warn({ reason: messageOf(error) }, 'the embedded busybox image could not be added: pull one instead');
    }
  }

  /** Its disk: that of its user's image, which their pods have too, else the copy's. Undefined where there can be none. */
  async disk(): Promise<string | undefined> {
    const { images, root } = this.#options;
    const record = await readFile(recordOf(root), 'utf8').catch(() => '');
    const image = images.list().find(({ id }) => record === recordText(id));
    if (image !== undefined) return images.disk(image).descriptorPath;
    this.#copy ??= this.#openCopy();
    const copy = await this.#copy;
    return copy?.store.disk(copy.image).descriptorPath;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await (await this.#copy)?.store[Symbol.asyncDispose]();
  }

  /** Without it VMs of the pool wait unrehearsed. */
  async #openCopy(): Promise<{ readonly store: ImageStore; readonly image: Image } | undefined> {
    const { images, root, log } = this.#options;
    try {
      const store = await ImageStore.open({ root: join(root, 'embedded-image'), log, config: {} });
      const image = store.list()[0] ?? (await this.#addTo(store));
      // A root of before the record was written may have it all the same.
      if (images.list().some(({ id }) => id === image.id)) await this.#record(image.id);
      return { store, image };
    } catch (error) {
      log.warn({ reason: messageOf(error) }, 'the embedded busybox image cannot be used: VMs of the pool start slower');
      return undefined;
    }
  }

  async #addTo(images: ImageStore): Promise<Image> {
    const path = join(this.#options.guestDir, 'busybox-image.tar');
    await access(path);
    return await images.addImageFromTar({
      reference: 'busybox:latest',
      tar: createReadStream(path),
      config: { command: ['sh'], env: ['PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin'] },
      signal: AbortSignal.timeout(60_000),
    });
  }

  async #record(id: string): Promise<void> {
    await writeFileAtomic(recordOf(this.#options.root), recordText(id));
  }
}

/** Says which image is the embedded one: another one may have its name by now. */
const recordOf = (root: string): string => join(root, 'embedded-image.json');
const recordText = (id: string): string => JSON.stringify({ id });
