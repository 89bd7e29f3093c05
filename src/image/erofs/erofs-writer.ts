import { HyperError } from '../../lib/errors.ts';
import { SparseFileWriter } from '../../lib/sparse-file-writer.ts';
import { encodeFolder } from './erofs-folder.ts';
import { blockBytes, slotBytes } from './erofs-format.ts';
import { encodeInode } from './erofs-inode.ts';
import { layOut, type PlacedInode } from './erofs-layout.ts';
import { encodeSuperblock } from './erofs-superblock.ts';
import { bytesOf } from '../../lib/byte-string.ts';
import type { Folder } from './image-tree.ts';

export interface WrittenErofs {
  /** Size of the metadata; a multiple of 4096. The layers' blobs follow it in the disk's addresses. */
  readonly metadataBytes: number;
  /** Size of metadata and blobs. */
  readonly sizeBytes: number;
  readonly inodes: number;
}

/**
 * Writes the metadata of a file system whose file contents lie in the layers' data blobs: block addresses run on from the
 * metadata through the blobs, bottom layer first. Synchronous: for worker threads.
 */
export function writeErofs(root: Folder, dataBytes: readonly number[], path: string): WrittenErofs {
  const layout = layOut(root);
  let blocks = layout.blocks;
  const dataBlock = dataBytes.map((bytes) => {
    const first = blocks;
    blocks += bytes / blockBytes;
    return first;
  });
  if (blocks > 0xffff_ffff)
    throw new HyperError('unsupported', 'the image is larger than the 16 TiB an EROFS can have');
  const numberOf = (place: PlacedInode): number => place.offset / slotBytes;
  const contentOf = (place: PlacedInode): Buffer =>
    place.folder === undefined
      ? bytesOf(place.inode.attributes.link)
      : encodeFolder(place.folder, (inode) => numberOf(layout.placeOf(inode)));

  using file = new SparseFileWriter(path);
  const rootNumber = numberOf(layout.placeOf(root));
  file.write(encodeSuperblock({ rootNumber, inodes: layout.inodes.length, blocks }));
  for (const [index, place] of layout.inodes.entries()) {
    file.skip(place.offset - file.position);
    file.write(encodeInode(place, index + 1, dataBlock));
    file.write(place.xattrs);
    if (place.inlineBytes > 0) file.write(contentOf(place).subarray(place.size - place.inlineBytes));
  }
  for (const place of layout.inodes) {
    if (place.blockCount === 0) continue;
    file.align(blockBytes);
    file.write(contentOf(place).subarray(0, place.size - place.inlineBytes));
  }
  file.align(blockBytes);
  file.finish();
  return { metadataBytes: layout.blocks * blockBytes, sizeBytes: blocks * blockBytes, inodes: layout.inodes.length };
}
