import type { Credentials } from '../lib/credentials.ts';
import type { Image } from './image.ts';
import type { OnProgress } from './progress.ts';

/** What pull, load and the like take. */
export interface TransferOptions {
  readonly signal: AbortSignal;
  readonly onProgress?: OnProgress;
}

export interface PullOptions extends TransferOptions {
  /** For the registry itself, instead of those in docker's config.json; mirrors never get them. */
  readonly credentials?: Credentials;
}

export interface PulledImage {
  readonly image: Image;
  /** The full reference; the id for an archive's image without a name. */
  readonly reference: string;
  /** Whether the reference is new or means another image than before. */
  readonly changed: boolean;
}
