import { readdir, stat } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import type { Digest } from '../lib/digest.ts';
import { systemCode } from '../lib/errors.ts';
import type { ImageDesk } from './image-desk.ts';
import type { Pod } from './pod.ts';
import type { EngineOptions } from './pod-context.ts';
import { podFolder } from './pod-run.ts';
import type { TemplateDesk } from './template-desk.ts';
import { usedBytes } from './used-bytes.ts';
import type { VolumeDesk } from './volume-desk.ts';

/** One thing on the disk. */
export interface DiskUseItem {
  readonly id: string;
  readonly name: string;
  readonly createdAt: string | null;
  readonly active: boolean;
  readonly sizeBytes: number;
  /** Of `sizeBytes`: what others have as well. */
  readonly sharedBytes: number;
  readonly usedBy: string[];
}

/** What of a kind is on the disk, in bytes of blocks that are allocated. */
export interface DiskUse {
  readonly type: 'images' | 'pods' | 'volumes' | 'templates' | 'caches';
  readonly total: number;
  readonly active: number;
  readonly sizeBytes: number;
  readonly reclaimableBytes: number;
  readonly items: DiskUseItem[];
}

interface Rooms {
  readonly images: ImageDesk;
  readonly volumes: VolumeDesk;
  readonly templates: TemplateDesk;
  readonly pods: () => readonly Pod[];
}

/** What Hyper has on this machine's disk. Only volumes are walked through: the rest is a few large files. */
export async function diskUsage(rooms: Rooms, options: EngineOptions): Promise<readonly DiskUse[]> {
  return await Promise.all([
    ofImages(rooms, options),
    ofPods(rooms, options),
    ofVolumes(rooms),
    ofTemplates(rooms),
    ofCaches(options),
  ]);
}

async function ofImages({ images, pods }: Rooms, { images: store }: EngineOptions): Promise<DiskUse> {
  const all = images.list();
  const users = new Map<string, string[]>(all.map(({ id }) => [id, []]));
  for (const { record } of pods()) {
    for (const imageId of new Set(record.containers.map((each) => each.imageId))) users.get(imageId)?.push(record.name);
  }
  const having = new Map<string, number>();
  for (const { layers } of all) {
    for (const diffId of new Set(layers.map((layer) => layer.diffId)))
      having.set(diffId, (having.get(diffId) ?? 0) + 1);
  }
  const sizes = new Map(
    all.flatMap(({ layers }) => layers.map(({ diffId, sizeBytes }) => [diffId, sizeBytes] as const)),
  );
  const kept = new Set<Digest>();
  let [ownBytes, freeBytes] = [0, 0];
  const items: DiskUseItem[] = [];
  for (const image of all) {
    const usedBy = users.get(image.id) ?? [];
    const own = await filesBytes(dirname(store.disk(image).descriptorPath));
    const layers = [...new Set(image.layers.map(({ diffId }) => diffId))];
    const bytesOf = (some: readonly Digest[]): number => some.reduce((sum, id) => sum + (sizes.get(id) ?? 0), 0);
    ownBytes += own;
    if (usedBy.length === 0) freeBytes += own;
    else for (const diffId of layers) kept.add(diffId);
    items.push({
      ...{
        id: image.id,
        name: image.tags[0] ?? '<none>',
        createdAt: image.createdAt,
        active: usedBy.length > 0,
        usedBy,
      },
      sizeBytes: own + bytesOf(layers),
      sharedBytes: bytesOf(layers.filter((diffId) => (having.get(diffId) ?? 0) > 1)),
    });
  }
  const layerBytes = [...sizes.values()].reduce((sum, bytes) => sum + bytes, 0);
  const freeLayers = [...sizes].filter(([diffId]) => !kept.has(diffId));
  const reclaimableBytes = freeBytes + freeLayers.reduce((sum, [, bytes]) => sum + bytes, 0);
  return { ...summary('images', items), sizeBytes: ownBytes + layerBytes, reclaimableBytes };
}

/** Their writable layers and logs. */
async function ofPods({ pods }: Rooms, { podsDir }: EngineOptions): Promise<DiskUse> {
  const items = pods().map(async ({ record, active }) => ({
    ...{ id: record.id, name: record.name, createdAt: record.createdAt, active, sharedBytes: 0, usedBy: [] },
    sizeBytes: await filesBytes(podFolder(podsDir, record)),
  }));
  return summary('pods', await Promise.all(items));
}

async function ofVolumes({ volumes }: Rooms): Promise<DiskUse> {
  const items: DiskUseItem[] = [];
  for (const { record, path, pods } of volumes.list()) {
    const { name, kind, createdAt } = record;
    // A server's stays there; one that is removed meanwhile has nothing.
    const sizeBytes = kind === 'nfs' ? 0 : await usedBytes(path).catch(() => 0);
    items.push({ id: '', name, createdAt, active: pods.length > 0, sizeBytes, sharedBytes: 0, usedBy: [...pods] });
  }
  return summary('volumes', items);
}

/** One is active while a pod has a VM of its shape. */
async function ofTemplates({ templates, pods }: Rooms): Promise<DiskUse> {
  const running = pods().filter(({ run }) => run !== undefined);
  const items = (await templates.list()).map(({ id, shape, createdAt, bytes }): DiskUseItem => {
    const { vcpus, memoryMiB } = shape;
    const users = running.filter(({ record }) => record.vcpus === vcpus && record.memoryMiB === memoryMiB);
    const usedBy = users.map(({ record }) => record.name);
    const name = `${vcpus} CPU, ${memoryMiB} MiB`;
    return { ...{ id, name, createdAt, active: usedBy.length > 0, sizeBytes: bytes, sharedBytes: 0 }, usedBy };
  });
  return summary('templates', items);
}

/** Formatted originals of writable disks, disks of VMs that wait, what is being made, our own image. */
async function ofCaches({ caches }: EngineOptions): Promise<DiskUse> {
  const items = caches.map(async (path) => {
    const sizeBytes = await filesBytes(path);
    const own = { id: '', name: basename(path), createdAt: null, active: sizeBytes > 0 };
    return { ...own, sizeBytes, sharedBytes: 0, usedBy: [] };
  });
  return summary('caches', await Promise.all(items));
}

function summary(type: DiskUse['type'], items: DiskUseItem[]): DiskUse {
  const bytesOf = (some: readonly DiskUseItem[]): number => some.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0);
  const active = items.filter((item) => item.active);
  const sizeBytes = bytesOf(items);
  return {
    ...{ type, total: items.length, active: active.length, sizeBytes },
    ...{ reclaimableBytes: sizeBytes - bytesOf(active), items },
  };
}

/** The allocated bytes of a folder's files; none where it has gone. */
async function filesBytes(folder: string): Promise<number> {
  try {
    const entries = await readdir(folder, { withFileTypes: true });
    const sizes = entries.map(async (entry): Promise<number> => {
      const path = join(folder, entry.name);
      if (entry.isDirectory()) return await filesBytes(path);
      return entry.isFile() ? (await stat(path)).blocks * 512 : 0;
    });
    return (await Promise.all(sizes)).reduce((sum, bytes) => sum + bytes, 0);
  } catch (error) {
    if (systemCode(error) === 'ENOENT') return 0;
    throw error;
  }
}
