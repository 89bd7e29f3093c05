import { z } from 'zod';
import type { Digest } from '../lib/digest.ts';
import { isDigest } from '../lib/digest.ts';
import { HyperError } from '../lib/errors.ts';

/** A blob as a manifest names it (OCI image spec, descriptor.md). */
export interface Descriptor {
  readonly mediaType: string;
  readonly digest: Digest;
  readonly size: number;
}

export interface PlatformDescriptor extends Descriptor {
  /** `linux/amd64`, `linux/arm/v7`; undefined when the index does not say. */
  readonly platform: string | undefined;
  readonly annotations: Readonly<Record<string, string>>;
}

export interface ImageManifest {
  readonly kind: 'image';
  readonly config: Descriptor;
  /** Lowest first. */
  readonly layers: readonly Descriptor[];
}

export interface ImageIndex {
  readonly kind: 'index';
  readonly manifests: readonly PlatformDescriptor[];
}

export const manifestMediaTypes = [
  'application/vnd.oci.image.index.v1+json',
  'application/vnd.oci.image.manifest.v1+json',
  'application/vnd.docker.distribution.manifest.list.v2+json',
  'application/vnd.docker.distribution.manifest.v2+json',
] as const;

const configMediaTypes = new Set([
  'application/vnd.oci.image.config.v1+json',
  'application/vnd.docker.container.image.v1+json',
]);
const layerMediaTypes = new Set([
  'application/vnd.oci.image.layer.v1.tar',
  'application/vnd.oci.image.layer.v1.tar+gzip',
  'application/vnd.oci.image.layer.v1.tar+zstd',
  'application/vnd.docker.image.rootfs.diff.tar',
  'application/vnd.docker.image.rootfs.diff.tar.gzip',
  'application/vnd.docker.image.rootfs.diff.tar.zstd',
]);
const maxLayers = 1_000;

const RawDescriptor = z.object({
  mediaType: z.string(),
  digest: z.string().refine(isDigest, 'a digest must be sha256: and 64 hex digits'),
  size: z.int().nonnegative(),
});
const RawIndexEntry = RawDescriptor.extend({
  platform: z.object({ architecture: z.string(), os: z.string(), variant: z.string().nullish() }).nullish(),
  annotations: z.record(z.string(), z.string()).nullish(),
});
const Version = z.object({
  schemaVersion: z.int(),
  mediaType: z.string().nullish(),
  manifests: z.unknown().optional(),
  layers: z.unknown().optional(),
});
const RawIndex = z.object({ manifests: z.array(RawIndexEntry) });
const RawManifest = z.object({ config: RawDescriptor, layers: z.array(RawDescriptor).max(maxLayers) });

function parseWith<T>(schema: z.ZodType<T>, value: unknown, what: string): T {
  const result = schema.safeParse(value);
  if (result.success) return result.data;
  const issue = result.error.issues[0];
  const where = issue?.path.join('.') ?? '';
  throw new HyperError('corrupt', `${what} is broken: ${where === '' ? '' : `${where}: `}${issue?.message ?? ''}`);
}

/** JSON from outside, checked against a schema. @throws HyperError `corrupt` */
export function parseJson<T>(schema: z.ZodType<T>, bytes: Uint8Array, what: string): T {
  let value: unknown;
  try {
    value = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes));
  } catch (error) {
    throw new HyperError('corrupt', `${what} is broken: it is no JSON`, { cause: error });
  }
  return parseWith(schema, value, what);
}

function checkLayers(layers: readonly Descriptor[], what: string): void {
  for (const { mediaType } of layers) {
    if (layerMediaTypes.has(mediaType)) continue;
    const why = /foreign|nondistributable/.test(mediaType) ? 'that is kept outside registries' : 'of an unknown type';
    throw new HyperError('unsupported', `${what} has a layer ${why} (${mediaType}): it cannot be run`);
  }
}

/**
 * Parses an image manifest or an index, of OCI or Docker (schema 2).
 *
 * @throws HyperError `corrupt` for what breaks the format, `unsupported` for schema 1, foreign layers and things that are no image
 */
export function parseManifest(
  bytes: Uint8Array,
  mediaType: string | undefined,
  what: string,
): ImageManifest | ImageIndex {
  const version = parseJson(Version, bytes, what);
  const type = version.mediaType ?? mediaType ?? '';
  if (version.schemaVersion === 1 || type.includes('distribution.manifest.v1')) {
    const text = `${what} is of Docker's schema 1, which nobody makes any more: push the image anew with a current tool`;
    throw new HyperError('unsupported', text);
  }
  // A document that is both would be read differently by different tools (GHSA-mc8v-mgrf-8f4m).
  if (version.manifests !== undefined && version.layers !== undefined) {
    throw new HyperError('corrupt', `${what} is broken: it has both layers and manifests`);
  }
  if (version.manifests !== undefined) {
    const { manifests } = parseJson(RawIndex, bytes, what);
    const entries = manifests.map(({ platform, annotations, ...descriptor }) => ({
      ...descriptor,
      platform: platform ? [platform.os, platform.architecture, platform.variant].filter(Boolean).join('/') : undefined,
      annotations: annotations ?? {},
    }));
    return { kind: 'index', manifests: entries };
  }
  const { config, layers } = parseJson(RawManifest, bytes, what);
  if (!configMediaTypes.has(config.mediaType)) {
    throw new HyperError('unsupported', `${what} is no container image but ${config.mediaType}`);
  }
  checkLayers(layers, what);
  return { kind: 'image', config, layers };
}
