import { HyperError, messageOf } from '../lib/errors.ts';
import type { PodRecord } from '../store/index.ts';
import { defaultStopTimeoutMs } from './container-lives.ts';
import { doesNotRun, refuseRemoved } from './live-pod.ts';
import type { Pod } from './pod.ts';
import type { EngineOptions } from './pod-context.ts';
import { timeout } from './timeout.ts';
import { needsShares } from './vm-desk.ts';

export interface ReplaceOptions {
  /** How long the old pod's processes may take to end. */
  readonly timeoutMs?: number | undefined;
  readonly signal: AbortSignal;
}

/**
 * Has one pod take another's place: its addresses, and its published ports where the new one names none. The new one's VM is
 * made ready before the old one ends, so that nobody waits for it. A VM is never another pod's again: nothing can tell
 * that what ran in it has not changed its kernel.
 *
 * @throws HyperError where the new one cannot be started; the old one is started again then, unless its user has stopped it
 */
export async function replacePod(
  [old, next]: readonly [old: Pod, next: Pod],
  pods: readonly Pod[],
  options: EngineOptions,
  asked: ReplaceOptions,
): Promise<void> {
  const { supply, store, log } = options;
  const { record } = next;
  if (old === next) throw new HyperError('bad_request', `pod ${record.name} cannot take its own place`);
  checkStates(old, next);
  refuseSecond(old, next, pods);
  old.record.replacedBy = record.id; // stored before it is stopped; taken back where its user stops it meanwhile
  const isToGo = (): boolean => old.record.replacedBy === record.id;
  const { vcpus, memoryMiB } = record;
  const isWarm = record.networks.length > 0 && !needsShares(record);
  const own = { networks: record.networks, ports: record.ports };
  let stopped = false;
  let vm: string | undefined;
  try {
    vm = isWarm ? (await supply.keep({ vcpus, memoryMiB }, asked.signal)).id : undefined;
    checkStates(old, next); // others may have done something to both while the VM was made
    const left = { endpoints: [...old.record.endpoints], ports: old.record.ports };
    store.savePod(old.record);
    await old.stop(asked.timeoutMs, { by: 'replacement' });
    stopped = true;
    await old.settled(); // its addresses and ports are free then
    takePlace(left, record); // stored with its start: where hyperd dies before it, the pod is as it was
    await next.start(undefined, vm);
    forget(old, store);
  } catch (error) {
    if (vm !== undefined) await supply.kept.remove(vm).catch(() => undefined); // it may have become the pod's
    Object.assign(record, own);
    if (!next.removed) store.keepPod(record);
    await next.settled();
    const isToRun = isToGo();
    forget(old, store);
    if (stopped && isToRun && !old.active && !old.removed) {
      await old.start().catch((again: unknown) => {
        log.error(
          { pod: old.record.id, error: messageOf(again) },
          'a pod that was to be replaced cannot be started again',
        );
      });
    }
    throw error;
  }
}

/** hyperd has died while pods were about to take others' places: where the new one does not run, the old one is to. */
export async function resumeReplaced(pods: readonly Pod[], { store, log }: EngineOptions): Promise<void> {
  const replaced = pods.filter(({ record: { replacedBy } }) => replacedBy !== null);
  await Promise.all(
    replaced.map(async (old) => {
      const next = pods.find(({ record }) => record.id === old.record.replacedBy);
      const isReplaced = (): boolean => next?.active === true;
      // It may have been told to end already.
      if (!isReplaced() && old.active) await Promise.race([old.wait(), timeout(defaultStopTimeoutMs)]);
      await old.settled();
      forget(old, store);
      if (isReplaced() || old.active || old.removed) return;
      log.warn({ pod: old.record.id, by: next?.record.id }, 'the pod that was to be replaced is started again');
      await old.start();
    }),
  );
}

function refuseSecond({ record: { name, replacedBy } }: Pod, { record: next }: Pod, pods: readonly Pod[]): void {
  if (replacedBy !== null) {
    const other = pods.find(({ record }) => record.id === replacedBy)?.record.name ?? replacedBy;
    throw new HyperError('conflict', `pod ${name} is being replaced by ${other}: wait for that`);
  }
  const third = pods.find(({ record }) => record.replacedBy === next.id)?.record.name;
  if (third === undefined) return;
  throw new HyperError('conflict', `pod ${next.name} is taking the place of ${third}: name another`);
}

function forget({ record, removed }: Pod, store: EngineOptions['store']): void {
  record.replacedBy = null;
  if (!removed) store.keepPod(record);
}

function checkStates(old: Pod, next: Pod): void {
  if (!old.running) throw doesNotRun(old.record);
  refuseRemoved(next);
  const { active, record } = next;
  if (active) throw new HyperError('conflict', `pod ${record.name} runs already: stop it first, or name another`);
}

function takePlace(old: Pick<PodRecord, 'endpoints' | 'ports'>, next: PodRecord): void {
  next.networks = next.networks.map((each) => {
    const left = old.endpoints.find(({ network }) => network === each.network);
    if (left === undefined) return each;
    const { address = left.address, address6 = left.ipv6?.address } = each;
    return { ...each, address, ...(address6 === undefined ? {} : { address6 }) };
  });
  if (next.ports.length === 0 && next.networks.length > 0) next.ports = [...old.ports];
}
