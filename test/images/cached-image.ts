import { mkdir, mkdtemp, rename, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** Git-ignored; shared by all tests. */
const cache = fileURLToPath(new URL('../../.cache/images/', import.meta.url));

/**
 * The path of something that takes long to make, made at most once: `make` gets a path to make it at, and a folder for scraps.
 * Two processes may make it at once: the first one's stays.
 */
export async function cached(name: string, make: (path: string, scraps: string) => Promise<void>): Promise<string> {
  const path = join(cache, name);
  if (await exists(path)) return path;
  await mkdir(cache, { recursive: true });
  const scraps = await mkdtemp(join(cache, `${name}.making-`));
  try {
    const made = join(scraps, 'made');
    await make(made, scraps);
    if (!(await exists(path))) await rename(made, path);
    return path;
  } finally {
    await rm(scraps, { recursive: true, force: true });
  }
}

async function exists(path: string): Promise<boolean> {
  return stat(path).then(
    () => true,
    () => false,
  );
}
