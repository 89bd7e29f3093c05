import { mkdir, stat } from 'node:fs/promises';
import { dirname } from 'node:path';
import { systemCode } from './errors.ts';

/**
 * Makes a folder and those above it, where they are missing; one that is there stays as it is. Node's own recursive mkdir
 * tries for ever below /proc, which says of what cannot be made there that it does not exist.
 *
 * @param mode of those that are made
 */
export async function makeFolders(path: string, mode = 0o777): Promise<void> {
  if (await isMade(path, mode, dirname(path) !== path)) return;
  await makeFolders(dirname(path), mode);
  await isMade(path, mode, false);
}

/** False: what is above it is missing, and may be. */
async function isMade(path: string, mode: number, mayLackParent: boolean): Promise<boolean> {
  try {
    await mkdir(path, { mode });
    return true;
  } catch (error) {
    const code = systemCode(error);
    if (mayLackParent && code === 'ENOENT') return false;
    if (code === 'EEXIST' && (await stat(path)).isDirectory()) return true;
    throw error;
  }
}
