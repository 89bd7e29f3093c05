import { chmod, mkdir, mkdtemp, readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';

/** A folder that goes, with all in it, when its scope ends. */
export interface TemporaryFolder extends AsyncDisposable {
  readonly path: string;
}

/** Where downloads and conversions happen: on the store's own file system, so that a rename makes them visible. */
export class TemporaryFolders {
  readonly #root: string;

  private constructor(root: string) {
    this.#root = root;
  }

  /** Sweeps what a process that died has left. */
  static async open(root: string): Promise<TemporaryFolders> {
    await mkdir(root, { recursive: true });
    for (const name of await readdir(root)) await rm(join(root, name), { recursive: true, force: true });
    return new TemporaryFolders(root);
  }

  async make(): Promise<TemporaryFolder> {
    const path = await mkdtemp(join(this.#root, 'work-'));
    await chmod(path, 0o711); // what is kept of it is renamed, and the hypervisor's user passes through to the disks
    return { path, [Symbol.asyncDispose]: () => rm(path, { recursive: true, force: true }) };
  }
}
