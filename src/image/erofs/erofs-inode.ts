import { blockBytes, flatInline, flatPlain, inodeBytes, kindBits } from './erofs-format.ts';
import type { PlacedInode } from './erofs-layout.ts';
import { xattrCount } from './erofs-xattrs.ts';

/** An extended inode. `dataBlock` is the first block of each layer's blob in the disk's addresses. */
export function encodeInode(place: PlacedInode, number: number, dataBlock: readonly number[]): Buffer {
  const { attributes } = place.inode;
  const encoded = Buffer.alloc(inodeBytes);
  encoded.writeUInt16LE(1 | ((place.inlineBytes > 0 ? flatInline : flatPlain) << 1), 0);
  encoded.writeUInt16LE(xattrCount(place.xattrs.length), 2);
  encoded.writeUInt16LE(kindBits[attributes.kind].mode | attributes.mode, 4);
  encoded.writeUIntLE(place.size, 8, 6);
  encoded.writeUInt32LE(whereabouts(place, dataBlock), 16);
  encoded.writeUInt32LE(number, 20);
  encoded.writeUInt32LE(attributes.uid, 24);
  encoded.writeUInt32LE(attributes.gid, 28);
  encoded.writeBigInt64LE(BigInt(attributes.mtimeSeconds), 32);
  encoded.writeUInt32LE(attributes.mtimeNanoseconds, 40);
  encoded.writeUInt32LE(place.links, 44);
  return encoded;
}

/** The inode's union: the device of a device, else the first block of the content. */
function whereabouts(place: PlacedInode, dataBlock: readonly number[]): number {
  const { inode } = place;
  const { kind, major, minor, dataOffset } = inode.attributes;
  if (kind === 'character' || kind === 'block') return encodeDevice(major, minor);
  if (place.blockCount > 0) return place.firstBlock;
  if (kind !== 'file' || place.size === 0 || inode.isFolder) return 0;
  return (dataBlock[inode.layer] ?? 0) + dataOffset / blockBytes;
}

/** Linux' new_encode_dev(): 12 bits of major, 20 of minor. */
function encodeDevice(major: number, minor: number): number {
  return ((minor & 0xff) | ((major & 0xfff) << 8) | ((minor & 0xfff00) << 12)) >>> 0;
}
