import { rm } from 'node:fs/promises';
import { join } from 'node:path';

/**
 * Removes a folder that is valid by one of its files. That goes first: what is left where we die, or cannot be removed, has no
 * record, and is removed at the next start or when its like is made. A full disk has room for it.
 */
export async function discardFolder(folder: string, recordFile: string): Promise<void> {
  await rm(join(folder, recordFile), { force: true });
  await rm(folder, { recursive: true, force: true }).catch(() => undefined);
}
