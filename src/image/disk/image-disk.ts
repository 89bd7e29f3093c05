import type { LayerFiles } from '../layer/index.ts';

/** An image's disk: what a VM opens. */
export interface ImageDisk {
  /** The VMDK descriptor: opened read-only with QEMU's `vmdk` driver. */
  readonly descriptorPath: string;
  /** The EROFS metadata of this image: the first extent. */
  readonly metadataPath: string;
  /** Every file that a VM must be able to read, in address order, without the descriptor: the metadata, then the blobs. */
  readonly files: readonly string[];
  /** Size of the disk; a multiple of 4096. */
  readonly sizeBytes: number;
  /** Inodes in the file system. */
  readonly inodes: number;
}

export interface BuildImageDiskOptions {
  /** Bottom to top. None gives an empty root. */
  readonly layers: readonly LayerFiles[];
  /** Made when missing; the disk is complete as soon as its descriptor is there. */
  readonly outputDir: string;
  readonly signal?: AbortSignal;
  /** The worker's entry; by default found beside this module. */
  readonly workerUrl?: URL;
}
