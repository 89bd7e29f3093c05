import { posix } from 'node:path';
import { ApiFailure, type HyperClient } from '../../client/index.ts';
import type { PathStat } from '../../contract/index.ts';
import { UsageError } from '../usage-error.ts';
import type { CopyTarget } from './plan-copy.ts';

const mostLinks = 10;

interface ContainerPlace {
  readonly container: string;
  readonly path: string;
}

/** Go's os.FileMode, as Docker's API has it. */
export const isFolder = ({ mode }: PathStat): boolean => (mode & 0x8000_0000) !== 0;
const isLink = ({ mode }: PathStat): boolean => (mode & 0x0800_0000) !== 0;
const isDevice = ({ mode }: PathStat): boolean => (mode & 0x0400_0000) !== 0;

/** What is to be copied: with `followLink`, what a symlink leads to, under its own name. */
export async function containerSource(
  client: HyperClient,
  { container, path }: ContainerPlace,
  followLink: boolean,
  signal: AbortSignal,
): Promise<{ readonly path: string; readonly name?: string }> {
  if (!followLink || /\/\.?$/.test(path)) return { path };
  let at = path;
  for (let links = 0; links <= mostLinks; links++) {
    const stat = await client.podArchiveStat(container, at, { signal });
    if (!isLink(stat)) return at === path ? { path } : { path: at, name: posix.basename(path) };
    at = linkTarget(at, stat);
  }
  throw new UsageError(`too many symlinks: ${container}:${path}`);
}

/** Where it is to go: a symlink at its end is followed, also to what is not there yet. */
export async function containerTarget(
  client: HyperClient,
  { container, path }: ContainerPlace,
  signal: AbortSignal,
): Promise<CopyTarget> {
  let at = path;
  for (let links = 0; links <= mostLinks; links++) {
    let stat: PathStat;
    try {
      stat = await client.podArchiveStat(container, at, { signal });
    } catch (error) {
      // `x/` of a file, or below what is not there: the copy itself says what is wrong.
      if (!(error instanceof ApiFailure) || error.code !== 'not_found' || /^no such pod/.test(error.message))
        throw error;
      return { path: at, found: 'nothing' };
    }
    if (isDevice(stat))
      throw new UsageError(`${container}:${path} is a device: copy into a folder, or to another name`);
    if (!isLink(stat)) return { path: at, found: isFolder(stat) ? 'folder' : 'other' };
    at = linkTarget(at, stat);
  }
  throw new UsageError(`too many symlinks: ${container}:${path}`);
}

function linkTarget(path: string, stat: PathStat): string {
  return posix.resolve(posix.dirname(posix.resolve('/', path)), stat.linkTarget);
}
