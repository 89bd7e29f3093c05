import { byteString, type ByteString } from '../../lib/byte-string.ts';
import { blockBytes, direntBytes, kindBits } from './erofs-format.ts';
import type { Folder, Leaf } from './image-tree.ts';

interface Dirent {
  readonly name: ByteString;
  readonly inode: Leaf | Folder;
}

/** A folder's entries, dealt out to blocks: names never cross one, and a search goes by the first name of each. */
export interface FolderPlan {
  readonly blocks: readonly (readonly Dirent[])[];
  /** The folder's size: whole blocks, and what is used of the last. */
  readonly size: number;
}

/** Sorts and places a folder's entries, `.` and `..` among them: the kernel searches by the order of bytes. */
export function planFolder(folder: Folder, parent: Folder): FolderPlan {
  const dirents: Dirent[] = [
    { name: byteString('.'), inode: folder },
    { name: byteString('..'), inode: parent },
  ];
  for (const [name, { inode }] of folder.children) dirents.push({ name, inode });
  dirents.sort((a, b) => (a.name < b.name ? -1 : 1));
  const blocks: Dirent[][] = [];
  let block: Dirent[] = [];
  let used = 0;
  for (const dirent of dirents) {
    const needed = direntBytes + dirent.name.length;
    if (used + needed > blockBytes) {
      blocks.push(block);
      block = [];
      used = 0;
    }
    block.push(dirent);
    used += needed;
  }
  blocks.push(block);
  return { blocks, size: (blocks.length - 1) * blockBytes + used };
}

/** The content of a folder, its last block cut to what is used: entries first, then the names they point to. */
export function encodeFolder(plan: FolderPlan, numberOf: (inode: Leaf | Folder) => number): Buffer {
  const content = Buffer.alloc(plan.size);
  for (const [at, block] of plan.blocks.entries()) {
    let entry = at * blockBytes;
    let nameOffset = block.length * direntBytes;
    for (const { name, inode } of block) {
      // A place within the metadata, which is far below 2^32 slots (128 GiB).
      content.writeUInt32LE(numberOf(inode), entry);
      content.writeUInt16LE(nameOffset, entry + 8);
      content.writeUInt8(kindBits[inode.attributes.kind].dirent, entry + 10);
      content.write(name, at * blockBytes + nameOffset, 'latin1');
      entry += direntBytes;
      nameOffset += name.length;
    }
  }
  return content;
}
