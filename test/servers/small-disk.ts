import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import type { TestFolder } from './test-store.ts';
import { makeTestFolder } from './test-store.ts';

const run = promisify(execFile);

/** A file system of so many MiB that goes with its scope. Needs root. */
export async function mountSmallDisk(mebibytes: number): Promise<TestFolder> {
  const folder = await makeTestFolder();
  await run('mount', ['-t', 'tmpfs', '-o', `size=${mebibytes}m`, 'hyper-test', folder.path]);
  return {
    path: folder.path,
    async [Symbol.asyncDispose]() {
      await run('umount', [folder.path]);
      await folder[Symbol.asyncDispose]();
    },
  };
}
