import { constants } from 'node:fs';
import { access } from 'node:fs/promises';
import { delimiter, join } from 'node:path';

/** Where a program is by PATH, or undefined. */
export async function findExecutable(name: string, path = process.env['PATH'] ?? ''): Promise<string | undefined> {
  for (const folder of path.split(delimiter)) {
    const file = join(folder === '' ? '.' : folder, name);
    try {
      await access(file, constants.X_OK);
      return file;
    } catch {
      continue; // not in this folder: the next may have it
    }
  }
  return undefined;
}
