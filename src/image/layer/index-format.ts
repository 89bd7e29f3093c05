import type { LayerEntryKind } from './layer-entry.ts';

/**
 * A layer's index on disk, little-endian. A header:
 *
 *     0 magic · 8 u32 version · 12 u32 CRC-32 of the records · 16 u32 entries · 24 f64 size of the data blob
 *
 * then a record for each entry, in the order of the tar (numbers beyond 32 bits are doubles: exact to 2^53, which is the limit
 * everywhere here):
 *
 *     0 u32 length of the record · 4 u8 kind · 6 u16 mode · 8 u32 uid · 12 u32 gid · 16 f64 mtime · 24 u32 nanoseconds
 *     28 u16 length of path · 30 u16 of link · 32 f64 size · 40 f64 offset of the data · 48 u32 major · 52 u32 minor
 *     56 u16 number of xattrs · 60 path, link, and for each xattr u16 length of name, u16 of value, name, value
 *
 * Change the version with the format: the store then converts its layers anew.
 */
export const indexMagic = Buffer.from('HYLINDEX');
export const indexVersion = 1;
export const headerBytes = 32;
export const recordBytes = 60;

/** A kind is stored as its place in this list. */
export const storedKinds: readonly LayerEntryKind[] = [
  'file',
  'folder',
  'symlink',
  'hardlink',
  'character',
  'block',
  'fifo',
  'socket',
  'whiteout',
  'opaque',
];
