import type { ContainerSetup } from '../guest/index.ts';
import { HyperError } from '../lib/errors.ts';
import type { ContainerRecord, PodRecord } from '../store/index.ts';
import type { DiskLimits } from '../vm/index.ts';
import type { ContainerLimitsSpec, PodLimitsSpec } from './limits-spec.ts';
import { podDefaults, type PodSpec } from './pod-spec.ts';

/** As Docker's. */
const defaultShmBytes = 64 << 20;
/** Of the scheduler, as Docker's. */
const cpuPeriodMicroseconds = 100_000;

/** What is stored of a container's limits. */
export function containerLimits(
  spec: ContainerLimitsSpec,
): Pick<ContainerRecord, 'cpus' | 'memoryLimitMiB' | 'pidsLimit' | 'shmSizeBytes'> {
  const { cpus = null, memoryLimitMiB = null, pidsLimit = 0, shmSizeBytes = defaultShmBytes } = spec;
  return { cpus, memoryLimitMiB, pidsLimit: pidsLimit > 0 ? pidsLimit : null, shmSizeBytes };
}

/** What is stored of a pod's limits. @throws HyperError `bad_request` where its containers are to have more than it has */
export function podLimits(
  spec: PodLimitsSpec & Pick<PodSpec, 'vcpus' | 'memoryMiB'> & { readonly containers: readonly ContainerLimitsSpec[] },
): Pick<PodRecord, 'diskBytesPerSecond' | 'diskIops' | 'sysctls'> {
  const { vcpus = podDefaults.vcpus, memoryMiB = podDefaults.memoryMiB } = spec;
  const { diskBytesPerSecond = null, diskIops = null, sysctls = {} } = spec;
  for (const { cpus = 0, memoryLimitMiB = 0 } of spec.containers) {
    if (memoryLimitMiB > memoryMiB) {
      throw new HyperError(
        'bad_request',
        `memoryLimitMiB: ${memoryLimitMiB} is more than the VM has: give at most ${memoryMiB}, or more memoryMiB`,
      );
    }
    if (cpus <= vcpus) continue;
    const has = `${vcpus} CPU${vcpus === 1 ? '' : 's'}`;
    throw new HyperError(
      'bad_request',
      `cpus: ${cpus} is more than the VM has: give 0.01 to ${vcpus}, for it has ${has}, or more vcpus`,
    );
  }
  return { diskBytesPerSecond, diskIops, sysctls: { ...sysctls } };
}

/** A container's limits as the agent takes them. */
export function agentLimits(
  { cpus, memoryLimitMiB, pidsLimit, shmSizeBytes }: ContainerRecord,
  { sysctls }: PodRecord,
): Pick<ContainerSetup, 'shmBytes' | 'pidsMax' | 'cpuMax' | 'memoryMax' | 'sysctls'> {
  return {
    shmBytes: shmSizeBytes,
    sysctls,
    ...(memoryLimitMiB === null ? {} : { memoryMax: memoryLimitMiB * 2 ** 20 }),
    ...(pidsLimit === null ? {} : { pidsMax: pidsLimit }),
    ...(cpus === null ? {} : { cpuMax: `${Math.round(cpus * cpuPeriodMicroseconds)} ${cpuPeriodMicroseconds}` }),
  };
}

export function diskLimits({ diskBytesPerSecond, diskIops }: PodRecord): DiskLimits {
  return { bytesPerSecond: diskBytesPerSecond, iops: diskIops };
}
