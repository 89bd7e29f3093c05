import { z } from 'zod';
import type { ImageSource } from '../add-image.ts';
import type { Digest } from '../../lib/digest.ts';
import { isDigest } from '../../lib/digest.ts';
import { HyperError } from '../../lib/errors.ts';
import { parseJson } from '../manifest.ts';
import { formatReference, parseReference } from '../../lib/image-reference.ts';
import { sha256 } from '../sha256.ts';
import type { ArchiveFiles } from './archive-files.ts';

const Manifest = z.array(
  z.object({ Config: z.string(), RepoTags: z.array(z.string()).nullish(), Layers: z.array(z.string()).nullish() }),
);

const maxManifestBytes = 4 << 20;
const maxConfigBytes = 8 << 20;

/** `docker save` of today names its files after their digests: `blobs/sha256/…`, and `….json` before. */
function digestInName(name: string): Digest | undefined {
  const digest = `sha256:${/(?:^|\/)([0-9a-f]{64})(?:\.json)?$/.exec(name)?.[1] ?? ''}`;
  return isDigest(digest) ? digest : undefined;
}

async function readImage(files: ArchiveFiles, entry: z.infer<typeof Manifest>[number]): Promise<ImageSource> {
  const configBytes = await files.read(entry.Config, maxConfigBytes);
  const announced = digestInName(entry.Config);
  const found = sha256(configBytes);
  if (announced !== undefined && announced !== found) {
    throw new HyperError('corrupt', `${entry.Config} in the archive has the digest ${found}: refused`);
  }
  const references = (entry.RepoTags ?? []).map((tag) => formatReference(parseReference(tag)));
  return {
    name: entry.RepoTags?.[0] ?? found,
    configBytes,
    manifestBytes: undefined,
    references,
    layers: (entry.Layers ?? []).map((name) => ({
      digest: name.startsWith('blobs/') ? digestInName(name) : undefined,
      size: files.get(name).size,
      open: (signal) => files.open(name, signal),
    })),
  };
}

/**
 * The images of a `docker save` archive, by its `manifest.json` (image spec of Docker, v1.2): layers are `ID/layer.tar`, links to such, or blobs.
 *
 * @throws HyperError `corrupt`
 */
export async function readDockerArchive(files: ArchiveFiles): Promise<readonly ImageSource[]> {
  const what = "the archive's manifest.json";
  const entries = parseJson(Manifest, await files.read('manifest.json', maxManifestBytes), what);
  return Promise.all(entries.map((entry) => readImage(files, entry)));
}
