import type { ContainerRecord } from '../store/index.ts';

/** A file of a container's cgroup in its guest (guest/agent/cgroup.c). */
export function cgroupFile({ number }: Pick<ContainerRecord, 'number'>, file: string): string {
  return `/sys/fs/cgroup/pod/container-${number}/${file}`;
}
