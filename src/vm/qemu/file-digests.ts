import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { stat } from 'node:fs/promises';

/** Digests of files, computed again when a file was replaced or written since. */
export class FileDigests {
  readonly #known = new Map<string, { readonly state: string; readonly digest: Promise<string> }>();

  /** SHA-256 of the content, in hex. Rejects as stat(2) and read(2) do. */
  async of(path: string): Promise<string> {
    const { dev, ino, size, mtimeNs } = await stat(path, { bigint: true });
    const state = [dev, ino, size, mtimeNs].join(':');
    const known = this.#known.get(path);
    if (known?.state === state) return await known.digest;
    const digest = digestOf(path);
    this.#known.set(path, { state, digest });
    digest.catch(() => this.#known.delete(path));
    return await digest;
  }
}

async function digestOf(path: string): Promise<string> {
  const hash = createHash('sha256');
  for await (const chunk of createReadStream(path, { highWaterMark: 1 << 20 })) hash.update(chunk as Buffer);
  return hash.digest('hex');
}
