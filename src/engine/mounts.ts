import { posix } from 'node:path';
import { HyperError } from '../lib/errors.ts';
import type { MountRecord, PodRecord } from '../store/index.ts';
import { checkBindSource, checkFileSystem, diskFormat, openDiskFile, parseNfs, type Volumes } from '../volume/index.ts';
import type { ContainerSpec, DiskSpec, MountSpec } from './pod-spec.ts';

/**
 * A container's mounts as they are stored; what a bind needs on this host is there then, and volumes are made.
 *
 * @throws HyperError `bad_request` for paths that cannot be, and for two mounts at one.
 */
export async function planMounts({ mounts = [], tmpfs = [] }: ContainerSpec, volumes: Volumes): Promise<MountRecord[]> {
  const taken = new Set(tmpfs.map(({ path }) => normalTarget(path)));
  for (const mount of mounts) {
    const target = normalTarget(mount.target);
    if (target === '/') throw new HyperError('bad_request', "invalid mount: its target can't be '/'");
    if (taken.has(target)) throw new HyperError('bad_request', `Duplicate mount point: ${target}`);
    taken.add(target);
  }
  const planned: MountRecord[] = [];
  try {
    for (const mount of mounts) planned.push(await planMount(mount, volumes));
    return planned;
  } catch (error) {
    await removeAnonymous(planned, volumes, () => false);
    throw error;
  }
}

async function planMount(mount: MountSpec, volumes: Volumes): Promise<MountRecord> {
  const target = normalTarget(mount.target);
  const readOnly = mount.readOnly ?? false;
  if (mount.type === 'bind') {
    const source = posix.normalize(mount.source);
    const { kind } = await checkBindSource(source, mount.create ?? false);
    return { type: 'bind', source, target, readOnly, socket: kind === 'socket' };
  }
  if (mount.type === 'disk') return await planDisk(mount, target, readOnly);
  if (mount.type === 'nfs') {
    const options = mount.options ?? '';
    const { source } = parseNfs(mount.source, options);
    return { type: 'nfs', source, target, readOnly, options };
  }
  const { labels, options } = mount;
  const volume = await volumes.create({ name: mount.source, labels, options });
  const anonymous = mount.source === undefined || mount.source === '';
  const source = volumes.path(volume);
  return { type: 'volume', volume: volume.name, source, target, readOnly, anonymous, noCopy: mount.noCopy ?? false };
}

async function planDisk(mount: DiskSpec, target: string, readOnly: boolean): Promise<MountRecord> {
  const source = posix.normalize(mount.source);
  const format = diskFormat(source, mount.format);
  const { handle } = await openDiskFile(source, format, readOnly);
  await handle.close();
  const fstype = mount.fstype === undefined ? null : checkFileSystem(mount.fstype);
  return { type: 'disk', source, target, readOnly, format, fstype, partition: mount.partition ?? null };
}

/** Removes the volumes that nobody gave a name, as the pod that had them goes. */
export async function removeAnonymous(
  mounts: readonly MountRecord[],
  volumes: Volumes,
  isUsed: (volume: string) => boolean,
): Promise<void> {
  for (const mount of mounts) {
    if (mount.type !== 'volume' || !mount.anonymous || isUsed(mount.volume)) continue;
    if (volumes.list().some(({ name }) => name === mount.volume)) await volumes.remove(mount.volume);
  }
}

/** The pods, of these, that have a volume. */
export function usersOf(volume: string, pods: readonly PodRecord[]): PodRecord[] {
  return pods.filter(({ containers }) =>
    containers.some(({ mounts }) => mounts.some((mount) => mount.type === 'volume' && mount.volume === volume)),
  );
}

/** `/data/../srv//` is `/srv`. */
export function normalTarget(path: string): string {
  const normal = posix.normalize(path);
  return normal.length > 1 && normal.endsWith('/') ? normal.slice(0, -1) : normal;
}
