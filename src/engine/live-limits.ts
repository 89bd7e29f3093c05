import { isDeepStrictEqual } from 'node:util';
import { HyperError, messageOf } from '../lib/errors.ts';
import type { ContainerRecord, PodRecord } from '../store/index.ts';
import { cgroupFile } from './guest-cgroups.ts';
import { agentLimits, diskLimits } from './limits.ts';
import type { EngineOptions } from './pod-context.ts';
import { replaceEndpoint } from './pod-ports.ts';
import type { PodRun } from './pod-run.ts';

const MiB = 2 ** 20;

/** What of a pod's record can change while its VM runs, and what of one of its containers'. */
export type PodLimits = Pick<PodRecord, 'diskBytesPerSecond' | 'diskIops' | 'rate'>;
export type ContainerLimits = Pick<ContainerRecord, 'cpus' | 'memoryLimitMiB' | 'pidsLimit'>;

/**
 * Sets new limits in a VM that runs. The caller stores them; where one cannot be set, those from before are set again. A hyperd
 * that dies meanwhile leaves `limitsChanging` in the record: the next one sets what is stored.
 *
 * @param container undefined: its limits stay
 * @throws HyperError `conflict` where the container uses more memory than it is to have
 */
export async function changeLimits(
  record: PodRecord,
  run: PodRun,
  ofPod: PodLimits,
  container: { readonly record: ContainerRecord; readonly limits: ContainerLimits } | undefined,
  options: EngineOptions,
): Promise<void> {
  if (container !== undefined) await refuseBelowUsage(container.record, container.limits, run);
  record.limitsChanging = true;
  options.store.savePod(record);
  try {
    const limited = container === undefined ? [] : [{ ...container.record, ...container.limits }];
    await setLimits(record, { ...record, ...ofPod }, limited, run, options);
  } catch (error) {
    const before = container === undefined ? [] : [container.record];
    await setLimits(record, { ...record }, before, run, options, true).catch((left: unknown) => {
      options.log.error({ pod: record.id, error: messageOf(left) }, 'a VM is left with limits that are not stored');
    });
    record.limitsChanging = false;
    options.store.keepPod(record);
    throw error;
  }
  record.limitsChanging = false;
}

/** A hyperd died while it set new limits: those that are stored count. */
export async function finishLimits(record: PodRecord, run: PodRun, options: EngineOptions): Promise<void> {
  if (!record.limitsChanging) return;
  await setLimits(record, { ...record }, record.containers, run, options, true);
  record.limitsChanging = false;
  options.store.keepPod(record);
}

/** @param all also what is as the record says already */
async function setLimits(
  record: PodRecord,
  wanted: PodRecord,
  containers: readonly ContainerRecord[],
  run: PodRun,
  { networks }: EngineOptions,
  all = false,
): Promise<void> {
  for (const container of containers) {
    if (!isInGuest(container)) continue;
    await run.agent.limitContainer(container.number, agentLimits(container, record));
  }
  if (all || !isDeepStrictEqual(diskLimits(record), diskLimits(wanted))) {
    await run.vm.limitDisk('scratch', diskLimits(wanted));
  }
  for (const endpoint of [...record.endpoints]) {
    if (!all && isDeepStrictEqual(endpoint.rate, wanted.rate)) continue;
    replaceEndpoint(record, await networks.limit(endpoint, wanted.rate));
  }
}

/** The kernel would kill what uses more. What is on disk as well can be let go: it does not count. */
async function refuseBelowUsage(
  container: ContainerRecord,
  { memoryLimitMiB }: ContainerLimits,
  { agent }: PodRun,
): Promise<void> {
  if (memoryLimitMiB === null || memoryLimitMiB === container.memoryLimitMiB || !isInGuest(container)) return;
  const [stat = Buffer.alloc(0)] = await agent.readFiles([cgroupFile(container, 'memory.stat')]);
  const bytesOf = (name: string): number => Number(new RegExp(`^${name} (\\d+)$`, 'm').exec(stat.toString())?.[1] ?? 0);
  const usedMiB = Math.ceil((bytesOf('anon') + bytesOf('shmem')) / MiB);
  if (usedMiB > memoryLimitMiB) {
    throw new HyperError(
      'conflict',
      `container ${container.name} uses ${usedMiB} MiB of memory: give more than that, or stop it first`,
    );
  }
}

/** It has been made in this VM: it has a cgroup, which its further processes are in. */
export function isInGuest({ startedAt, waiting }: Pick<ContainerRecord, 'startedAt' | 'waiting'>): boolean {
  return startedAt !== null || waiting;
}
