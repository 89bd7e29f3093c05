import { createHash } from 'node:crypto';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { tarMaker } from '../images/index.ts';

/** A blob with its descriptor. */
export interface TinyBlob {
  readonly bytes: Buffer;
  readonly digest: string;
  readonly mediaType: string;
}

export interface TinyLayer extends TinyBlob {
  readonly tar: Buffer;
  readonly diffId: string;
}

/** An image of some bytes, made by code: what a registry serves. */
export interface TinyImage {
  readonly layers: readonly TinyLayer[];
  readonly config: TinyBlob;
  readonly manifest: TinyBlob;
}

export interface TinyImageOptions {
  readonly layers?: readonly TinyLayer[];
  readonly architecture?: string;
  /** The `config` of the image's config. */
  readonly process?: object;
  readonly format?: 'oci' | 'docker';
  /** Changes the manifest before its digest is made. */
  readonly editManifest?: (manifest: Record<string, unknown>) => object;
  readonly editConfig?: (config: Record<string, unknown>) => object;
}

export function digestOf(bytes: Uint8Array): string {
  return `sha256:${createHash('sha256').update(bytes).digest('hex')}`;
}

function blob(bytes: Buffer, mediaType: string): TinyBlob {
  return { bytes, digest: digestOf(bytes), mediaType };
}

/** A layer with files: names to contents. */
export function tinyLayer(files: Readonly<Record<string, string | Buffer>>, mediaType?: string): TinyLayer {
  const tar = tarMaker.tar(...Object.entries(files).map(([name, content]) => tarMaker.file(name, content)));
  const made = blob(gzipSync(tar), mediaType ?? 'application/vnd.oci.image.layer.v1.tar+gzip');
  return { ...made, tar, diffId: digestOf(tar) };
}

export function descriptorOf({ bytes, digest, mediaType }: TinyBlob): object {
  return { mediaType, digest, size: bytes.length };
}

export function tinyImage(options: TinyImageOptions = {}): TinyImage {
  const layers = options.layers ?? [tinyLayer({ hello: 'hello\n' }), tinyLayer({ 'etc/motd': 'welcome\n' })];
  const docker = options.format === 'docker';
  const configJson = {
    architecture: options.architecture ?? 'amd64',
    os: 'linux',
    config: options.process ?? { Cmd: ['/hello'], Env: null },
    rootfs: { type: 'layers', diff_ids: layers.map(({ diffId }) => diffId) },
  };
  const config = blob(
    Buffer.from(JSON.stringify(options.editConfig?.(configJson) ?? configJson)),
    docker ? 'application/vnd.docker.container.image.v1+json' : 'application/vnd.oci.image.config.v1+json',
  );
  const mediaType = docker
    ? 'application/vnd.docker.distribution.manifest.v2+json'
    : 'application/vnd.oci.image.manifest.v1+json';
  const manifestJson = { schemaVersion: 2, mediaType, config: descriptorOf(config), layers: layers.map(descriptorOf) };
  const edited = options.editManifest?.(manifestJson) ?? manifestJson;
  return { layers, config, manifest: blob(Buffer.from(JSON.stringify(edited)), mediaType) };
}

/** An index of images by platform: `linux/arm64`. */
export function tinyIndex(images: Readonly<Record<string, TinyImage>>): TinyBlob {
  const manifests = Object.entries(images).map(([platform, { manifest }]) => {
    const [os, architecture, variant] = platform.split('/');
    return { ...descriptorOf(manifest), platform: { os, architecture, variant } };
  });
  const mediaType = 'application/vnd.oci.image.index.v1+json';
  return blob(Buffer.from(JSON.stringify({ schemaVersion: 2, mediaType, manifests })), mediaType);
}

/** Writes an OCI image layout with images by name, as containerd annotates them. */
export async function writeOciLayout(folder: string, images: Readonly<Record<string, TinyImage>>): Promise<void> {
  await mkdir(join(folder, 'blobs/sha256'), { recursive: true });
  for (const image of Object.values(images)) {
    for (const { digest, bytes } of [...image.layers, image.config, image.manifest]) {
      await writeFile(join(folder, 'blobs', digest.replace(':', '/')), bytes);
    }
  }
  const manifests = Object.entries(images).map(([name, { manifest }]) => ({
    ...descriptorOf(manifest),
    annotations: { 'org.opencontainers.image.ref.name': name },
  }));
  await writeFile(join(folder, 'oci-layout'), JSON.stringify({ imageLayoutVersion: '1.0.0' }));
  await writeFile(join(folder, 'index.json'), JSON.stringify({ schemaVersion: 2, manifests }));
}
