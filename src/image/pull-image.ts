import type { Credentials } from '../lib/credentials.ts';
import type { Reference } from '../lib/image-reference.ts';
import { familiarName, formatReference, repositoryName } from '../lib/image-reference.ts';
import { sha256 } from './sha256.ts';
import type { AddImageOptions } from './add-image.ts';
import { addImage } from './add-image.ts';
import type { RegistryClient } from './registry/index.ts';
import type { PulledImage } from './transfer.ts';

export interface PullImageOptions extends AddImageOptions {
  readonly client: RegistryClient;
  readonly reference: Reference;
  readonly credentials: Credentials | undefined;
}

/** Pulls that have the same key do the same. */
export function pullKey(reference: Reference, credentials: Credentials | undefined): string {
  const login = credentials === undefined ? '' : sha256(Buffer.from(JSON.stringify(credentials)));
  return `${formatReference(reference)} ${login}`;
}

/**
 * Pulls an image from its registry.
 *
 * @throws HyperError what the registry said; `unsupported`, `corrupt`, `no_space`, `cancelled`
 */
export async function pullImage(options: PullImageOptions): Promise<PulledImage> {
  const { client, reference, credentials, signal, onProgress } = options;
  const name = familiarName(reference);
  onProgress({ type: 'status', message: `Pulling ${name} from ${reference.registry}` });
  const remote = await client.resolve(reference, credentials, signal);
  const pulledBy = `${repositoryName(reference)}@${remote.digest}`;
  // A reference with a digest names just that: the tag beside it is a comment (Docker does the same).
  const full = reference.digest === undefined ? formatReference(reference) : pulledBy;
  const { image, changed } = await addImage(
    {
      name,
      configBytes: remote.configBytes,
      manifestBytes: remote.manifestBytes,
      references: [...new Set([full, pulledBy])],
      layers: remote.manifest.layers.map((descriptor) => ({
        digest: descriptor.digest,
        size: descriptor.size,
        open: (layerSignal, onRetry) => client.fetchLayer(remote, descriptor, layerSignal, onRetry),
      })),
    },
    options,
  );
  onProgress({ type: 'status', message: `Digest: ${remote.digest}` });
  return { image, reference: full, changed: changed.has(full) };
}
