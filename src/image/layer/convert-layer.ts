import { createHash, type Hash } from 'node:crypto';
import { mkdir } from 'node:fs/promises';
import { pipeline } from 'node:stream/promises';
import type { Digest } from '../../lib/digest.ts';
import { asHyperError, systemCode, type HyperError } from '../../lib/errors.ts';
import { layerFiles, type ConvertedLayer } from './converted-layer.ts';
import { corrupt } from './corrupt.ts';
import { decompressorFor } from './decompress.ts';
import { LayerWriter, tooLarge } from './layer-writer.ts';
import { defaultTarLimits } from '../../lib/tar/tar-entry.ts';
import { TarReader } from '../../lib/tar/tar-reader.ts';

export interface ConvertLayerOptions {
  /** An empty or missing folder of the layer's own; on failure what is in it is worthless and the caller's to remove. */
  readonly outputDir: string;
  /** The most the layer may unpack to, in bytes: a small archive can claim any size. Default 256 GiB. */
  readonly maxBytes?: number;
  readonly signal?: AbortSignal;
}

const defaultMaxBytes = 256 * 1024 ** 3;

/**
 * Converts a layer (tar; plain, gzip or zstd) into a data blob and an index, in this thread: hyperd uses LayerConverter.
 *
 * @throws HyperError `corrupt` for bytes that are no layer, `no_space` for a full disk or a layer larger than `maxBytes`.
 */
export async function convertLayer(
  source: AsyncIterable<Uint8Array> | Iterable<Uint8Array>,
  options: ConvertLayerOptions,
): Promise<ConvertedLayer> {
  const maxBytes = options.maxBytes ?? defaultMaxBytes;
  await mkdir(options.outputDir, { recursive: true });
  using writer = new LayerWriter(layerFiles(options.outputDir), maxBytes);
  const reader = new TarReader(writer, defaultTarLimits);
  const compressed = new CountingHash();
  const uncompressed = new CountingHash();
  try {
    const chunks = compressed.passing(source);
    const start = await readStart(chunks);
    await pipeline(
      prepend(start, chunks),
      decompressorFor(start),
      async (tar: AsyncIterable<Buffer>) => {
        for await (const chunk of tar) {
          uncompressed.add(chunk);
          if (uncompressed.bytes > maxBytes) throw tooLarge(maxBytes);
          reader.push(chunk);
        }
      },
      options.signal === undefined ? {} : { signal: options.signal },
    );
    reader.end();
    writer.finish();
  } catch (error) {
    throw explain(error);
  }
  return {
    digest: compressed.digest(),
    diffId: uncompressed.digest(),
    compressedBytes: compressed.bytes,
    uncompressedBytes: uncompressed.bytes,
    dataBytes: writer.dataBytes,
    entries: writer.entries,
  };
}

class CountingHash {
  readonly #hash: Hash = createHash('sha256');
  bytes = 0;

  add(chunk: Uint8Array): void {
    this.#hash.update(chunk);
    this.bytes += chunk.length;
  }

  async *passing(source: AsyncIterable<Uint8Array> | Iterable<Uint8Array>): AsyncGenerator<Buffer, void, undefined> {
    for await (const chunk of source) {
      this.add(chunk);
      yield Buffer.from(chunk.buffer, chunk.byteOffset, chunk.length);
    }
  }

  digest(): Digest {
    return `sha256:${this.#hash.digest('hex')}`;
  }
}

/** The first bytes: enough to know the compression by. */
async function readStart(chunks: AsyncGenerator<Buffer, void, undefined>): Promise<Buffer> {
  let start: Buffer = Buffer.alloc(0);
  while (start.length < 4) {
    const next = await chunks.next();
    if (next.done === true) break;
    start = start.length === 0 ? next.value : Buffer.concat([start, next.value]);
  }
  return start;
}

async function* prepend(start: Buffer, rest: AsyncIterable<Buffer>): AsyncGenerator<Buffer, void, undefined> {
  if (start.length > 0) yield start;
  yield* rest;
}

/** zlib's errors mean that the bytes are damaged. */
function explain(error: unknown): HyperError {
  const code = systemCode(error) ?? '';
  if (code.startsWith('Z_') || code.startsWith('ZSTD_') || code.startsWith('ERR_ZSTD')) {
    return corrupt('it cannot be decompressed', error);
  }
  return asHyperError(error);
}
