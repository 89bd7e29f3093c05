import type { PortableError } from '../../lib/worker-thread.ts';
import type { ConvertedLayer } from './converted-layer.ts';

/** What a LayerConverter tells its worker: `start` once, then chunks, then `end`. */
export type ToLayerWorker =
  | { readonly type: 'start'; readonly outputDir: string; readonly maxBytes: number | undefined }
  | { readonly type: 'chunks'; readonly chunks: readonly Uint8Array[] }
  | { readonly type: 'end' };

/** What it hears: how much was taken, and one outcome. */
export type FromLayerWorker =
  | { readonly type: 'taken'; readonly bytes: number }
  | { readonly type: 'done'; readonly layer: ConvertedLayer }
  | { readonly type: 'failed'; readonly error: PortableError };
