import { HyperError } from '../../lib/errors.ts';
import { SparseFileWriter } from '../../lib/sparse-file-writer.ts';
import type { LayerFiles } from './converted-layer.ts';
import { layerEntry } from './layer-entry.ts';
import { LayerIndexWriter } from './layer-index-writer.ts';
import type { TarEntry, TarSink } from '../../lib/tar/tar-entry.ts';

/** EROFS's block: a file's data starts at one. */
const blockBytes = 4096;

/** Where a tar's entries go: contents to the data blob, the rest to the index. */
export class LayerWriter implements TarSink, Disposable {
  readonly #data: SparseFileWriter;
  readonly #index: LayerIndexWriter;
  readonly #maxBytes: number;

  constructor(files: LayerFiles, maxBytes: number) {
    this.#data = new SparseFileWriter(files.dataPath);
    this.#index = new LayerIndexWriter(files.indexPath);
    this.#maxBytes = maxBytes;
  }

  get dataBytes(): number {
    return this.#data.position;
  }

  get entries(): number {
    return this.#index.entries;
  }

  entry(entry: TarEntry): void {
    this.#data.align(blockBytes);
    // Holes cost no disk, but addresses: they count.
    if (this.#data.position + entry.size > this.#maxBytes) throw tooLarge(this.#maxBytes);
    const known = layerEntry(entry, this.#data.position);
    if (known !== undefined) this.#index.add(known);
  }

  data(bytes: Buffer): void {
    this.#data.write(bytes);
  }

  hole(bytes: number): void {
    this.#data.skip(bytes);
  }

  finish(): void {
    this.#data.align(blockBytes);
    this.#data.finish();
    this.#index.finish(this.#data.position);
  }

  [Symbol.dispose](): void {
    this.#data[Symbol.dispose]();
    this.#index[Symbol.dispose]();
  }
}

/** The error for a layer that unpacks to more than the caller allows. */
export function tooLarge(maxBytes: number): HyperError {
  return new HyperError(
    'no_space',
    `the layer unpacks to more than the ${maxBytes} bytes allowed: free some disk or use a smaller image`,
  );
}
