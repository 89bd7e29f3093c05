import { chmod, chown, mkdir, rename, rm, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { fullDisk, messageOf, systemCode } from '../lib/errors.ts';
import { newNameSuffix } from '../lib/ids.ts';
import { runCommand } from '../lib/run-command.ts';
import type { QemuUser } from './qemu/jail.ts';

/**
 * Makes scratch disks: the ext4 file systems of writable layers, sparse files of a fixed size. A formatted one of each
 * size is kept and copied, by reflink where the file system can, else without its holes.
 */
export class ScratchDisks {
  readonly #folder: string;
  readonly #making = new Map<number, Promise<string>>();

  /** `folder` keeps the formatted originals. */
  constructor(folder: string) {
    this.#folder = folder;
  }

  /** Makes a fresh disk of `sizeMiB` that is `owner`'s. It appears at `path` when it is whole. */
  async create(path: string, sizeMiB: number, owner: QemuUser): Promise<void> {
    await this.copy(await this.#original(sizeMiB), path, owner);
  }

  /** Makes a disk of another's contents, `owner`'s. It appears at `path` when it is whole. */
  async copy(original: string, path: string, owner: QemuUser): Promise<void> {
    const temporary = `${path}.${newNameSuffix()}.tmp`;
    try {
      await runCommand('cp', ['--sparse=always', '--reflink=auto', original, temporary], { timeoutMs: 120_000 });
      await chmod(temporary, 0o600);
      await chown(temporary, owner.uid, owner.gid);
      await rename(temporary, path);
    } catch (error) {
      await rm(temporary, { force: true });
      if (messageOf(error).includes('No space left')) {
        throw fullDisk(error, dirname(path));
      }
      throw error;
    }
  }

  #original(sizeMiB: number): Promise<string> {
    const making = this.#making.get(sizeMiB);
    if (making !== undefined) return making;
    const made = this.#make(sizeMiB);
    this.#making.set(sizeMiB, made);
    made.catch(() => this.#making.delete(sizeMiB)); // the caller hears of it; the next one tries again
    return made;
  }

  async #make(sizeMiB: number): Promise<string> {
    const path = join(this.#folder, `scratch-${sizeMiB}.ext4`);
    try {
      await stat(path);
      return path;
    } catch (error) {
      if (systemCode(error) !== 'ENOENT') throw error;
    }
    await mkdir(this.#folder, { recursive: true });
    const temporary = `${path}.${newNameSuffix()}.tmp`;
    try {
      // Inode tables stay unwritten (the guest mounts with noinit_itable); a small journal so that a VM's death harms nothing.
      const options = ['-q', '-F', '-t', 'ext4', '-m', '0', '-J', 'size=8', '-E', 'lazy_itable_init=1,nodiscard'];
      await runCommand('mke2fs', [...options, '-L', 'scratch', temporary, `${sizeMiB}M`], {
        env: { ...process.env, PATH: `${process.env['PATH'] ?? ''}:/usr/sbin:/sbin` },
      });
      await rename(temporary, path);
    } finally {
      await rm(temporary, { force: true });
    }
    return path;
  }
}
