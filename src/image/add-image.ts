import type { Digest } from '../lib/digest.ts';
import { HyperError } from '../lib/errors.ts';
import type { ImageCatalog } from './image-catalog.ts';
import { checkLayerCount, parseImageConfig } from './image-config.ts';
import type { Image } from './image.ts';
import type { LayerFetcher, LayerSource } from './layer-fetcher.ts';
import type { LayerStore } from './layer-store.ts';
import { checkPlatform } from './platform.ts';
import type { OnProgress } from './progress.ts';

/** Keeps layers until the image that needs them is there; what no image has then goes. */
export class LayerLeases implements AsyncDisposable {
  readonly #layers: LayerStore;
  readonly #catalog: ImageCatalog;
  readonly #held: Digest[] = [];

  constructor(layers: LayerStore, catalog: ImageCatalog) {
    this.#layers = layers;
    this.#catalog = catalog;
  }

  add(diffId: Digest): void {
    this.#layers.lease(diffId);
    this.#held.push(diffId);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const diffId of this.#held) this.#layers.release(diffId);
    await this.#catalog.removeUnusedLayers(this.#held);
  }
}

/** An image to add, wherever it comes from. */
export interface ImageSource {
  /** For messages. */
  readonly name: string;
  readonly configBytes: Uint8Array;
  readonly manifestBytes: Uint8Array | undefined;
  /** Full references to give it. */
  readonly references: readonly string[];
  /** Lowest first; the config says what is inside each. */
  readonly layers: readonly Omit<LayerSource, 'diffId'>[];
}

export interface AddImageOptions {
  readonly layers: LayerStore;
  readonly fetcher: LayerFetcher;
  readonly catalog: ImageCatalog;
  readonly signal: AbortSignal;
  readonly onProgress: OnProgress;
}

/** Runs all to their end; when one fails, the others are stopped and its error is thrown. */
async function allOrNothing(
  tasks: readonly ((signal: AbortSignal) => Promise<unknown>)[],
  signal: AbortSignal,
): Promise<void> {
  const stop = new AbortController();
  const either = AbortSignal.any([signal, stop.signal]);
  let failure: { readonly error: unknown } | undefined;
  const guarded = tasks.map(async (task) => {
    try {
      await task(either);
    } catch (error) {
      failure ??= { error };
      stop.abort();
    }
  });
  await Promise.all(guarded);
  if (failure !== undefined) throw failure.error;
}

/**
 * Brings an image into the store: its layers, then its disk, then its names. On failure nothing of it stays.
 *
 * @throws HyperError `unsupported` for another platform, `corrupt`, `no_space`, `cancelled`; what its source throws
 */
export async function addImage(
  source: ImageSource,
  options: AddImageOptions,
): Promise<{ readonly image: Image; readonly changed: ReadonlySet<string> }> {
  const { layers, fetcher, catalog, signal, onProgress } = options;
  const { config, diffIds } = parseImageConfig(source.configBytes, `config of ${source.name}`);
  checkPlatform(config, source.name);
  checkLayerCount(diffIds, source.layers.length, source.name);
  await using leases = new LayerLeases(layers, catalog);
  const tasks = source.layers.map((layer, index) => {
    const diffId = diffIds[index];
    if (diffId === undefined) throw new HyperError('internal', 'a layer without a diffId');
    leases.add(diffId);
    return (stop: AbortSignal) => fetcher.fetch({ ...layer, diffId }, stop, onProgress);
  });
  await allOrNothing(tasks, signal);
  return await catalog.add(source, source.references, signal);
}
