import { chmod } from 'node:fs/promises';
import { posix } from 'node:path';
import { HyperError } from '../lib/errors.ts';
import type { ContainerRecord, MountRecord, PodRecord } from '../store/index.ts';
import { checkBindSource, checkFileSystem, diskFormat, openDiskFile, parseNfs, type Volumes } from '../volume/index.ts';
import type { EngineOptions } from './pod-context.ts';
import type { ContainerSpec, DiskSpec, MountSpec } from './pod-spec.ts';

/**
 * A container's mounts as they are stored; what a bind needs on this host is there then, and volumes are made.
 *
 * @param inUse whether a stored pod has a volume, which a failure must leave
 * @throws HyperError `bad_request` for paths that cannot be, and for two mounts at one.
 */
export async function planMounts(
  { mounts = [], tmpfs = [] }: ContainerSpec,
  podId: string,
  volumes: Volumes,
  inUse: (volume: string) => boolean,
): Promise<MountRecord[]> {
  const taken = new Set(tmpfs.map(({ path }) => normalTarget(path)));
  for (const target of taken) refuseOfKernel(target);
  for (const mount of mounts) {
    const target = normalTarget(mount.target);
    if (target === '/') throw new HyperError('bad_request', "invalid mount: its target can't be '/'");
    refuseOfKernel(target);
    if (taken.has(target)) throw new HyperError('bad_request', `Duplicate mount point: ${target}`);
    taken.add(target);
  }
  const planned: MountRecord[] = [];
  try {
    for (const mount of mounts) planned.push(await planMount(mount, podId, volumes));
    return planned;
  } catch (error) {
    await removeOwn(planned, volumes, true, inUse);
    throw error;
  }
}

async function planMount(mount: MountSpec, podId: string, volumes: Volumes): Promise<MountRecord> {
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
  const { labels, options, noCopy = false, ofPod = false } = mount;
  const given = mount.source ?? '';
  if (ofPod && given === '') throw new HyperError('bad_request', 'a volume of the pod needs a name: give its source');
  const volume = await volumes.create({ name: ofPod ? `${podId}-${given}` : given, labels, options });
  const source = volumes.path(volume);
  // As Kubernetes' emptyDir: containers that run as any user may write it.
  if (ofPod && noCopy && volume.kind === 'folder') await chmod(source, 0o777);
  return {
    ...{ type: 'volume', volume: volume.name, source, target, readOnly, noCopy, ofPod },
    anonymous: given === '',
  };
}

async function planDisk(mount: DiskSpec, target: string, readOnly: boolean): Promise<MountRecord> {
  const source = posix.normalize(mount.source);
  const format = diskFormat(source, mount.format);
  const { handle } = await openDiskFile(source, format, readOnly);
  await handle.close();
  const fstype = mount.fstype === undefined ? null : checkFileSystem(mount.fstype);
  return { type: 'disk', source, target, readOnly, format, fstype, partition: mount.partition ?? null };
}

/** Removes the volumes of a pod that goes: its own, and with `anonymous` those that nobody gave a name. */
export async function removeOwn(
  mounts: readonly MountRecord[],
  volumes: Volumes,
  anonymous: boolean,
  isUsed: (volume: string) => boolean,
): Promise<void> {
  for (const mount of mounts) {
    if (!isOwn(mount, anonymous) || isUsed(mount.volume)) continue;
    if (volumes.list().some(({ name }) => name === mount.volume)) await volumes.remove(mount.volume);
  }
}

/** Those of containers that go, and with `anonymous` those that were made for them; others may have named one nevertheless. */
export async function removeVolumesOf(
  containers: readonly Pick<ContainerRecord, 'id' | 'mounts'>[],
  anonymous: boolean,
  { store, volumes }: Pick<EngineOptions, 'store' | 'volumes'>,
): Promise<void> {
  const mounts = containers.flatMap((container) => container.mounts);
  if (!mounts.some((mount) => isOwn(mount, anonymous))) return;
  await volumes.use.run(async () => {
    const leaving = new Set(containers.map(({ id }) => id));
    const others = store
      .pods()
      .map((pod) => ({ ...pod, containers: pod.containers.filter(({ id }) => !leaving.has(id)) }));
    await removeOwn(mounts, volumes, anonymous, (volume) => usersOf(volume, others).length > 0);
  });
}

/** It goes with its pod. */
function isOwn(mount: MountRecord, anonymous: boolean): mount is MountRecord & { readonly type: 'volume' } {
  return mount.type === 'volume' && (mount.ofPod || (anonymous && mount.anonymous));
}

/** The pods, of these, that have a volume. */
export function usersOf(volume: string, pods: readonly PodRecord[]): PodRecord[] {
  return pods.filter(({ containers }) =>
    containers.some(({ mounts }) => mounts.some((mount) => mount.type === 'volume' && mount.volume === volume)),
  );
}

/** What a container has of its kernel: runc refuses all of /proc too, and what stands on a mount of /sys or /dev would lack it. */
function refuseOfKernel(target: string): void {
  if (target !== '/dev' && !/^\/(?:proc|sys)(?:\/|$)/.test(target)) return;
  const why = "it is the container's view of its own kernel, which nothing may hide";
  throw new HyperError('bad_request', `invalid mount: its target can't be ${target}: ${why}: choose another path`);
}

/** `/data/../srv//` is `/srv`. */
export function normalTarget(path: string): string {
  const normal = posix.normalize(path);
  return normal.length > 1 && normal.endsWith('/') ? normal.slice(0, -1) : normal;
}
