import { truncate } from 'node:fs/promises';
import { isDeepStrictEqual } from 'node:util';
import { HyperError } from '../lib/errors.ts';
import { exists } from '../lib/exists.ts';
import type { TrafficRate } from '../network/index.ts';
import type { ContainerRecord, PodRecord, RestartPolicy } from '../store/index.ts';
import { podLimits } from './limits.ts';
import { changeLimits, type ContainerLimits } from './live-limits.ts';
import { refuseRemoved } from './live-pod.ts';
import { planRate } from './network-plan.ts';
import type { EngineOptions } from './pod-context.ts';
import { scratchPath } from './pod-run.ts';
import type { Target } from './pods.ts';
import { restartOf } from './restart-policy.ts';
import { refuseTooManyVcpus } from './vcpu-bound.ts';

/** What is to change of a pod and of one of its containers; what is left out stays, null is no limit. */
export interface PodUpdate {
  readonly cpus?: number | null | undefined;
  readonly memoryLimitMiB?: number | null | undefined;
  /** -1 and 0 are no limit as well. */
  readonly pidsLimit?: number | null | undefined;
  readonly diskBytesPerSecond?: number | null | undefined;
  readonly diskIops?: number | null | undefined;
  readonly rate?: TrafficRate | undefined;
  readonly restartPolicy?: RestartPolicy | undefined;
  readonly maxRestarts?: number | undefined;
  readonly vcpus?: number | undefined;
  readonly memoryMiB?: number | undefined;
  readonly storageMiB?: number | undefined;
}

const sizes = ['vcpus', 'memoryMiB', 'storageMiB'] as const;
type Sizes = Pick<PodRecord, (typeof sizes)[number]>;

/**
 * Changes limits and the restart policy of a pod, in its VM where it runs, and the VM's own size where it does not: all of
 * it or nothing.
 *
 * @throws HyperError `conflict` for what a running VM keeps to its end, `bad_request` for more than the VM has
 */
export async function updatePod({ pod, container }: Target, update: PodUpdate, options: EngineOptions): Promise<void> {
  await pod.lock.run(async () => {
    const { record, lives } = pod;
    refuseRemoved(pod);
    refuseTooManyVcpus(update.vcpus, options.hypervisor.describe());
    const size = sizeOf(record, update);
    const ofContainer = containerLimitsOf(container.record, update);
    const ofPod = podLimitsOf(record, update);
    const restart = restartPolicyOf(record, update);
    refuseMoreThanThereIs(record, size, { record: container.record, limits: ofContainer });
    let isDone = false;
    if (lives !== undefined) {
      refuseSize(record, size);
      const limited = isChanged(container.record, ofContainer)
        ? { record: container.record, limits: ofContainer }
        : undefined;
      isDone = limited !== undefined || isChanged(record, ofPod);
      if (isDone) await changeLimits(record, lives.run, ofPod, limited, options);
    } else {
      await grow(scratchPath(options.podsDir, record), record, size);
    }
    const before = { pod: { ...record }, container: { ...container.record } };
    Object.assign(container.record, ofContainer);
    Object.assign(record, { ...size, ...ofPod, ...restart });
    if (isDone) {
      options.store.keepPod(record);
      return;
    }
    options.store.savePod(record, () => {
      Object.assign(record, before.pod);
      Object.assign(container.record, before.container);
    });
  });
}

function sizeOf(record: PodRecord, update: PodUpdate): Sizes {
  const { vcpus = record.vcpus, memoryMiB = record.memoryMiB, storageMiB = record.storageMiB } = update;
  return { vcpus, memoryMiB, storageMiB };
}

function containerLimitsOf(record: ContainerRecord, update: PodUpdate): ContainerLimits {
  const { cpus = record.cpus, memoryLimitMiB = record.memoryLimitMiB, pidsLimit = record.pidsLimit } = update;
  return { cpus, memoryLimitMiB, pidsLimit: pidsLimit !== null && pidsLimit > 0 ? pidsLimit : null };
}

function podLimitsOf(
  record: PodRecord,
  update: PodUpdate,
): Pick<PodRecord, 'diskBytesPerSecond' | 'diskIops' | 'rate'> {
  const { diskBytesPerSecond = record.diskBytesPerSecond, diskIops = record.diskIops } = update;
  return { diskBytesPerSecond, diskIops, rate: update.rate === undefined ? record.rate : planRate(update.rate) };
}

function restartPolicyOf(
  { restartPolicy, maxRestarts, autoRemove }: PodRecord,
  update: PodUpdate,
): Pick<PodRecord, 'restartPolicy' | 'maxRestarts'> {
  if (update.restartPolicy === undefined && update.maxRestarts === undefined) return { restartPolicy, maxRestarts };
  const asked = { restartPolicy: update.restartPolicy ?? restartPolicy, maxRestarts: update.maxRestarts ?? null };
  const planned = restartOf({ ...asked, autoRemove });
  return { restartPolicy: planned.restartPolicy, maxRestarts: planned.maxRestarts };
}

function refuseMoreThanThereIs(
  { containers }: PodRecord,
  size: Sizes,
  changed: { readonly record: ContainerRecord; readonly limits: ContainerLimits },
): void {
  const limits = containers.map((each) => (each === changed.record ? changed.limits : each));
  const asked = limits.map(({ cpus, memoryLimitMiB }) => ({
    cpus: cpus ?? undefined,
    memoryLimitMiB: memoryLimitMiB ?? undefined,
  }));
  podLimits({ ...size, containers: asked });
}

function refuseSize(record: PodRecord, size: Sizes): void {
  const changed = sizes.filter((name) => record[name] !== size[name]);
  if (changed.length === 0) return;
  const advice = `'hyper stop ${record.name}' first; a container can be bound meanwhile, by --cpus, and by --memory with -c`;
  throw new HyperError('conflict', `pod ${record.name} runs, and its VM keeps its ${changed.join(', ')}: ${advice}`);
}

/** The disk of the writable layer, where there is one: its guest makes its file system larger at the next start. */
async function grow(path: string, record: PodRecord, { storageMiB }: Sizes): Promise<void> {
  if (storageMiB === record.storageMiB || !(await exists(path))) return;
  if (storageMiB < record.storageMiB) {
    throw new HyperError(
      'conflict',
      `the writable layer of ${record.name} has ${record.storageMiB} MiB, and cannot be made smaller: give more than that`,
    );
  }
  await truncate(path, storageMiB * 2 ** 20);
  record.storageHasGrown = true;
}

function isChanged<T extends object>(record: T, limits: Partial<T>): boolean {
  return Object.entries(limits).some(([name, value]) => !isDeepStrictEqual(Reflect.get(record, name), value));
}
