import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { cancellable } from '../lib/cancellable.ts';
import { throwIfCancelled } from '../lib/cancellation.ts';
import type { Credentials } from '../lib/credentials.ts';
import type { Digest } from '../lib/digest.ts';
import { asHyperError } from '../lib/errors.ts';
import type { Log } from '../lib/log.ts';
import { SharedTasks } from '../lib/shared-tasks.ts';
import type { AddImageOptions } from './add-image.ts';
import { addImage, LayerLeases } from './add-image.ts';
import { readArchive } from './archive/index.ts';
import type { ImageStoreConfig } from './config.ts';
import { copiedChunks } from './copied-chunks.ts';
import type { ImageDisk } from './disk/index.ts';
import { copyFromDocker } from './docker/copy-from-docker.ts';
import type { ImageRemoval, RemoveOptions } from './image-catalog.ts';
import { ImageCatalog } from './image-catalog.ts';
import { formatImageConfig } from './image-config.ts';
import type { Image, ImageConfig } from './image.ts';
import { LayerFetcher } from './layer-fetcher.ts';
import { LayerStore } from './layer-store.ts';
import type { ImageProgress } from './progress.ts';
import { pullImage, pullKey } from './pull-image.ts';
import { formatReference, parseReference } from '../lib/image-reference.ts';
import { RegistryClient } from './registry/index.ts';
import { TemporaryFolders } from './temporary-folders.ts';
import type { PulledImage, PullOptions, TransferOptions } from './transfer.ts';

export interface ImageStoreOptions {
  /** Only one process may have it open. */
  readonly root: string;
  readonly log: Log;
  readonly config: ImageStoreConfig;
}

export interface AddTarOptions {
  readonly reference: string;
  /** The root file system; plain, gzip or zstd. */
  readonly tar: AsyncIterable<Uint8Array>;
  readonly config?: Partial<ImageConfig>;
  readonly signal: AbortSignal;
}

interface Parts {
  readonly temporary: TemporaryFolders;
  readonly layers: LayerStore;
  readonly catalog: ImageCatalog;
  readonly fetcher: LayerFetcher;
  readonly client: RegistryClient;
  readonly maxLayerBytes: number;
}

const defaultParallelLayers = 3;
const defaultMaxLayerBytes = 64 * 2 ** 30;
/**
 * The images of this machine: pulled, loaded or imported; each layer once, each image a disk that a VM can open.
 *
 * @example
 * await using images = await ImageStore.open({ root, log, config: {} });
 * const image = images.find('ubuntu') ?? (await images.pull('ubuntu', { signal })).image;
 */
export class ImageStore implements AsyncDisposable {
  readonly #parts: Parts;
  readonly #options: ImageStoreOptions;
  readonly #closing = new AbortController();
  readonly #running = new Set<Promise<unknown>>();
  readonly #pulls = new SharedTasks<PulledImage, ImageProgress>();

  private constructor(parts: Parts, options: ImageStoreOptions) {
    this.#parts = parts;
    this.#options = options;
  }

  /** Opens the store below `root`, makes it when it is not there, and removes what an earlier process left half done. */
  static async open(options: ImageStoreOptions): Promise<ImageStore> {
    const { root, log, config } = options;
    await mkdir(root, { recursive: true });
    const temporary = await TemporaryFolders.open(join(root, 'tmp'));
    const layers = await LayerStore.open(join(root, 'layers'), log);
    const catalog = await ImageCatalog.open(root, layers, log);
    const maxLayerBytes = config.maxLayerBytes ?? defaultMaxLayerBytes;
    const parallel = config.parallelLayers ?? defaultParallelLayers;
    const fetcher = new LayerFetcher({ layers, temporary, parallel, maxLayerBytes });
    const client = new RegistryClient(config);
    return new ImageStore({ temporary, layers, catalog, fetcher, client, maxLayerBytes }, options);
  }

  list(): readonly Image[] {
    return this.#parts.catalog.list();
  }

  /**
   * Finds an image by name (`:latest` unless said), name@digest, id, or beginning of an id, with or without `sha256:`.
   *
   * @throws HyperError `ambiguous` for the beginning of several ids, `bad_request` for what is neither name nor id
   */
  find(reference: string): Image | undefined {
    return this.#parts.catalog.find(reference);
  }

  /** As `find`. @throws HyperError also `not_found` */
  inspect(reference: string): Image {
    return this.#parts.catalog.inspect(reference);
  }

  /**
   * Pulls an image. Pulls of the same image, and of images that share layers, share the downloads.
   *
   * @throws HyperError what the registry said; `unsupported`, `corrupt`, `no_space`, `cancelled`: nothing is left behind then
   */
  pull(text: string, { signal, onProgress = () => undefined, credentials }: PullOptions): Promise<PulledImage> {
    return this.#run(signal, async (either) => {
      const reference = parseReference(text);
      const key = pullKey(reference, credentials);
      return this.#pulls.join(key, either, onProgress, (shared, report) =>
        pullImage({ ...this.#adding(shared, report), client: this.#parts.client, reference, credentials }),
      );
    });
  }

  /**
   * Loads the images of an archive (`docker save`, or an OCI layout; plain, gzip or zstd).
   *
   * @throws HyperError `corrupt`, `unsupported`, `no_space`, `cancelled`; `bad_request` for a tar that is no such archive
   */
  load(archive: AsyncIterable<Uint8Array>, options: TransferOptions): Promise<readonly PulledImage[]> {
    const { signal, onProgress = () => undefined } = options;
    return this.#run(signal, async (either) => {
      const { temporary, maxLayerBytes } = this.#parts;
      await using folder = await temporary.make();
      const loaded: PulledImage[] = [];
      for (const source of await readArchive(archive, folder.path, maxLayerBytes, either)) {
        onProgress({ type: 'status', message: `Loading ${source.name}` });
        const { image, changed } = await addImage(source, this.#adding(either, onProgress));
        const names = source.references.length > 0 ? source.references : [image.id];
        loaded.push(...names.map((reference) => ({ image, reference, changed: changed.has(reference) })));
      }
      return loaded;
    });
  }

  /**
   * Copies an image from the Docker of this machine, when that has it.
   *
   * @returns undefined without Docker, without the right to ask it, without such an image there, or when the copy fails (logged)
   * @throws HyperError `bad_request` for a bad reference, `cancelled`
   */
  async importFromDocker(text: string, options: TransferOptions): Promise<Image | undefined> {
    const { environment = {} } = this.#options.config;
    return copyFromDocker({
      ...options,
      store: this,
      reference: parseReference(text),
      environment,
      log: this.#options.log,
    });
  }

  /**
   * Makes an image of one layer from a tar. The same tar and config give the same id.
   *
   * @throws HyperError `corrupt`, `no_space`, `cancelled`; `bad_request` for a bad reference
   */
  addImageFromTar({ reference, tar, config = {}, signal }: AddTarOptions): Promise<Image> {
    return this.#run(signal, async (either) => {
      const name = formatReference(parseReference(reference));
      const { layers, catalog, fetcher } = this.#parts;
      await using leases = new LayerLeases(layers, catalog);
      const layer = await fetcher.convert(copiedChunks(cancellable(tar, either)), either, ({ diffId }) =>
        leases.add(diffId),
      );
      const configBytes = formatImageConfig(config, [layer.diffId]);
      return (await catalog.add({ configBytes, manifestBytes: undefined }, [name], either)).image;
    });
  }

  /** Tries a login at a registry; answers with an identity token where it gives one. @throws HyperError `unauthorized` */
  logIn(host: string, login: Credentials, signal: AbortSignal): Promise<string | undefined> {
    return this.#run(signal, (either) => this.#parts.client.logIn(host, login, either));
  }

  /** Gives an image one more name. @throws HyperError `not_found`, `bad_request` */
  tag(source: string, target: string): Promise<Image> {
    return this.#parts.catalog.tag(source, target);
  }

  /**
   * Removes a name, and with its last name the image and the layers that no other image has.
   *
   * @throws HyperError `not_found`; `conflict` when the image is in use, or has names in several repositories, without force
   */
  remove(reference: string, options: RemoveOptions): Promise<ImageRemoval> {
    return this.#parts.catalog.remove(reference, options);
  }

  /** What a VM opens. @throws HyperError `not_found` when the image was removed in the meantime */
  disk(image: { readonly id: Digest }): ImageDisk {
    return this.#parts.catalog.disk(image.id);
  }

  /** Stops what is running, and waits until it has cleaned up. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#closing.abort();
    await Promise.allSettled(this.#running);
    await this.#parts.client[Symbol.asyncDispose]();
  }

  #adding(signal: AbortSignal, onProgress: (progress: ImageProgress) => void): AddImageOptions {
    const { layers, fetcher, catalog } = this.#parts;
    return { layers, fetcher, catalog, signal, onProgress };
  }

  async #run<T>(signal: AbortSignal, task: (either: AbortSignal) => Promise<T>): Promise<T> {
    const either = AbortSignal.any([signal, this.#closing.signal]);
    throwIfCancelled(either);
    const running = task(either);
    this.#running.add(running);
    try {
      return await running;
    } catch (error) {
      throw asHyperError(error);
    } finally {
      this.#running.delete(running);
    }
  }
}
