import { mkdir, realpath, rename, stat, writeFile } from 'node:fs/promises';
import { join, relative } from 'node:path';
import { HyperError } from '../../lib/errors.ts';
import { LayerMerger, writeErofs } from '../erofs/index.ts';
import { LayerIndex, type LayerFiles } from '../layer/index.ts';
import type { ImageDisk } from './image-disk.ts';
import { vmdkDescriptor, type Extent } from './vmdk-descriptor.ts';

/** Builds a disk in this thread: buildImageDisk() does it in a worker. The descriptor comes last and whole. */
export async function buildDisk(layers: readonly LayerFiles[], outputDir: string): Promise<ImageDisk> {
  await mkdir(outputDir, { recursive: true });
  const folder = await realpath(outputDir);
  const merger = new LayerMerger();
  const dataBytes: number[] = [];
  const blobs: { readonly path: string; readonly bytes: number }[] = [];
  for (const [number, layer] of layers.entries()) {
    const index = await LayerIndex.read(layer.indexPath);
    merger.add(number, index.entries());
    dataBytes.push(index.dataBytes);
    if (index.dataBytes > 0) blobs.push({ path: await checkedBlob(layer, index.dataBytes), bytes: index.dataBytes });
  }
  const metadataPath = join(folder, 'metadata.erofs');
  const written = writeErofs(merger.root, dataBytes, metadataPath + '.part');
  await rename(metadataPath + '.part', metadataPath);
  const descriptorPath = join(folder, 'disk.vmdk');
  const extents: Extent[] = [
    { path: relative(folder, metadataPath), bytes: written.metadataBytes },
    ...blobs.map(({ path, bytes }) => ({ path: relative(folder, path), bytes })),
  ];
  await writeFile(descriptorPath + '.part', vmdkDescriptor(extents));
  await rename(descriptorPath + '.part', descriptorPath);
  const files = [metadataPath, ...blobs.map(({ path }) => path)];
  return { descriptorPath, metadataPath, files, sizeBytes: written.sizeBytes, inodes: written.inodes };
}

/** A blob of another size than its index says would shift everything behind it. */
async function checkedBlob({ dataPath }: LayerFiles, bytes: number): Promise<string> {
  const { size } = await stat(dataPath);
  if (size !== bytes) {
    throw new HyperError(
      'corrupt',
      `${dataPath} has ${size} bytes instead of ${bytes}: remove the image and pull it again`,
    );
  }
  return realpath(dataPath);
}
