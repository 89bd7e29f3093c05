import { byteString, joinBytes, quoteBytes, sliceBytes, type ByteString } from '../../lib/byte-string.ts';
import { corrupt } from './corrupt.ts';
import { entryPath, hardLinkPath } from './entry-path.ts';
import type { TarEntry, Xattr } from '../../lib/tar/tar-entry.ts';

/** What a file system has as inodes. */
export type InodeKind = 'file' | 'folder' | 'symlink' | 'character' | 'block' | 'fifo' | 'socket';

/** What a layer has besides: a further name for an inode, and two ways to hide what lies below (OCI image spec, layer.md). */
export type LayerEntryKind = InodeKind | 'hardlink' | 'whiteout' | 'opaque';

/** One entry of a layer's index. */
export interface LayerEntry {
  readonly kind: LayerEntryKind;
  /** Below the root, `a/b`; the root itself is empty. Of a whiteout: what it hides; of `opaque`: the folder. */
  readonly path: ByteString;
  /** A symlink's target as it stands, or a hard link's target as a path below the root. */
  readonly link: ByteString;
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  readonly mtimeSeconds: number;
  readonly mtimeNanoseconds: number;
  readonly size: number;
  /** Where a file's content starts in the layer's data blob: a multiple of 4096. */
  readonly dataOffset: number;
  readonly major: number;
  readonly minor: number;
  readonly xattrs: readonly Xattr[];
}

const whiteoutPrefix = '.wh.';
const opaqueName = '.wh..wh..opq';
const reservedPrefix = '.wh..wh.';

/**
 * What a tar entry means for an image; undefined for AUFS' own bookkeeping (`.wh..wh.plnk`), which Docker skips too.
 * A character device 0/0 is a whiteout: to the overlay that the guest mounts it would be one.
 */
export function layerEntry(entry: TarEntry, dataOffset: number): LayerEntry | undefined {
  const path = entryPath(entry.name);
  const slash = path.lastIndexOf('/');
  const parent = sliceBytes(path, 0, Math.max(slash, 0));
  const name = sliceBytes(path, slash + 1);
  if (path === '' && entry.kind !== 'folder') throw corrupt('the root is not a folder');
  if (name === opaqueName) return hiding('opaque', parent);
  if (path.startsWith(reservedPrefix) || path.includes(`/${reservedPrefix}`)) return undefined;
  if (name.startsWith(whiteoutPrefix)) {
    const hidden = sliceBytes(name, whiteoutPrefix.length);
    if (hidden === '' || hidden === '.' || hidden === '..') throw corrupt(`bad whiteout ${quoteBytes(path)}`);
    return hiding('whiteout', parent === '' ? hidden : joinBytes([parent, hidden], '/'));
  }
  if (entry.kind === 'character' && entry.major === 0 && entry.minor === 0) return hiding('whiteout', path);
  return {
    kind: entry.kind,
    path,
    link: linkOf(entry),
    mode: entry.mode,
    uid: entry.uid,
    gid: entry.gid,
    mtimeSeconds: entry.mtimeSeconds,
    mtimeNanoseconds: entry.mtimeNanoseconds,
    size: entry.size,
    dataOffset,
    major: entry.major,
    minor: entry.minor,
    xattrs: entry.kind === 'hardlink' ? [] : entry.xattrs,
  };
}

function linkOf({ kind, name, linkName }: TarEntry): ByteString {
  if (kind === 'hardlink') return hardLinkPath(linkName);
  if (kind === 'symlink' && (linkName.length === 0 || linkName.length > 4095 || linkName.includes('\0'))) {
    throw corrupt(`bad target of the symbolic link ${quoteBytes(name)}`);
  }
  return linkName;
}

const nothing = byteString('');

function hiding(kind: 'whiteout' | 'opaque', path: ByteString): LayerEntry {
  return {
    kind,
    path,
    link: nothing,
    mode: 0,
    uid: 0,
    gid: 0,
    mtimeSeconds: 0,
    mtimeNanoseconds: 0,
    size: 0,
    dataOffset: 0,
    major: 0,
    minor: 0,
    xattrs: [],
  };
}
