import type { MountSpec } from '../../contract/index.ts';
import { showFound } from '../found.ts';
import { normalPath } from '../normal-path.ts';
import type { FieldPath, Problems } from '../problems.ts';
import type { VolumeFields, VolumeMountFields } from '../schema/volume-fields.ts';
import { lookUp, noteOnce } from './by-name.ts';

export type NamedVolumes = ReadonlyMap<string, { readonly item: VolumeFields; readonly at: FieldPath }>;

/** As large as the first Hyper made them. */
const defaultDiskSize = '10g';

/** A container's mounts, in their order. */
export function translateMounts(
  mounts: readonly VolumeMountFields[],
  volumes: NamedVolumes,
  at: FieldPath,
  problems: Problems,
): MountSpec[] {
  const paths = new Set<string>();
  const used = new Set<string>();
  return mounts.flatMap((mount, index) => {
    const place = [...at, index];
    const path = normalPath(mount.path);
    noteOnce(paths, path, [...place, 'path'], problems);
    const found = volumeOf(mount, volumes, place, problems);
    if (found === undefined) return [];
    const { volume, at: volumeAt } = found;
    noteOnce(used, volume.name, [...place, 'volume'], problems);
    const translated = translateVolume(volume, { target: path, readOnly: mount.readOnly ?? false }, volumeAt, problems);
    return translated === undefined ? [] : [translated];
  });
}

function volumeOf(
  { volume: name, detail, path }: VolumeMountFields,
  volumes: NamedVolumes,
  at: FieldPath,
  problems: Problems,
): { readonly volume: VolumeFields; readonly at: FieldPath } | undefined {
  if (detail !== undefined) {
    if (name !== undefined && detail.name !== undefined && detail.name !== name) {
      problems.add(
        [...at, 'detail', 'name'],
        `must be the name in volume, ${showFound(name)}, found ${showFound(detail.name)}`,
      );
    }
    const ownName = name ?? detail.name ?? `${at.join('-')}${path.replace(/[^a-zA-Z0-9]+/g, '-')}`;
    return { volume: { ...detail, name: ownName }, at: [...at, 'detail'] };
  }
  if (name === undefined) {
    problems.add([...at, 'volume'], "is missing: it must be the name of one of the pod's volumes, or give detail");
    return undefined;
  }
  const volume = lookUp(volumes, name, { at: [...at, 'volume'], list: 'volumes' }, problems);
  return volume === undefined ? undefined : { volume, at: volumes.get(name)?.at.slice(0, -1) ?? at };
}

function translateVolume(
  volume: VolumeFields,
  mount: { readonly target: string; readonly readOnly: boolean },
  at: FieldPath,
  problems: Problems,
): MountSpec | undefined {
  const { source, driver, name, size, fstype } = volume;
  const format = volume.format ?? driver;
  if (driver !== undefined && format !== driver) {
    problems.add(
      [...at, 'driver'],
      `is the old name of format: give one of them, found ${showFound(driver)} and ${showFound(format)}`,
    );
  }
  const isFreshDisk = source === undefined && (format === 'raw' || format === 'qcow2');
  const isDisk = format === 'raw' || format === 'qcow2';
  if (volume.size !== undefined && !isFreshDisk) {
    problems.add([...at, 'size'], 'is for a fresh disk: give the format raw too, and no source');
  }
  for (const key of ['fstype', 'cache'] as const) {
    if (volume[key] !== undefined && !isDisk) problems.add([...at, key], 'is for a disk: give the format raw or qcow2');
  }
  if (isFreshDisk) {
    if (volume.fstype !== undefined && volume.fstype !== 'ext4') {
      problems.add([...at, 'fstype'], `must be ext4 for a fresh disk, found ${showFound(volume.fstype)}`);
    }
    return {
      type: 'volume',
      ofPod: true,
      source: name,
      ...mount,
      options: { type: 'disk', size: size ?? defaultDiskSize },
    };
  }
  switch (format) {
    case 'raw':
    case 'qcow2':
      if (source?.startsWith('/') !== true) break;
      return { type: 'disk', source, format, ...mount, ...(fstype === undefined ? {} : { fstype }) };
    case 'nas':
      if (source === undefined || !/^[^/]+:\//.test(source)) {
        problems.add([...at, 'source'], `must be HOST:/path for nas, found ${showFound(source)}`);
        return undefined;
      }
      return { type: 'nfs', source, ...mount };
    case 'volume':
      return { type: 'volume', source: source ?? name, ...mount };
    case 'vfs':
    case undefined:
      if (source === undefined) return { type: 'volume', ofPod: true, source: name, ...mount };
      if (format === undefined) {
        problems.add([...at, 'format'], `is missing: it must be vfs for a path of the host, as ${showFound(source)}`);
        return undefined;
      }
      if (source.startsWith('/')) return { type: 'bind', source, ...mount };
  }
  problems.add([...at, 'source'], `must be an absolute path, found ${showFound(source)}`);
  return undefined;
}
