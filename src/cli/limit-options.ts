import type { Command } from 'commander';
import type { PodSpec } from '../contract/index.ts';
import { collect } from './collect.ts';
import { UsageError } from './usage-error.ts';
import { parseWhole } from './values/container-values.ts';
import { parseCpus, parsePidsLimit, parseSysctls } from './values/limits.ts';
import { parseBytes } from './values/memory.ts';

/** The limits that `run` and `create` are told of, as commander gives them. */
export interface LimitOptions {
  readonly cpu?: number;
  readonly cpus?: number;
  readonly pidsLimit?: number;
  readonly shmSize?: number;
  readonly diskRate?: number;
  readonly diskIops?: number;
  readonly sysctl?: readonly string[];
}

type ContainerLimits = Pick<PodSpec['containers'][number], 'cpus' | 'pidsLimit' | 'shmSizeBytes'>;
type PodLimits = Pick<PodSpec, 'diskBytesPerSecond' | 'diskIops' | 'sysctls'>;

/** What a container and its VM may use, beside processors, memory and storage. */
export function addLimitOptions(command: Command): Command {
  return command
    .option('--cpus <number>', 'processor time, as 1.5, of what --cpu gives (default: all)', parseCpus)
    .option('--pids-limit <number>', 'processes and threads; -1 for no limit (default: -1)', parsePidsLimit)
    .option('--shm-size <size>', 'of /dev/shm, in bytes, or as 256m (default: 64m)', (text) =>
      parseBytes(text, '--shm-size', { least: 4096, example: '256m' }),
    )
    .option('--disk-rate <size>', 'bytes a second of the writable layer, or as 10m (default: no limit)', (text) =>
      parseBytes(text, '--disk-rate', { least: 65536, example: '10m' }),
    )
    .option('--disk-iops <number>', 'reads and writes a second of the writable layer (default: no limit)', (text) =>
      parseWhole(text, '--disk-iops', 10),
    )
    .option('--sysctl <name=value>', "set one of the pod's kernel: net.core.somaxconn=1024", collect);
}

export function containerLimitsOf({ cpu = 1, cpus, pidsLimit, shmSize }: LimitOptions): ContainerLimits {
  if (cpus !== undefined && cpus > cpu) {
    throw new UsageError(
      `--cpus is ${cpus}, and the VM has ${cpu}: give 0.01 to ${cpu}, or more of them with --cpu ${Math.ceil(cpus)}`,
    );
  }
  return {
    ...(cpus === undefined ? {} : { cpus }),
    ...(pidsLimit === undefined ? {} : { pidsLimit }),
    ...(shmSize === undefined ? {} : { shmSizeBytes: shmSize }),
  };
}

export function podLimitsOf({ diskRate, diskIops, sysctl }: LimitOptions): PodLimits {
  return {
    ...(diskRate === undefined ? {} : { diskBytesPerSecond: diskRate }),
    ...(diskIops === undefined ? {} : { diskIops }),
    ...(sysctl === undefined ? {} : { sysctls: parseSysctls(sysctl) }),
  };
}
