import type { Digest } from '../../lib/digest.ts';
import { isDigest } from '../../lib/digest.ts';
import { HyperError } from '../../lib/errors.ts';
import { sha256 } from '../sha256.ts';
import { manifestMediaTypes } from '../manifest.ts';
import { readBody } from './bounded-body.ts';
import type { RegistrySession } from './registry-session.ts';

/** A manifest's bytes, which have its digest. */
export interface FetchedManifest {
  readonly bytes: Buffer;
  readonly digest: Digest;
  readonly mediaType: string | undefined;
}

const maxManifestBytes = 4 << 20;
const maxConfigBytes = 8 << 20;

/**
 * Gets a manifest by tag or digest.
 *
 * @throws HyperError `corrupt` when it is too large or has another digest than asked for or announced
 */
export async function fetchManifest(
  session: RegistrySession,
  tagOrDigest: string,
  what: string,
  signal: AbortSignal,
): Promise<FetchedManifest> {
  const headers = { accept: manifestMediaTypes.join(', ') };
  const response = await session.get(`manifests/${tagOrDigest}`, what, headers, signal);
  const bytes = await readBody(response, maxManifestBytes, what, session.host);
  const digest = sha256(bytes);
  const announced = response.headers['docker-content-digest'];
  const wanted = isDigest(tagOrDigest) ? tagOrDigest : announced;
  if (typeof wanted === 'string' && isDigest(wanted) && wanted !== digest) {
    throw new HyperError('corrupt', `${what} from ${session.host} has the digest ${digest}, not ${wanted}: refused`);
  }
  const contentType = response.headers['content-type'];
  return { bytes, digest, mediaType: typeof contentType === 'string' ? contentType : undefined };
}

/**
 * Gets a config, whole.
 *
 * @throws HyperError `corrupt` when its size or digest is not what the manifest says
 */
export async function fetchConfig(
  session: RegistrySession,
  { digest, size }: { readonly digest: Digest; readonly size: number },
  what: string,
  signal: AbortSignal,
): Promise<Buffer> {
  if (size > maxConfigBytes) throw new HyperError('corrupt', `${what} is larger than ${maxConfigBytes} bytes: refused`);
  const response = await session.get(`blobs/${digest}`, what, {}, signal);
  const bytes = await readBody(response, maxConfigBytes, what, session.host);
  const found = sha256(bytes);
  if (found !== digest) {
    throw new HyperError('corrupt', `${what} from ${session.host} has the digest ${found}, not ${digest}: refused`);
  }
  if (bytes.length !== size) {
    throw new HyperError('corrupt', `${what} from ${session.host} has ${bytes.length} bytes, not ${size}: refused`);
  }
  return bytes;
}
