import { posix } from 'node:path';
import { UsageError } from '../usage-error.ts';

export interface CopySource {
  /** As its user wrote it. */
  readonly path: string;
  readonly isFolder: boolean;
  /** `.` where only what is in a folder is copied: the path ends with `/.`. */
  readonly name: string;
}

export interface CopyTarget {
  readonly path: string;
  /** What is there, symlinks followed. */
  readonly found: 'folder' | 'other' | 'nothing';
}

export interface CopyPlan {
  /** A folder that is there, or shows that it is not when it is used. */
  readonly folder: string;
  /** What the copy is called in it; `.`: the folder itself is what is copied into. */
  readonly name: string;
}

/**
 * Where a copy goes, by docker's rules: into a folder that is there, else in the place of the target's own name.
 *
 * @throws UsageError where a folder would replace a file, or a file is to become a folder that is not there
 */
export function planCopy(source: CopySource, target: CopyTarget): CopyPlan {
  if (target.found === 'folder') return { folder: target.path, name: source.name };
  if (target.found === 'other' && source.isFolder) {
    throw new UsageError(`cannot copy a directory over a file: ${source.path} is a directory, ${target.path} is none`);
  }
  const assertsFolder = /(^|\/)\.?$/.test(target.path);
  if (!source.isFolder && assertsFolder && target.found === 'nothing') {
    throw new UsageError(`no such directory: ${target.path}: make it first, or leave the slash at its end out`);
  }
  if (target.found === 'other' && assertsFolder) throw new UsageError(`not a directory: ${target.path}`);
  const path = posix.normalize(target.path).replace(/(?<=.)\/+$/, '');
  return { folder: posix.dirname(path), name: posix.basename(path) };
}
