import { type FileHandle, open, rm } from 'node:fs/promises';
import { HyperError } from '../../lib/errors.ts';
import type { PreparedTemplate } from '../hypervisor.ts';
import { sealedCopy } from './memory-copy.ts';
import type { Template } from './template-store.ts';

/** A guest that was frozen a second time: its memory is a sealed memfd, what its devices know a file. */
export class QemuPreparedTemplate implements PreparedTemplate {
  readonly statePath: string;
  /** What it was made of: when that one is no more, or another, this one is of no use. */
  readonly base: Template;
  readonly bytes: number;
  readonly #memory: FileHandle;
  /** Those who open it: until then its number must not become another file's. */
  readonly #opening = new Set<Promise<FileHandle>>();
  #gone = false;

  private constructor(base: Template, statePath: string, memory: FileHandle, bytes: number) {
    this.base = base;
    this.statePath = statePath;
    this.#memory = memory;
    this.bytes = bytes;
  }

  /** Takes a copy of the memory, which nobody may write any more. */
  static async make(base: Template, statePath: string, written: FileHandle): Promise<QemuPreparedTemplate> {
    const memory = await sealedCopy(written);
    try {
      const { blocks } = await memory.stat();
      return new QemuPreparedTemplate(base, statePath, memory, blocks * 512);
    } catch (error) {
      await memory.close();
      throw error;
    }
  }

  /** The caller's own: it outlives this. @throws HyperError `not_found` when it has gone */
  async openMemory(): Promise<FileHandle> {
    if (this.#gone) throw new HyperError('not_found', 'the prepared template was let go');
    const opening = open(`/proc/self/fd/${this.#memory.fd}`, 'r+'); // QEMU before 8.2 opens it for writing
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
    await this.#memory.close();
    await rm(this.statePath, { force: true });
  }
}
