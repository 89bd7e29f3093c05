import { crc32c } from '../../lib/crc32c.ts';
import { blockBytes, featureCompat, magic, superblockOffset } from './erofs-format.ts';

export interface SuperblockFields {
  /** The root's number: 16 bits. */
  readonly rootNumber: number;
  readonly inodes: number;
  /** Blocks of the whole disk, blobs included. */
  readonly blocks: number;
}

/** The first block: nothing but the superblock, so that its checksum covers nothing else. The same image gives the same bytes. */
export function encodeSuperblock({ rootNumber, inodes, blocks }: SuperblockFields): Buffer {
  const block = Buffer.alloc(blockBytes);
  const superblock = block.subarray(superblockOffset);
  superblock.writeUInt32LE(magic, 0);
  superblock.writeUInt32LE(featureCompat, 8);
  superblock.writeUInt8(Math.log2(blockBytes), 12);
  superblock.writeUInt16LE(rootNumber, 14);
  superblock.writeBigUInt64LE(BigInt(inodes), 16);
  superblock.writeUInt32LE(blocks, 36);
  superblock.writeUInt32LE(crc32c(superblock, 0xffff_ffff), 4);
  return block;
}
