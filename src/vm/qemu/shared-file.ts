import { type FileHandle, open } from 'node:fs/promises';
import { HyperError } from '../../lib/errors.ts';

/** An open file that stays usable without a name: who needs it opens it anew, so that it may go meanwhile. */
export class SharedFile implements AsyncDisposable {
  readonly #handle: FileHandle;
  /** Those who open it: until then its number must not become another file's. */
  readonly #opening = new Set<Promise<FileHandle>>();
  #gone = false;

  /** @param handle is closed with it */
  constructor(handle: FileHandle) {
    this.#handle = handle;
  }

  /** For reading, the caller's own. @throws HyperError `not_found` when it has gone */
  async open(): Promise<FileHandle> {
    if (this.#gone) throw new HyperError('not_found', 'the template was let go');
    const opening = open(`/proc/self/fd/${this.#handle.fd}`);
    this.#opening.add(opening);
    try {
      return await opening;
    } finally {
      this.#opening.delete(opening);
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#gone) return;
    this.#gone = true;
    await Promise.allSettled(this.#opening);
    await this.#handle.close();
  }
}
