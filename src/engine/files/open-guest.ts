import { HyperError } from '../../lib/errors.ts';
import { livesOf } from '../live-pod.ts';
import { isInGuest } from '../live-limits.ts';
import type { EngineOptions } from '../pod-context.ts';
import type { Target } from '../pods.ts';
import type { GuestAccess } from './guest-access.ts';
import { openRestingVm } from './resting-vm.ts';

/** The guest of a pod that runs; else one that is started for it and has its disks, while the pod cannot be started. */
export async function openGuest(
  { pod, container: { record: container } }: Target,
  options: EngineOptions,
  signal: AbortSignal,
): Promise<GuestAccess> {
  if (!pod.active) {
    const resting = await openRestingVm(pod, container, options, signal);
    if (resting !== undefined) return resting;
  }
  const { run } = livesOf(pod);
  if (!isInGuest(container)) {
    const why = `container ${container.name} was added while its pod runs, and has no files before its start`;
    throw new HyperError('conflict', `${why}: start it with 'hyper start -c ${container.name}'`);
  }
  return { run, container, [Symbol.asyncDispose]: () => Promise.resolve() };
}
