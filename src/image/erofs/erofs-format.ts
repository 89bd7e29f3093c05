import type { InodeKind } from '../layer/index.ts';

/** The on-disk format of EROFS, as far as we write it: Linux, `fs/erofs/erofs_fs.h`. All little-endian. */
export const blockBytes = 4096;
export const superblockOffset = 1024;
export const magic = 0xe0f5_e1e2;
/** Compatible features: a checksum in the superblock, and times that are modification times. */
export const featureCompat = 0x1 | 0x2;
/** An inode's number is its place in units of this. */
export const slotBytes = 32;
/** An extended inode: compact ones have 16-bit owners and no time of their own. */
export const inodeBytes = 64;
export const direntBytes = 12;
/** Where an inode's data lies: all in blocks, or its last part behind the inode. */
export const flatPlain = 0;
export const flatInline = 2;

/** `S_IFMT` bits and the type in a directory entry (`include/linux/fs_types.h`). */
export const kindBits: Readonly<Record<InodeKind, { readonly mode: number; readonly dirent: number }>> = {
  file: { mode: 0o100000, dirent: 1 },
  folder: { mode: 0o040000, dirent: 2 },
  character: { mode: 0o020000, dirent: 3 },
  block: { mode: 0o060000, dirent: 4 },
  fifo: { mode: 0o010000, dirent: 5 },
  socket: { mode: 0o140000, dirent: 6 },
  symlink: { mode: 0o120000, dirent: 7 },
};
