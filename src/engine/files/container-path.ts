import { posix } from 'node:path';
import { HyperError } from '../../lib/errors.ts';

/** A path in a container, as a folder and a name in it. */
export interface ContainerPath {
  readonly folder: string;
  /** `.` where the path says that it is a folder: it ends with `/` or `/.`. */
  readonly name: string;
  /** What an archive of it calls it, as Docker does: its own name, or `.` where the path ends with `/.`. */
  readonly as: string;
}

/** Paths begin at the container's root, with a slash or without; `..` is what it says, as in Docker. */
export function parseContainerPath(path: string): ContainerPath {
  if (path === '') throw new HyperError('bad_request', 'path: give a path in the container');
  if (path.includes('\0')) throw new HyperError('bad_request', 'path: it holds a zero byte');
  const clean = posix.resolve('/', path);
  const base = posix.basename(path);
  const contents = base === '.' || base === '..' || clean === '/';
  const isFolder = contents || path.endsWith('/');
  if (!isFolder) return { folder: posix.dirname(clean), name: posix.basename(clean), as: posix.basename(clean) };
  return { folder: clean, name: '.', as: base === '.' || clean === '/' ? '.' : posix.basename(clean) };
}
