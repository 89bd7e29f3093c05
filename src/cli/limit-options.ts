import { cpus as processors } from 'node:os';
import type { Command } from 'commander';
import { bounds } from '../contract/bounds.ts';
import type { PodSpec } from '../contract/index.ts';
import { collect } from './collect.ts';
import { UsageError } from './usage-error.ts';
import { parseBounded } from './values/container-values.ts';
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
    .option('--cpus <number>', 'processor time, as 1.5 (default: all that --cpu gives)', parseCpus)
    .option('--pids-limit <number>', 'processes and threads; -1 for no limit (default: -1)', parsePidsLimit)
    .option('--shm-size <size>', 'of /dev/shm, in bytes, or as 256m (default: 64m)', (text) =>
      parseBytes(text, '--shm-size', { ...bounds.shmSizeBytes, example: '256m' }),
    )
    .option('--disk-rate <size>', 'bytes a second of the writable layer, or as 10m (default: no limit)', (text) =>
      parseBytes(text, '--disk-rate', { ...bounds.diskBytesPerSecond, example: '10m' }),
    )
    .option('--disk-iops <number>', 'reads and writes a second of the writable layer (default: no limit)', (text) =>
      parseBounded(text, '--disk-iops', bounds.diskIops),
    )
    .option('--sysctl <name=value>', "set one of the pod's kernel: net.core.somaxconn=1024", collect);
}

/**
 * The VM's processors: those of --cpu, else as many as --cpus takes of this machine's, as docker's users know it; undefined:
 * neither was given.
 */
export function vcpusOf({ cpu, cpus }: LimitOptions, ofHost = processors().length): number | undefined {
  if (cpus === undefined) return cpu;
  if (cpu !== undefined && cpus > cpu) {
    throw new UsageError(
      `--cpus is ${cpus}, and the VM has ${cpu}: give 0.01 to ${cpu}, or more of them with --cpu ${Math.ceil(cpus)}`,
    );
  }
  if (cpu === undefined && cpus > ofHost) {
    throw new UsageError(`--cpus is ${cpus}, and this machine has ${ofHost}: give 0.01 to ${ofHost}`);
  }
  return cpu ?? (cpus > 1 ? Math.ceil(cpus) : undefined);
}

export function containerLimitsOf({ cpus, pidsLimit, shmSize }: LimitOptions): ContainerLimits {
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
