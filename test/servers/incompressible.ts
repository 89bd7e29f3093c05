import { createHash } from 'node:crypto';

/** Bytes that gzip cannot shrink, the same at every run for the same seed. */
export function incompressible(length: number, seed = 1): Buffer {
  const blocks: Buffer[] = [];
  for (let block = 0; block * 32 < length; block++) {
    blocks.push(createHash('sha256').update(`${seed} ${block}`).digest());
  }
  return Buffer.concat(blocks).subarray(0, length);
}
