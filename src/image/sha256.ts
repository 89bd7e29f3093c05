import { createHash } from 'node:crypto';
import type { Digest } from '../lib/digest.ts';

/** The digest of bytes in memory. */
export function sha256(bytes: Uint8Array): Digest {
  return `sha256:${createHash('sha256').update(bytes).digest('hex')}`;
}
