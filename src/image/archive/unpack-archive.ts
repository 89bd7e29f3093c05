import type { FileHandle } from 'node:fs/promises';
import { open } from 'node:fs/promises';
import { join } from 'node:path';
import { bytesOf } from '../../lib/byte-string.ts';
import { cancellable } from '../../lib/cancellable.ts';
import { asHyperError, HyperError } from '../../lib/errors.ts';
import type { TarEntry, TarSink } from '../../lib/tar/tar-entry.ts';
import { defaultTarLimits } from '../../lib/tar/tar-entry.ts';
import { TarReader } from '../../lib/tar/tar-reader.ts';
import { ArchiveFiles } from './archive-files.ts';
import { decompressed } from './decompressed.ts';

type Step =
  | { readonly type: 'entry'; readonly entry: TarEntry }
  | { readonly type: 'data'; readonly bytes: Buffer }
  | { readonly type: 'hole'; readonly bytes: number };

/** An archive of images has a few hundred entries: this many are a mistake or worse. */
const limits = { ...defaultTarLimits, entries: 100_000 };

/** Writes what a tar reader finds into numbered files: the reader tells it at once, the disk follows. */
class ArchiveUnpacker implements TarSink, AsyncDisposable {
  readonly files = new ArchiveFiles();
  readonly #folder: string;
  #steps: Step[] = [];
  #count = 0;
  #current: FileHandle | undefined;
  #position = 0;

  constructor(folder: string) {
    this.#folder = folder;
  }

  entry(entry: TarEntry): void {
    this.#steps.push({ type: 'entry', entry });
  }

  data(bytes: Buffer): void {
    this.#steps.push({ type: 'data', bytes: Buffer.from(bytes) });
  }

  hole(bytes: number): void {
    this.#steps.push({ type: 'hole', bytes });
  }

  /** Writes what came since the last time. */
  async flush(): Promise<void> {
    const steps = this.#steps;
    this.#steps = [];
    for (const step of steps) {
      if (step.type === 'entry') await this.#begin(step.entry);
      else if (step.type === 'hole') this.#position += step.bytes;
      else if (this.#current !== undefined) {
        await this.#write(this.#current, step.bytes);
      }
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#current?.close();
    this.#current = undefined;
  }

  /** One write() may write a part only, as when the disk is about to be full: the next one says so. */
  async #write(file: FileHandle, bytes: Buffer): Promise<void> {
    for (let written = 0; written < bytes.length;) {
      const { bytesWritten } = await file.write(bytes, written, bytes.length - written, this.#position);
      written += bytesWritten;
      this.#position += bytesWritten;
    }
  }

  async #begin(entry: TarEntry): Promise<void> {
    await this[Symbol.asyncDispose]();
    const name = bytesOf(entry.name).toString('utf8');
    if (entry.kind === 'symlink' || entry.kind === 'hardlink') {
      this.files.addLink(name, bytesOf(entry.linkName).toString('utf8'), entry.kind);
    }
    if (entry.kind !== 'file') return;
    const path = join(this.#folder, String(this.#count++));
    this.#current = await open(path, 'wx');
    this.#position = 0;
    if (entry.size > 0) await this.#current.truncate(entry.size);
    this.files.addFile(name, { path, size: entry.size });
  }
}

/**
 * Unpacks an archive (tar; plain, gzip or zstd) of images into a folder: a file each, named by us.
 *
 * @throws HyperError `corrupt`, `no_space` for a full disk or an archive larger than `maxBytes`, `cancelled`
 */
export async function unpackArchive(
  archive: AsyncIterable<Uint8Array>,
  folder: string,
  maxBytes: number,
  signal: AbortSignal,
): Promise<ArchiveFiles> {
  try {
    await using unpacker = new ArchiveUnpacker(folder);
    const reader = new TarReader(unpacker, limits);
    let unpackedBytes = 0;
    for await (const chunk of decompressed(cancellable(archive, signal))) {
      unpackedBytes += chunk.length;
      if (unpackedBytes > maxBytes) throw tooLarge(maxBytes);
      reader.push(chunk);
      await unpacker.flush();
    }
    reader.end();
    await unpacker.flush();
    return unpacker.files;
  } catch (error) {
    throw asHyperError(error);
  }
}

function tooLarge(maxBytes: number): HyperError {
  const todo = 'save fewer images in it, or set maxLayerBytes';
  return new HyperError('no_space', `the archive unpacks to more than the ${maxBytes} bytes allowed: ${todo}`);
}
