/** Disks: the layers of an image as one block device. */
export { buildImageDisk } from './build-image-disk.ts';
export type { BuildImageDiskOptions, ImageDisk } from './image-disk.ts';
export { writeFlatImage } from './flat-image.ts';
