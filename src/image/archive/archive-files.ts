import { createReadStream } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { posix } from 'node:path';
import { HyperError } from '../../lib/errors.ts';

/** Where an archive's file was unpacked to. */
export interface UnpackedFile {
  readonly path: string;
  readonly size: number;
}

const maxLinks = 16;
const readBytes = 1 << 20;

function broken(why: string): HyperError {
  return new HyperError('corrupt', `the archive is broken: ${why}`);
}

/** `./a//b/../c` as `a/c`; the names in archives are never paths on our disk. */
export function archiveName(name: string): string {
  return posix.normalize(posix.join('/', name)).slice(1).replace(/\/$/, '');
}

/** The files of an unpacked archive by their names in it; links are followed within it. */
export class ArchiveFiles {
  readonly #files = new Map<string, UnpackedFile>();
  readonly #links = new Map<string, string>();

  /** The last entry of a name wins. */
  addFile(name: string, file: UnpackedFile): void {
    this.#links.delete(archiveName(name));
    this.#files.set(archiveName(name), file);
  }

  /** @param target relative to the link's folder for symbolic links, to the archive's root for hard ones */
  addLink(name: string, target: string, kind: 'symlink' | 'hardlink'): void {
    const from = archiveName(name);
    this.#files.delete(from);
    this.#links.set(from, archiveName(kind === 'hardlink' ? target : posix.join('/', posix.dirname(from), target)));
  }

  find(name: string): UnpackedFile | undefined {
    let at = archiveName(name);
    for (let links = 0; links < maxLinks; links++) {
      const file = this.#files.get(at);
      if (file !== undefined) return file;
      const next = this.#links.get(at);
      if (next === undefined) return undefined;
      at = next;
    }
    return undefined;
  }

  /** @throws HyperError `corrupt` when there is no such file */
  get(name: string): UnpackedFile {
    const file = this.find(name);
    if (file === undefined) throw broken(`it has no ${name}`);
    return file;
  }

  /** A small file, whole. @throws HyperError `corrupt` when it is missing or larger than `limit` */
  async read(name: string, limit: number): Promise<Buffer> {
    const { path, size } = this.get(name);
    if (size > limit) throw broken(`${name} is larger than ${limit} bytes`);
    return readFile(path);
  }

  /** A file's bytes as a stream. */
  async *open(name: string, signal: AbortSignal): AsyncGenerator<Uint8Array, void, undefined> {
    const stream = createReadStream(this.get(name).path, { highWaterMark: readBytes, signal });
    for await (const chunk of stream) {
      if (!(chunk instanceof Uint8Array)) throw new TypeError('a file is bytes');
      yield chunk;
    }
  }
}
