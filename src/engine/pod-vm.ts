import { HyperError, messageOf } from '../lib/errors.ts';
import type { VmId } from '../lib/ids.ts';
import type { PodRecord } from '../store/index.ts';
import type { VmRecord } from '../vm/index.ts';
import { killProbesLeft } from './health/index.ts';
import { heldDisks } from './mounted-disks.ts';
import type { EngineOptions } from './pod-context.ts';
import { finishLimits } from './live-limits.ts';
import { leaveNetworks } from './pod-networks.ts';
import { PodRun } from './pod-run.ts';
import { routeServices } from './pod-services.ts';
import type { StartingPod } from './pod-start.ts';

/** At hyperd's start nobody gives a wait up. */
const never = new AbortController().signal;

/** Ids are branded in code and plain text in the store. */
function vmRecord(stored: NonNullable<PodRecord['vm']>): VmRecord {
  return { ...stored, id: stored.id as VmId };
}

/** Removes what a pod's VM had on this host, and forgets it in the record, which the caller stores. */
export async function releaseVm(record: PodRecord, { supply, volumes, log }: EngineOptions): Promise<void> {
  const { vm, endpoints } = record;
  if (vm === null && endpoints.length === 0) {
    volumes.holders.letGo(record.id);
    return;
  }
  try {
    await supply.release({ vm: vm === null ? null : vmRecord(vm), endpoints });
  } catch (error) {
    log.error({ pod: record.id, vm: vm?.id, error }, 'a VM left something behind: the next start of hyperd removes it');
  }
  record.vm = null;
  record.endpoints = [];
  volumes.holders.letGo(record.id);
}

/**
 * After a restart of hyperd: goes on with a pod whose VM still runs. Answers with what to record when it does not, and
 * with undefined for a pod that had ended.
 *
 * @param onFound takes back what else runs in it, before its agent listens
 */
export async function resumePod(
  { record, containers }: StartingPod,
  options: EngineOptions,
  onFound: (run: PodRun) => void,
): Promise<PodRun | HyperError | undefined> {
  const { hypervisor, log } = options;
  if (record.state !== 'running' && record.state !== 'paused') {
    const starts = record.state === 'pending' && (record.vm !== null || record.finishedAt !== null);
    if (record.vm !== null) {
      await releaseVm(record, options);
      options.store.keepPod(record);
    }
    return starts ? new HyperError('vm_failed', 'hyperd ended while the pod started') : undefined;
  }
  // It counts before anybody may start another one: looking for it takes its time.
  if (record.vm !== null) options.supply.adopt({ vm: vmRecord(record.vm) }, record.memoryMiB);
  const { volumes } = options;
  for (const disk of await heldDisks(record, volumes)) await volumes.holders.hold(disk, record, never);
  const vm = record.vm === null ? undefined : await hypervisor.find(vmRecord(record.vm));
  if (vm === undefined) return new HyperError('vm_failed', 'its VM ended while hyperd was away');
  try {
    for (const container of containers) await container.openLog(true);
    const known = containers.flatMap(({ positions }) => positions);
    const run = await PodRun.resume(vm, record, known, options);
    for (const container of containers) {
      const { state, process } = container.record;
      // One that was being started again when hyperd went may run by now.
      if (state === 'pending' && run.knows(process)) container.markRunning(new Date().toISOString());
      if (container.record.state === 'running') container.expect(run);
    }
    onFound(run);
    run.listen(log);
    // The one that went may have died between the two.
    await run.agent.freeze(record.state === 'paused');
    await killProbesLeft(run);
    await leaveNetworks(record, run, options);
    await routeServices(record, run, options); // those that were added, and not told of
    await finishLimits(record, run, options).catch((error: unknown) => {
      log.warn({ pod: record.id, error }, 'limits that were being changed could not be set'); // tried again by the next hyperd
    });
    log.info({ pod: record.id, vm: vm.record.id }, 'pod found again');
    return run;
  } catch (error) {
    await vm.kill();
    return new HyperError('vm_failed', `its VM was lost: ${messageOf(error)}`, { cause: error });
  }
}
