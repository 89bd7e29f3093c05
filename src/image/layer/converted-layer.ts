import { rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { Digest } from '../../lib/digest.ts';
import { systemCode } from '../../lib/errors.ts';

/**
 * What became of one layer. Nothing of it may be used before its `digest` (of the bytes as they came) and its `diffId`
 * (of the tar inside) were compared with what the manifest and the config say.
 */
export interface ConvertedLayer {
  readonly digest: Digest;
  readonly diffId: Digest;
  /** Bytes as they came. */
  readonly compressedBytes: number;
  /** Bytes of the tar inside. */
  readonly uncompressedBytes: number;
  /** Size of the data blob, a multiple of 4096; 0 when no file of the layer has content. Its holes count. */
  readonly dataBytes: number;
  /** Entries in the index, whiteouts included. */
  readonly entries: number;
}

/** Where the parts of a converted layer lie in its folder. */
export interface LayerFiles {
  /** File contents, each aligned to 4 KiB. */
  readonly dataPath: string;
  /** Every entry with its attributes and where its data lies. */
  readonly indexPath: string;
}

/** The files of the layer in `folder`. */
export function layerFiles(folder: string): LayerFiles {
  return { dataPath: join(folder, 'data'), indexPath: join(folder, 'index') };
}

/**
 * Makes a verified layer visible: one rename from the folder it was converted in to its final one, on the same file system.
 * When another pull has put the same layer there first, ours is dropped: both hold the same bytes.
 */
export async function commitLayer(folder: string, finalFolder: string): Promise<void> {
  try {
    await rename(folder, finalFolder);
  } catch (error) {
    const code = systemCode(error);
    if (code !== 'ENOTEMPTY' && code !== 'EEXIST') throw error;
    await rm(folder, { recursive: true, force: true });
  }
}
