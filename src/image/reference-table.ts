import { readFile } from 'node:fs/promises';
import { z } from 'zod';
import type { Digest } from '../lib/digest.ts';
import { isDigest } from '../lib/digest.ts';
import type { Log } from '../lib/log.ts';
import { messageOf, systemCode } from '../lib/errors.ts';
import { writeFileAtomic } from '../lib/write-file-atomic.ts';

const Table = z.object({ version: z.literal(1), references: z.record(z.string(), z.string().refine(isDigest)) });

async function readTable(path: string, log: Log): Promise<ReadonlyMap<string, Digest>> {
  try {
    return new Map(Object.entries(Table.parse(JSON.parse(await readFile(path, 'utf8'))).references));
  } catch (error) {
    // The images stay reachable by id; their names are what a new pull brings back.
    if (systemCode(error) !== 'ENOENT') log.error({ path, error: messageOf(error) }, 'the names of images are lost');
    return new Map();
  }
}

/**
 * Full references (with a tag or a digest, never both) and the images they mean, in one file. Changes must come one after
 * another.
 */
export class ReferenceTable {
  readonly #path: string;
  readonly #log: Log;
  #references: ReadonlyMap<string, Digest>;

  private constructor(path: string, references: ReadonlyMap<string, Digest>, log: Log) {
    this.#path = path;
    this.#log = log;
    this.#references = references;
  }

  static async open(path: string, log: Log): Promise<ReferenceTable> {
    return new ReferenceTable(path, await readTable(path, log), log);
  }

  get(reference: string): Digest | undefined {
    return this.#references.get(reference);
  }

  /** Sorted. */
  of(imageId: Digest): readonly string[] {
    return [...this.#references].flatMap(([reference, id]) => (id === imageId ? [reference] : [])).sort();
  }

  all(): ReadonlyMap<string, Digest> {
    return this.#references;
  }

  async set(references: readonly string[], imageId: Digest): Promise<void> {
    if (references.every((reference) => this.#references.get(reference) === imageId)) return;
    await this.#write(new Map([...this.#references, ...references.map((reference) => [reference, imageId] as const)]));
  }

  async delete(references: readonly string[]): Promise<void> {
    if (references.length === 0) return;
    await this.#write(this.#without(references));
  }

  /** Of images that have gone. A full disk keeps it from being written: the next change is written with it, and `open` finds such. */
  async forget(references: readonly string[]): Promise<void> {
    const left = this.#without(references);
    try {
      if (references.length > 0) await this.#write(left);
    } catch (error) {
      this.#log.warn(
        { path: this.#path, error: messageOf(error) },
        'the names of removed images are still in the file',
      );
      this.#references = left;
    }
  }

  #without(references: readonly string[]): ReadonlyMap<string, Digest> {
    return new Map([...this.#references].filter(([reference]) => !references.includes(reference)));
  }

  async #write(references: ReadonlyMap<string, Digest>): Promise<void> {
    await writeFileAtomic(this.#path, JSON.stringify({ version: 1, references: Object.fromEntries(references) }));
    this.#references = references;
  }
}
