import { tarMaker } from '../images/index.ts';
import type { TinyImage } from './tiny-image.ts';
import { descriptorOf } from './tiny-image.ts';

/** What `docker save` wrote before version 25: a folder a layer; a layer that comes again is a link. */
export function oldDockerArchive(image: TinyImage, tags: readonly string[] | null): Buffer {
  const pieces: Buffer[] = [];
  const names: string[] = [];
  const seen = new Map<string, string>();
  for (const [index, layer] of image.layers.entries()) {
    const name = `${String(index).repeat(64)}/layer.tar`;
    const first = seen.get(layer.diffId);
    seen.set(layer.diffId, name);
    pieces.push(first === undefined ? tarMaker.file(name, layer.tar) : tarMaker.link(name, `../${first}`, '2'));
    names.push(name);
  }
  const config = `${image.config.digest.slice('sha256:'.length)}.json`;
  const manifest = JSON.stringify([{ Config: config, RepoTags: tags, Layers: names }]);
  return tarMaker.tar(...pieces, tarMaker.file(config, image.config.bytes), tarMaker.file('manifest.json', manifest));
}

export interface OciEntry {
  readonly image: TinyImage;
  readonly annotations?: Readonly<Record<string, string>>;
}

/** An OCI image layout as a tar. */
export function ociArchive(...entries: readonly OciEntry[]): Buffer {
  const blobs = new Map(
    entries
      .flatMap(({ image }) => [...image.layers, image.config, image.manifest])
      .map((blob) => [blob.digest, blob.bytes]),
  );
  const manifests = entries.map(({ image, annotations }) => ({ ...descriptorOf(image.manifest), annotations }));
  return tarMaker.tar(
    tarMaker.file('oci-layout', '{"imageLayoutVersion":"1.0.0"}'),
    tarMaker.file('index.json', JSON.stringify({ schemaVersion: 2, manifests })),
    tarMaker.folder('blobs/'),
    ...[...blobs].map(([digest, bytes]) => tarMaker.file(`./blobs/${digest.replace(':', '/')}`, bytes)),
  );
}
