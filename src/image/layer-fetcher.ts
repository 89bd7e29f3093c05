import type { Digest } from '../lib/digest.ts';
import { asHyperError, HyperError } from '../lib/errors.ts';
import { Semaphore } from '../lib/semaphore.ts';
import { SharedTasks } from '../lib/shared-tasks.ts';
import type { ConvertedLayer } from './layer/index.ts';
import { LayerConverter } from './layer/index.ts';
import type { LayerStore, StoredLayer } from './layer-store.ts';
import type { ImageProgress, LayerStatus } from './progress.ts';
import type { TemporaryFolders } from './temporary-folders.ts';

/** A layer that an image wants, and how to get its bytes. */
export interface LayerSource {
  /** Of the bytes that `open` gives; undefined where only the layer inside is known (old archives). */
  readonly digest: Digest | undefined;
  /** What the image's config says that is inside. */
  readonly diffId: Digest;
  readonly size: number;
  readonly open: (signal: AbortSignal, onRetry: (error: HyperError) => void) => AsyncIterable<Uint8Array>;
}

export interface LayerFetcherOptions {
  readonly layers: LayerStore;
  readonly temporary: TemporaryFolders;
  readonly parallel: number;
  readonly maxLayerBytes: number;
}

type Report = (progress: ImageProgress) => void;

const progressEveryMs = 100;

function verify(converted: ConvertedLayer, source: LayerSource): void {
  const name = `layer ${(source.digest ?? source.diffId).slice(0, 'sha256:'.length + 12)}`;
  if (source.digest !== undefined && converted.digest !== source.digest) {
    throw new HyperError('corrupt', `${name} has the digest ${converted.digest}, not ${source.digest}: refused`);
  }
  if (converted.diffId !== source.diffId) {
    throw new HyperError(
      'corrupt',
      `${name} unpacks to ${converted.diffId}, but its image says ${source.diffId}: refused`,
    );
  }
}

/** Brings layers into the store: those that are not there yet, a few at a time, each once however many ask. */
export class LayerFetcher {
  readonly #options: LayerFetcherOptions;
  readonly #flights = new SharedTasks<StoredLayer, ImageProgress>();
  readonly #slots: Semaphore;

  constructor(options: LayerFetcherOptions) {
    this.#options = options;
    this.#slots = new Semaphore(options.parallel);
  }

  /**
   * The layer, from the store or its source. The caller holds a lease on it.
   *
   * @throws HyperError `corrupt` when the bytes are not what was asked for, `no_space`, `cancelled`; what the source throws
   */
  async fetch(source: LayerSource, signal: AbortSignal, report: Report): Promise<StoredLayer> {
    const { layers } = this.#options;
    const { digest = source.diffId, diffId, size } = source;
    const known = layers.diffIdOf(digest);
    if (known !== undefined && known !== diffId) {
      throw new HyperError('corrupt', `layer ${digest} unpacks to ${known}, but its image says ${diffId}`);
    }
    const there = layers.get(source.diffId);
    if (there !== undefined) {
      report({ type: 'layer', digest, status: 'exists', currentBytes: size, totalBytes: size });
      return there;
    }
    const flight = { own: false };
    try {
      return await this.#flights.join(diffId, signal, report, (shared, reportAll) => {
        flight.own = true;
        return this.#bring(source, shared, reportAll);
      });
    } catch (error) {
      // Another pull's source has failed; ours may do better.
      if (flight.own || signal.aborted) throw error;
      return this.fetch(source, signal, report);
    }
  }

  /**
   * Converts one tar, whatever is in it.
   *
   * @param bytes their memory is taken over
   * @param onConverted may lease the layer before it can be removed again, or refuse it by throwing
   */
  async convert(
    bytes: AsyncIterable<Uint8Array>,
    signal: AbortSignal,
    onConverted: (converted: ConvertedLayer) => void,
  ): Promise<StoredLayer> {
    const { layers, temporary, maxLayerBytes } = this.#options;
    try {
      await using folder = await temporary.make();
      await using converter = new LayerConverter({ outputDir: folder.path, maxBytes: maxLayerBytes, signal });
      for await (const chunk of bytes) await converter.write(chunk);
      const converted = await converter.finish();
      onConverted(converted);
      return await layers.commit(folder.path, converted);
    } catch (error) {
      throw asHyperError(error);
    }
  }

  async #bring(source: LayerSource, signal: AbortSignal, reportAll: Report): Promise<StoredLayer> {
    let currentBytes = 0;
    const report = (status: LayerStatus): void =>
      reportAll({
        type: 'layer',
        digest: source.digest ?? source.diffId,
        status,
        currentBytes,
        totalBytes: source.size,
      });
    report('waiting');
    return this.#slots.run(signal, async () => {
      report('downloading');
      let reportedAt = Date.now();
      const counted = async function* (): AsyncGenerator<Uint8Array, void, undefined> {
        for await (const chunk of source.open(signal, () => report('retrying'))) {
          currentBytes += chunk.length;
          if (Date.now() - reportedAt >= progressEveryMs) {
            reportedAt = Date.now();
            report('downloading');
          }
          yield chunk;
        }
      };
      const layer = await this.convert(counted(), signal, (converted) => verify(converted, source));
      report('done');
      return layer;
    });
  }
}
