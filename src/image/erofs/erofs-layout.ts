import { HyperError } from '../../lib/errors.ts';
import { blockBytes, inodeBytes } from './erofs-format.ts';
import { planFolder, type FolderPlan } from './erofs-folder.ts';
import { encodeXattrs } from './erofs-xattrs.ts';
import type { Folder, Leaf } from './image-tree.ts';

/** Where an inode and what it holds lie in the metadata. */
export interface PlacedInode {
  readonly inode: Leaf | Folder;
  /** Byte offset of the inode. */
  readonly offset: number;
  readonly xattrs: Buffer;
  readonly size: number;
  /** How much of the content stands behind the inode (its last part) and how much in blocks of the metadata. */
  readonly inlineBytes: number;
  readonly blockCount: number;
  /** The first of those blocks. */
  firstBlock: number;
  links: number;
  readonly folder?: FolderPlan;
}

export interface ErofsLayout {
  /** In the order in which they lie; the root is the first. */
  readonly inodes: readonly PlacedInode[];
  readonly placeOf: (inode: Leaf | Folder) => PlacedInode;
  /** Blocks of the metadata: the superblock's, the inodes', and those of folders and long symlinks. */
  readonly blocks: number;
}

/** Gives every inode its place: the superblock's block, then inodes parents first, then whole blocks of folders. */
export function layOut(root: Folder): ErofsLayout {
  const placed = new Map<Leaf | Folder, PlacedInode>();
  let end = blockBytes;
  const place = (inode: Leaf | Folder, parent: Folder): void => {
    const known = placed.get(inode);
    if (known !== undefined) {
      known.links++;
      return;
    }
    const next = placeInode(inode, parent, end);
    end = next.offset + inodeBytes + next.xattrs.length + next.inlineBytes;
    placed.set(inode, next);
  };
  place(root, root);
  const pending = [root];
  for (let folder = pending.pop(); folder !== undefined; folder = pending.pop()) {
    for (const { inode } of folder.children.values()) {
      place(inode, folder);
      if (inode.isFolder) pending.push(inode);
    }
  }
  const inodes = [...placed.values()];
  let block = Math.ceil(end / blockBytes);
  for (const inode of inodes) {
    inode.firstBlock = block;
    block += inode.blockCount;
  }
  const placeOf = (inode: Leaf | Folder): PlacedInode => {
    const place = placed.get(inode);
    if (place === undefined) throw new HyperError('internal', 'an inode was not laid out');
    return place;
  };
  return { inodes, placeOf, blocks: block };
}

function placeInode(inode: Leaf | Folder, parent: Folder, end: number): PlacedInode {
  const xattrs = encodeXattrs(inode.attributes.kind, inode.attributes.xattrs);
  const folder = inode.isFolder ? planFolder(inode, parent) : undefined;
  const isSymlink = inode.attributes.kind === 'symlink';
  const size = folder?.size ?? (isSymlink ? inode.attributes.link.length : inode.attributes.size);
  // A file's content is in its layer's blob: nothing of it is here.
  const content = folder !== undefined || isSymlink ? size : 0;
  // Inode, xattrs and the last part of the content share one block, or the kernel takes the image for corrupt.
  const tail = content % blockBytes;
  const fits = inodeBytes + xattrs.length + tail <= blockBytes;
  const inlineBytes = fits ? tail : 0;
  return {
    inode,
    offset: placeAfter(end, inlineBytes === 0 ? inodeBytes : inodeBytes + xattrs.length + inlineBytes),
    xattrs,
    size,
    inlineBytes,
    blockCount: Math.ceil((content - inlineBytes) / blockBytes),
    firstBlock: 0,
    links: inode.isFolder ? 2 + countFolders(inode) : 1,
    ...(folder === undefined ? {} : { folder }),
  };
}

/** The next place, aligned to an inode's size so that none crosses a block, where `bytes` stay within one block. */
function placeAfter(end: number, bytes: number): number {
  const start = Math.ceil(end / inodeBytes) * inodeBytes;
  const left = blockBytes - (start % blockBytes);
  return bytes <= left ? start : start + left;
}

function countFolders(folder: Folder): number {
  let count = 0;
  for (const { inode } of folder.children.values()) if (inode.isFolder) count++;
  return count;
}
