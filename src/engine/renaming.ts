import { HyperError } from '../lib/errors.ts';
import type { PodRecord } from '../store/index.ts';
import { refuseRemoved } from './live-pod.ts';
import { nicOf } from './network-plan.ts';
import type { EngineOptions } from './pod-context.ts';
import { hostnameOf } from './pod-plan.ts';
import type { Pods, Target } from './pods.ts';
import { replaceEndpoint } from './pod-ports.ts';

type Context = Pick<EngineOptions, 'networks' | 'store'>;

/**
 * Gives a pod, or a container where the target is one, another name; others find it by that in the DNS at once. Its guest's
 * hostname stays. A container that is called as its pod follows.
 *
 * @throws HyperError `conflict` where the name is taken
 */
export async function rename(target: Target, name: string, pods: Pods, context: Context): Promise<void> {
  const { pod } = target;
  await pod.lock.run(() => {
    refuseRemoved(pod);
    if (target.byContainer) renameContainer(target, name, context);
    else renamePod(pod.record, name, pods, context);
    return Promise.resolve();
  });
}

function renamePod(record: PodRecord, name: string, pods: Pods, context: Context): void {
  const { name: oldName, hostname } = record;
  if (pods.hasName(name)) {
    throw new HyperError('conflict', `the name ${name} is taken: choose another, or remove that pod`);
  }
  const hostnameIsFormer =
    hostname !== hostnameOf(name) && (record.hostnameIsFormer || hostname === hostnameOf(oldName));
  const hasName = record.containers.some((container) => container.name === name);
  const follower = hasName ? undefined : record.containers.find((container) => container.name === oldName);
  const before = { pod: { name: oldName, hostnameIsFormer: record.hostnameIsFormer } };
  Object.assign(record, { name, hostnameIsFormer });
  if (follower !== undefined) follower.name = name;
  store(record, context, () => {
    Object.assign(record, before.pod);
    if (follower !== undefined) follower.name = oldName;
  });
}

function renameContainer({ pod: { record }, container }: Target, name: string, context: Context): void {
  const { name: oldName } = container.record;
  if (record.containers.some((each) => each.name === name)) {
    throw new HyperError('conflict', `pod ${record.name} has a container ${name} already: choose another name`);
  }
  container.record.name = name;
  store(record, context, () => (container.record.name = oldName));
}

/** Tells the networks, then stores it; where that fails all is as it was. */
function store(record: PodRecord, { networks, store: kept }: Context, undo: () => void): void {
  const tell = (): void => {
    for (const endpoint of [...record.endpoints]) {
      const network = record.networks.find((each) => each.network === endpoint.network);
      if (network !== undefined) replaceEndpoint(record, networks.rename(endpoint, nicOf(record, network).names ?? []));
    }
  };
  tell();
  kept.savePod(record, () => {
    undo();
    tell();
  });
}
