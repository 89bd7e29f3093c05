import { randomBytes } from 'node:crypto';
import { chmod, chown, mkdir, open, readdir, readFile, rename, rm, stat, utimes, writeFile } from 'node:fs/promises';
import type { FileHandle } from 'node:fs/promises';
import { join } from 'node:path';
import { crc32 } from 'node:zlib';
import { z } from 'zod';
import { HyperError, messageOf } from '../../lib/errors.ts';
import type { Log } from '../../lib/log.ts';
import { runCommand } from '../../lib/run-command.ts';
import type { TemplateDescription } from '../hypervisor.ts';
import type { QemuUser } from './jail.ts';
import { sealedCopy } from './memory-copy.ts';
import { SharedFile } from './shared-file.ts';

export interface TemplateStoreOptions {
  readonly folder: string;
  /** Templates of all shapes may have this much on disk; the least recently used go first. */
  readonly maxBytes: number;
  readonly user: QemuUser;
  readonly log: Log;
}

/** A template that clones can start from. */
export interface Template {
  readonly id: string;
  readonly memory: SharedFile;
  readonly statePath: string;
}

/** The files of a template that is being made. */
export interface TemplateDraft {
  /** Open for reading and writing, QEMU's user's. */
  readonly memory: FileHandle;
  readonly statePath: string;
}

const Manifest = z.object({
  machine: z.string(),
  shape: z.object({ vcpus: z.number(), memoryMiB: z.number(), nic: z.boolean() }),
  createdAt: z.string(),
  memory: z.object({ bytes: z.number(), crc32: z.number() }),
  state: z.object({ bytes: z.number(), crc32: z.number() }),
});
type Manifest = z.infer<typeof Manifest>;

const idPattern = /^[0-9a-f]{16}$/;
const chunkBytes = 1 << 20;

/**
 * Templates on disk, a folder each: `memory`, `state`, and `template.json` with their checksums. A folder appears by one
 * rename when it is whole, and is never written again. What hyperd has opened stays usable when it is removed.
 */
export class TemplateStore {
  readonly #options: TemplateStoreOptions;
  readonly #opened = new Map<string, Promise<Template | undefined>>();

  private constructor(options: TemplateStoreOptions) {
    this.#options = options;
  }

  /** Only hyperd enters the folder: QEMU gets descriptors. A hyperd that was killed may have left drafts. */
  static async open(options: TemplateStoreOptions): Promise<TemplateStore> {
    await mkdir(options.folder, { recursive: true, mode: 0o700 });
    for (const name of await readdir(options.folder)) {
      if (!idPattern.test(name)) await rm(join(options.folder, name), { recursive: true, force: true });
    }
    return new TemplateStore(options);
  }

  async list(): Promise<readonly TemplateDescription[]> {
    const all = await Promise.all((await this.#ids()).map((id) => this.#describe(id)));
    return all.filter((each) => each !== undefined).sort((a, b) => a.createdAt.localeCompare(b.createdAt));
  }

  /**
   * A template, its files read and compared with their checksums when it is used for the first time. One that is damaged
   * is thrown away; `sealed` puts its memory where no one can write it.
   */
  async find(id: string, sealed: boolean): Promise<Template | undefined> {
    const opening = this.#opened.get(id) ?? this.#open(id, sealed);
    this.#opened.set(id, opening);
    try {
      const template = await opening;
      if (template === undefined && this.#opened.get(id) === opening) this.#opened.delete(id);
      return template;
    } catch (error) {
      // Of those who waited for it one throws it away, if it is the template's fault.
      if (this.#opened.get(id) !== opening) return undefined;
      this.#opened.delete(id);
      if (error instanceof HyperError && error.code === 'corrupt') await this.discard(id, error.message);
      else this.#options.log.warn({ template: id, error: messageOf(error) }, 'a template cannot be used now');
      return undefined;
    }
  }

  /** Makes a template: `fill` writes its files. It takes the place of the one with this id. */
  async add(
    id: string,
    facts: Pick<Manifest, 'machine' | 'shape'>,
    fill: (draft: TemplateDraft) => Promise<void>,
  ): Promise<TemplateDescription> {
    const { folder, user } = this.#options;
    const draft = join(folder, `draft-${randomBytes(8).toString('hex')}`);
    await mkdir(draft, { mode: 0o700 });
    try {
      const [memoryPath, statePath] = [join(draft, 'memory'), join(draft, 'state')];
      const memory = await open(memoryPath, 'wx+', 0o600);
      try {
        await memory.truncate(facts.shape.memoryMiB << 20);
        await memory.chown(user.uid, user.gid);
        await fill({ memory, statePath });
      } finally {
        await memory.close();
      }
      await this.#digHoles(memoryPath);
      await chown(memoryPath, process.getuid?.() ?? 0, process.getgid?.() ?? 0);
      await chmod(memoryPath, 0o444); // for those who are given a descriptor
      const manifest: Manifest = {
        ...facts,
        createdAt: new Date().toISOString(),
        memory: await checksum(memoryPath),
        state: await checksum(statePath),
      };
      await writeFile(join(draft, 'template.json'), `${JSON.stringify(manifest)}\n`);
      await this.#forget(id);
      await rm(join(folder, id), { recursive: true, force: true });
      await rename(draft, join(folder, id));
    } finally {
      await rm(draft, { recursive: true, force: true });
    }
    await this.#keepBound(id);
    const description = await this.#describe(id);
    if (description === undefined) throw new HyperError('internal', `template ${id} has gone at once`);
    return description;
  }

  /** @throws HyperError `not_found` */
  async remove(id: string): Promise<void> {
    if (!(await this.#ids()).includes(id)) throw new HyperError('not_found', `no such template: ${id}`);
    await this.#remove(id);
  }

  /** Throws a template away of which no clone starts, unless another has taken its place meanwhile. */
  async reject(template: Template, reason: string): Promise<void> {
    if ((await this.#opened.get(template.id)) === template) await this.discard(template.id, reason);
  }

  /** Throws a template away that is of no use. */
  async discard(id: string, reason: string): Promise<void> {
    this.#options.log.warn({ template: id, reason }, 'a template is thrown away: VMs boot until it is made again');
    await this.#remove(id);
  }

  /** Throws away what was made for another machine: QEMU, kernel, initramfs, accelerator or command line have changed. */
  async keepOnly(machine: string): Promise<void> {
    for (const id of await this.#ids()) {
      const manifest = await this.#manifest(id).catch(() => undefined);
      if (manifest?.machine === machine) continue;
      this.#options.log.info({ template: id }, 'a template of another QEMU, kernel or machine is removed');
      await this.#remove(id);
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const id of [...this.#opened.keys()]) await this.#forget(id);
  }

  /** Gives the space of what is all zeros back; not every file system can. */
  async #digHoles(path: string): Promise<void> {
    try {
      await runCommand('fallocate', ['--dig-holes', path]);
    } catch (error) {
      this.#options.log.info({ path, reason: messageOf(error) }, 'a template’s memory has no holes');
    }
  }

  async #open(id: string, sealed: boolean): Promise<Template | undefined> {
    if (!(await this.#ids()).includes(id)) return undefined;
    const folder = join(this.#options.folder, id);
    const manifest = await this.#manifest(id);
    const statePath = join(folder, 'state');
    for (const [path, expected] of [
      [join(folder, 'memory'), manifest.memory],
      [statePath, manifest.state],
    ] as const) {
      const found = await checksum(path);
      if (found.bytes === expected.bytes && found.crc32 === expected.crc32) continue;
      throw new HyperError('corrupt', `${path} is damaged: its checksum is another`);
    }
    const now = new Date();
    await utimes(folder, now, now);
    const memory = await open(join(folder, 'memory'));
    if (!sealed) return { id, memory: new SharedFile(memory), statePath };
    try {
      return { id, memory: new SharedFile(await sealedCopy(memory)), statePath };
    } finally {
      await memory.close();
    }
  }

  async #ids(): Promise<string[]> {
    return (await readdir(this.#options.folder)).filter((name) => idPattern.test(name));
  }

  async #manifest(id: string): Promise<Manifest> {
    const path = join(this.#options.folder, id, 'template.json');
    const text = await readFile(path, 'utf8');
    try {
      return Manifest.parse(JSON.parse(text));
    } catch (error) {
      throw new HyperError('corrupt', `${path} is damaged: ${messageOf(error)}`, { cause: error });
    }
  }

  async #describe(id: string): Promise<TemplateDescription | undefined> {
    try {
      const { shape, createdAt } = await this.#manifest(id);
      return { id, shape, createdAt, bytes: await this.#bytes(id) };
    } catch {
      return undefined; // damaged, or removed meanwhile: its next use tells
    }
  }

  /** What it has on disk; its memory has holes. */
  async #bytes(id: string): Promise<number> {
    const files = ['memory', 'state'].map((name) => stat(join(this.#options.folder, id, name)));
    return (await Promise.all(files)).reduce((sum, { blocks }) => sum + blocks * 512, 0);
  }

  async #keepBound(latest: string): Promise<void> {
    const used = await Promise.all(
      (await this.#ids()).map(async (id) => {
        const { mtimeMs } = await stat(join(this.#options.folder, id));
        return { id, at: id === latest ? Infinity : mtimeMs, bytes: await this.#bytes(id).catch(() => 0) };
      }),
    );
    let total = 0;
    for (const { id, bytes, at } of used.sort((a, b) => b.at - a.at)) {
      total += bytes;
      if (total <= this.#options.maxBytes || at === Infinity) continue;
      this.#options.log.info({ template: id }, 'a template is removed: templates have all the space that is theirs');
      await this.#remove(id);
    }
  }

  async #remove(id: string): Promise<void> {
    await this.#forget(id);
    await rm(join(this.#options.folder, id), { recursive: true, force: true });
  }

  async #forget(id: string): Promise<void> {
    const opened = this.#opened.get(id);
    this.#opened.delete(id);
    const template = await opened?.catch(() => undefined); // who opens it hears of the failure
    await template?.memory[Symbol.asyncDispose]();
  }
}

async function checksum(path: string): Promise<{ readonly bytes: number; readonly crc32: number }> {
  await using file = await open(path);
  const chunk = Buffer.allocUnsafe(chunkBytes);
  let [bytes, sum] = [0, 0];
  for (;;) {
    const { bytesRead } = await file.read(chunk, 0, chunkBytes, bytes);
    if (bytesRead === 0) return { bytes, crc32: sum };
    sum = crc32(chunk.subarray(0, bytesRead), sum);
    bytes += bytesRead;
  }
}
