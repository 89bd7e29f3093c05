import type { Volume } from '../../contract/index.ts';

/** A volume in docker's words, for `ls --format`. */
export function volumeRow(volume: Volume) {
  const { name, driver, mountpoint, labels, pods, kind, createdAt, anonymous } = volume;
  return {
    ...{ Driver: driver, Name: name, Mountpoint: mountpoint, Scope: 'local', Labels: labels, Links: pods.length },
    ...{ Kind: kind, Anonymous: anonymous, CreatedAt: createdAt, Pods: pods.join(',') },
  };
}

/** All about it, in docker's shape, and what docker has no word for. */
export function volumeDetails(volume: Volume) {
  const { name, driver, mountpoint, labels, options, pods, kind, createdAt, anonymous, sizeBytes } = volume;
  return {
    ...{ CreatedAt: createdAt, Driver: driver, Labels: labels, Mountpoint: mountpoint, Name: name, Options: options },
    ...{ Scope: 'local', Kind: kind, SizeBytes: sizeBytes, Anonymous: anonymous, Pods: pods },
  };
}
