import { lstatSync, readlinkSync, realpathSync, type Stats, statSync } from 'node:fs';
import { basename, dirname, resolve } from 'node:path';
import { messageOf, systemCode } from '../../lib/errors.ts';
import { UsageError } from '../usage-error.ts';
import type { CopySource, CopyTarget } from './plan-copy.ts';

const mostLinks = 10;

/** What is to be copied; `real` is where it is: its last part a symlink only where it is one that is copied itself. */
export function localSource(path: string, followLink: boolean): CopySource & { readonly real: string } {
  const base = basename(path);
  const contents = base === '.' || base === '..' || path.endsWith('/.');
  const assertsFolder = contents || path.endsWith('/');
  const stats = look(path, assertsFolder || followLink);
  if (assertsFolder && !stats.isDirectory()) throw new UsageError(`not a directory: ${path}`);
  const absolute = resolve(path);
  const real = assertsFolder || followLink ? realpathSync(path) : resolve(realpathSync(dirname(absolute)), base);
  const name = base === '.' || (contents && base !== '..') ? '.' : basename(absolute);
  return { path, real, isFolder: stats.isDirectory(), name: name === '' ? '.' : name };
}

/** Where it is to go: a symlink at its end is followed, also to what is not there yet. */
export function localTarget(path: string): CopyTarget {
  let at = path;
  for (let links = 0; links <= mostLinks; links++) {
    const stats = lstatSync(at, { throwIfNoEntry: false });
    if (stats === undefined) {
      const parent = dirname(resolve(at));
      if (!look(parent, true).isDirectory()) throw new UsageError(`not a directory: ${parent}`);
      return { path: at, found: 'nothing' };
    }
    if (!stats.isSymbolicLink()) return { path: at, found: stats.isDirectory() ? 'folder' : 'other' };
    at = resolve(dirname(resolve(at)), readlinkSync(at));
  }
  throw new UsageError(`too many symlinks: ${path}`);
}

function look(path: string, follow: boolean): Stats {
  try {
    return follow ? statSync(path) : lstatSync(path);
  } catch (error) {
    const why = systemCode(error) === 'ENOENT' ? 'no such file or directory' : messageOf(error);
    throw new UsageError(`${path}: ${why}`, { cause: error });
  }
}
