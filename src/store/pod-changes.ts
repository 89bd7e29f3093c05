import type { EventRecord } from './event-record.ts';
import { isReady } from './health-record.ts';
import type { ContainerRecord, PodRecord } from './pod-record.ts';

type Attributes = EventRecord['attributes'];
type ContainerView = Readonly<
  Pick<
    ContainerRecord,
    | ('id' | 'name' | 'image' | 'state' | 'process' | 'restarts' | 'restarting' | 'exitCode' | 'oomKilled' | 'error')
    | ('health' | 'probeFailure')
  >
> & {
  readonly settings: PodView['settings'];
  /** Null: nothing says so but that it runs, and there is no event of it. */
  readonly ready: boolean | null;
};

/** What of a pod's record events are about. */
export interface PodView extends Readonly<Pick<PodRecord, 'id' | 'name' | 'state' | 'reason' | 'restarting'>> {
  readonly networks: readonly string[];
  /** As text: each that may change at any time. */
  readonly settings: Readonly<Record<string, string>>;
  readonly containers: readonly ContainerView[];
}

/** As it is now: the record may be changed. */
export function viewOf(record: PodRecord): PodView {
  const { id, name, state, reason, restarting, networks, containers } = record;
  return {
    ...{ id, name, state, reason, restarting, settings: settingsOf(record, ofPod) },
    networks: networks.map(({ network }) => network),
    containers: containers.map((each) => ({
      ...{ id: each.id, name: each.name, image: each.image, state: each.state, process: each.process },
      ...{ restarts: each.restarts, restarting: each.restarting, exitCode: each.exitCode },
      ...{ oomKilled: each.oomKilled, error: each.error, health: each.health, probeFailure: each.probeFailure },
      settings: settingsOf(each, ofContainer),
      ready: each.probes.startup === null && each.probes.readiness === null ? null : isReady(each),
    })),
  };
}

const ofPod = [
  ...(['labels', 'vcpus', 'memoryMiB', 'storageMiB', 'diskBytesPerSecond', 'diskIops', 'rate'] as const),
  ...(['restartPolicy', 'maxRestarts'] as const),
] as const;
const ofContainer = ['cpus', 'memoryLimitMiB', 'pidsLimit'] as const;

function settingsOf<K extends string>(record: Readonly<Record<K, unknown>>, keys: readonly K[]): PodView['settings'] {
  return Object.fromEntries(keys.map((key) => [key, JSON.stringify(record[key])]));
}

/** Which settings are others than before, as an event of theirs. */
function updates(before: PodView['settings'], after: PodView['settings']): Change[] {
  const changed = Object.keys(after).filter((key) => before[key] !== after[key]);
  return changed.length === 0 ? [] : [['update', { changed: changed.join(',') }]];
}

/** What has happened to a pod and its containers from one stored record of it to the next; undefined: there is none. */
export function podChanges(before: PodView | undefined, after: PodView | undefined): EventRecord[] {
  const record = after ?? before;
  if (record === undefined) return [];
  const containers = [...(before?.containers ?? []), ...(after?.containers ?? [])].map(({ id }) => id);
  const ofContainers = [...new Set(containers)].flatMap((id) => {
    const find = (pod: PodView | undefined): ContainerView | undefined =>
      pod?.containers.find((each) => each.id === id);
    return containerChanges(record, find(before), find(after));
  });
  const own = ownChanges(before, after).map(([action, attributes = {}]): EventRecord => {
    return { type: 'pod', action, id: record.id, name: record.name, podId: null, attributes };
  });
  // A pod is there before its containers, and ends after them.
  const first = new Set(['create', 'rename', 'update', 'connect', 'disconnect']);
  return [
    ...own.filter(({ action }) => first.has(action)),
    ...ofContainers,
    ...own.filter(({ action }) => !first.has(action)),
  ];
}

type Change = readonly [action: string, attributes?: Attributes];

function ownChanges(before: PodView | undefined, after: PodView | undefined): Change[] {
  if (after === undefined) return before === undefined ? [] : [['destroy']];
  if (before === undefined) return [['create', { image: after.containers[0]?.image ?? '' }]];
  const changes: Change[] = [];
  if (before.name !== after.name) changes.push(['rename', { oldName: before.name }]);
  changes.push(...updates(before.settings, after.settings));
  for (const network of after.networks) if (!before.networks.includes(network)) changes.push(['connect', { network }]);
  for (const network of before.networks) {
    if (!after.networks.includes(network)) changes.push(['disconnect', { network }]);
  }
  if (before.state === after.state) return changes;
  if (after.state === 'paused') changes.push(['pause']);
  else if (after.state === 'running') changes.push([before.state === 'paused' ? 'unpause' : 'start']);
  else if (after.state === 'succeeded' || after.state === 'failed') {
    const { reason, restarting } = after;
    const exitCode = String(after.containers[0]?.exitCode ?? '');
    changes.push(['die', { exitCode, restarting: String(restarting), ...(reason === null ? {} : { reason }) }]);
  }
  return changes;
}

function containerChanges(
  pod: PodView,
  before: ContainerView | undefined,
  after: ContainerView | undefined,
): EventRecord[] {
  const record = after ?? before;
  if (record === undefined) return [];
  const changes: Change[] = [];
  if (before !== undefined && after !== undefined) {
    if (before.name !== after.name) changes.push(['rename', { oldName: before.name }]);
    changes.push(...updates(before.settings, after.settings));
  }
  if (after === undefined) changes.push(['destroy']);
  else if (before === undefined) changes.push(['create', { image: after.image }]);
  else if (before.state !== after.state || before.process !== after.process) {
    if (after.state === 'running') changes.push(['start', { restarts: String(after.restarts) }]);
    if (after.state === 'succeeded' || after.state === 'failed') {
      if (after.oomKilled) changes.push(['oom']);
      const error = after.error ?? after.probeFailure;
      const attributes = { exitCode: String(after.exitCode ?? ''), restarting: String(after.restarting) };
      changes.push(['die', { ...attributes, ...(error === null ? {} : { reason: error }) }]);
    }
  }
  if (before !== undefined && after?.state === 'running') {
    // One that begins is `starting`, as docker's, which tells of what comes after that.
    const { health, ready } = after;
    if (health !== null && health !== 'starting' && health !== before.health)
      changes.push(['health_status', { health }]);
    if (ready !== null && ready !== (before.ready ?? false)) changes.push([ready ? 'ready' : 'unready']);
  }
  return changes.map(([action, attributes = {}]) => {
    const { id, name } = record;
    return { type: 'container', action, id, name, podId: pod.id, attributes: { podName: pod.name, ...attributes } };
  });
}
