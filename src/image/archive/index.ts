import type { ImageSource } from '../add-image.ts';
import { HyperError } from '../../lib/errors.ts';
import { readDockerArchive } from './docker-archive.ts';
import { readOciArchive } from './oci-archive.ts';
import { unpackArchive } from './unpack-archive.ts';

/**
 * Unpacks an archive into `folder` and tells which images are in it: one of `docker save`, or an OCI layout. The sources
 * read from the folder: keep it until they are done.
 *
 * @throws HyperError `corrupt`, `no_space`, `cancelled`; `bad_request` for a tar that is neither
 */
export async function readArchive(
  archive: AsyncIterable<Uint8Array>,
  folder: string,
  maxBytes: number,
  signal: AbortSignal,
): Promise<readonly ImageSource[]> {
  const files = await unpackArchive(archive, folder, maxBytes, signal);
  if (files.find('manifest.json') !== undefined) return readDockerArchive(files);
  if (files.find('index.json') !== undefined) return readOciArchive(files);
  throw new HyperError(
    'bad_request',
    "the archive has no images: make it with 'docker save' or 'skopeo copy … oci-archive:FILE'",
  );
}
