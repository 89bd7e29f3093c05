/** EROFS: layers merged into one file system that points into their data blobs. */
export { LayerMerger } from './layer-merger.ts';
export { writeErofs, type WrittenErofs } from './erofs-writer.ts';
