import { type FileHandle, rm } from 'node:fs/promises';
import type { PreparedTemplate } from '../hypervisor.ts';
import { sealedCopy } from './memory-copy.ts';
import { SharedFile } from './shared-file.ts';
import type { Template } from './template-store.ts';

/** A guest that was frozen a second time: its memory is a sealed memfd, what its devices know a file. */
export class QemuPreparedTemplate implements PreparedTemplate {
  readonly statePath: string;
  /** What it was made of: when that one is no more, or another, this one is of no use. */
  readonly base: Template;
  readonly bytes: number;
  readonly memory: SharedFile;

  private constructor(base: Template, statePath: string, memory: SharedFile, bytes: number) {
    this.base = base;
    this.statePath = statePath;
    this.memory = memory;
    this.bytes = bytes;
  }

  /** Takes a copy of the memory, which nobody may write any more. */
  static async make(base: Template, statePath: string, written: FileHandle): Promise<QemuPreparedTemplate> {
    const memory = await sealedCopy(written);
    try {
      const { blocks } = await memory.stat();
      return new QemuPreparedTemplate(base, statePath, new SharedFile(memory), blocks * 512);
    } catch (error) {
      await memory.close();
      throw error;
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.memory[Symbol.asyncDispose]();
    await rm(this.statePath, { force: true });
  }
}
