import type { Tree, TreeEntry } from './read-tree.ts';

export interface CompareOptions {
  /** What not to look at, because a judge does not keep it. */
  readonly ignore?: readonly (keyof TreeEntry)[];
  /** The permission bits that count; all twelve by default. */
  readonly modeBits?: number;
  /** Paths whose times are not compared: parents that an archive left out are made at the time of unpacking. */
  readonly timeless?: readonly string[];
}

const fields = ['type', 'mode', 'uid', 'gid', 'mtime', 'size', 'nlink', 'rdev', 'link', 'hash'] as const;

/**
 * The differences between two trees, in words; none when they are the same. Compares every path: type, mode, owners, time, size,
 * device, link target, content, xattrs, number of links (not of folders), and which files are one.
 */
export function compareTrees(actual: Tree, expected: Tree, options: CompareOptions = {}): string[] {
  const differences: string[] = [];
  const ignored = new Set<keyof TreeEntry>(options.ignore ?? []);
  const twins = new Map<string, string>();
  for (const [path, wanted] of expected) {
    const found = actual.get(path);
    const say = (what: string): number => differences.push(`${JSON.stringify(path)}: ${what}`);
    if (found === undefined) {
      say('is missing');
      continue;
    }
    const isFolder = wanted.type === 0o040000;
    for (const field of fields) {
      if (ignored.has(field) || (field === 'nlink' && isFolder)) continue;
      if (field === 'mtime' && options.timeless?.includes(path) === true) continue;
      if (field === 'mode' && ((found.mode ^ wanted.mode) & (options.modeBits ?? 0o7777)) === 0) continue;
      if (found[field] !== wanted[field]) say(`${field} is ${found[field]}, should be ${wanted[field]}`);
    }
    if (!ignored.has('xattrs') && JSON.stringify(found.xattrs) !== JSON.stringify(wanted.xattrs)) {
      say(`xattrs are ${JSON.stringify(found.xattrs)}, should be ${JSON.stringify(wanted.xattrs)}`);
    }
    if (ignored.has('inode') || isFolder) continue;
    const twin = twins.get(wanted.inode) ?? found.inode;
    twins.set(wanted.inode, twin);
    if (twin !== found.inode) say('is not the same file as its other names');
  }
  for (const path of actual.keys())
    if (!expected.has(path)) differences.push(`${JSON.stringify(path)}: should not be there`);
  return differences;
}
