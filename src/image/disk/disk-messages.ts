import type { PortableError } from '../../lib/worker-thread.ts';
import type { LayerFiles } from '../layer/index.ts';
import type { ImageDisk } from './image-disk.ts';

/** What a disk worker is asked, once. */
export interface ToDiskWorker {
  readonly layers: readonly LayerFiles[];
  readonly outputDir: string;
}

/** What it answers. */
export type FromDiskWorker = { readonly disk: ImageDisk } | { readonly error: PortableError };
