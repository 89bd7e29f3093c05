import { execFile } from 'node:child_process';
import { mkdir } from 'node:fs/promises';
import { promisify } from 'node:util';
import { readTree, type Tree } from './read-tree.ts';

const run = promisify(execFile);

/**
 * Extracts an image with erofs-utils into `folder` and fails unless it exits with 0 and says nothing: version 1.5 exits with 0 on
 * a bad checksum, and without extracting it does not follow pointers. It keeps no xattrs and no hard links.
 */
export async function extractWithFsck(image: string, folder: string): Promise<Tree> {
  const { stderr } = await run('fsck.erofs', [`--extract=${folder}`, image]);
  if (stderr !== '') throw new Error(`fsck.erofs: ${stderr}`);
  return readTree(folder);
}

/** Mounts an image with the host's kernel at `folder`, reads all of it and unmounts it. Needs root. */
export async function readWithKernel(image: string, folder: string): Promise<Tree> {
  await mkdir(folder, { recursive: true });
  await run('mount', ['-t', 'erofs', '-o', 'ro,loop', image, folder]);
  try {
    return await readTree(folder);
  } finally {
    await run('umount', [folder]);
  }
}
