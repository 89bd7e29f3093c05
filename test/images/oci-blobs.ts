import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';

export interface OciLayer {
  /** The blob's file in the layout. */
  readonly path: string;
  readonly digest: string;
  readonly diffId: string;
}

const descriptor = z.object({ digest: z.string() });
const indexSchema = z.object({ manifests: z.tuple([descriptor]) });
const manifestSchema = z.object({ config: descriptor, layers: z.array(descriptor) });
const configSchema = z.object({ rootfs: z.object({ diff_ids: z.array(z.string()) }) });

/** The layers of the only image in an OCI layout, bottom to top. */
export async function ociLayers(layout: string): Promise<readonly OciLayer[]> {
  const index = indexSchema.parse(await readJson(join(layout, 'index.json')));
  const manifest = manifestSchema.parse(await readJson(blobPath(layout, index.manifests[0].digest)));
  const config = configSchema.parse(await readJson(blobPath(layout, manifest.config.digest)));
  return manifest.layers.map(({ digest }, at) => ({
    path: blobPath(layout, digest),
    digest,
    diffId: config.rootfs.diff_ids[at] ?? '',
  }));
}

async function readJson(path: string): Promise<unknown> {
  return JSON.parse(await readFile(path, 'utf8'));
}

function blobPath(layout: string, digest: string): string {
  return join(layout, 'blobs', ...digest.split(':'));
}
