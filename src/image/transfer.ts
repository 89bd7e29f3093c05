import type { Image } from './image.ts';
import type { OnProgress } from './progress.ts';
import type { Credentials } from './registry/index.ts';

/** What pull, load and the like take. */
export interface TransferOptions {
  readonly signal: AbortSignal;
  readonly onProgress?: OnProgress;
}

export interface PullOptions extends TransferOptions {
  /** Instead of those in docker's config.json. */
  readonly credentials?: Credentials;
}

export interface PulledImage {
  readonly image: Image;
  /** The full reference; the id for an archive's image without a name. */
  readonly reference: string;
  /** Whether the reference is new or means another image than before. */
  readonly changed: boolean;
}
