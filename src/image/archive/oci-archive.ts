import type { ImageSource } from '../add-image.ts';
import type { Digest } from '../../lib/digest.ts';
import { hexOf } from '../../lib/digest.ts';
import { HyperError } from '../../lib/errors.ts';
import type { ImageIndex, PlatformDescriptor } from '../manifest.ts';
import { parseManifest } from '../manifest.ts';
import { choosePlatform, platform } from '../platform.ts';
import { formatReference, parseReference } from '../../lib/image-reference.ts';
import { sha256 } from '../sha256.ts';
import type { ArchiveFiles } from './archive-files.ts';

const maxManifestBytes = 4 << 20;
const maxConfigBytes = 8 << 20;
const maxIndexDepth = 3;

function blobName(digest: Digest): string {
  return `blobs/sha256/${hexOf(digest)}`;
}

async function readBlob(files: ArchiveFiles, digest: Digest, limit: number): Promise<Buffer> {
  const bytes = await files.read(blobName(digest), limit);
  const found = sha256(bytes);
  if (found !== digest)
    throw new HyperError('corrupt', `${blobName(digest)} in the archive has the digest ${found}: refused`);
  return bytes;
}

/** Full references from an entry's annotations. containerd writes the whole name; others `name:tag`, or a tag alone. */
function referencesOf({ annotations }: PlatformDescriptor): readonly string[] {
  const whole = annotations['io.containerd.image.name'];
  const short = annotations['org.opencontainers.image.ref.name'];
  const name = whole ?? (short !== undefined && /[:/@]/.test(short) ? short : undefined);
  return name === undefined ? [] : [formatReference(parseReference(name))];
}

/** An index may hold one image a platform, or several images: entries for other platforms are left when ours is there. */
function chosenEntries(index: ImageIndex): readonly PlatformDescriptor[] {
  const ours = `${platform.os}/${platform.architecture}`;
  const fitting = index.manifests.filter((entry) => entry.platform === undefined || entry.platform.startsWith(ours));
  return fitting.length > 0 ? fitting : [choosePlatform(index, 'the archive')];
}

async function readImage(files: ArchiveFiles, entry: PlatformDescriptor): Promise<ImageSource> {
  const references = referencesOf(entry);
  const name = references[0] ?? entry.digest;
  let digest = entry.digest;
  for (let depth = 0; depth < maxIndexDepth; depth++) {
    const manifestBytes = await readBlob(files, digest, maxManifestBytes);
    const manifest = parseManifest(manifestBytes, undefined, name);
    if (manifest.kind === 'index') {
      digest = choosePlatform(manifest, name).digest;
      continue;
    }
    return {
      name,
      configBytes: await readBlob(files, manifest.config.digest, maxConfigBytes),
      manifestBytes,
      references,
      layers: manifest.layers.map((layer) => ({
        digest: layer.digest,
        size: files.get(blobName(layer.digest)).size,
        open: (signal) => files.open(blobName(layer.digest), signal),
      })),
    };
  }
  throw new HyperError('corrupt', `${name} in the archive is an index of indexes without end`);
}

/**
 * The images of an OCI image layout (OCI image spec, image-layout.md) in an archive.
 *
 * @throws HyperError `corrupt`, `unsupported` when there is none for our platform
 */
export async function readOciArchive(files: ArchiveFiles): Promise<readonly ImageSource[]> {
  const index = parseManifest(await files.read('index.json', maxManifestBytes), undefined, "the archive's index.json");
  if (index.kind !== 'index') throw new HyperError('corrupt', "the archive's index.json is no index");
  return Promise.all(chosenEntries(index).map((entry) => readImage(files, entry)));
}
