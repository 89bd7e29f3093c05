import { allDone } from '../lib/all-done.ts';
import { HyperError } from '../lib/errors.ts';
import { Stopwatch } from '../lib/stopwatch.ts';
import type { PodRecord } from '../store/index.ts';
import type { Container } from './container.ts';
import { guestFiles } from './guest-files.ts';
import { furtherImages, imageDisk, imagePath, rootDisk, usedImage } from './image-disks.ts';
import { beginWith } from './init-containers.ts';
import { agentLimits, diskLimits } from './limits.ts';
import { MountedSources } from './mounted-sources.ts';
import type { EngineOptions } from './pod-context.ts';
import { nicsOf } from './network-plan.ts';
import { PodRun, scratchPath } from './pod-run.ts';
import { publishAll } from './pod-ports.ts';
import { setServices } from './pod-services.ts';
import { checkTransition } from './pod-states.ts';
import { startFailure } from './start-failure.ts';
import type { StartTiming } from './start-timing.ts';
import { type ClaimedVm, containerDisks, type ReadyVm } from './supply/index.ts';

export interface StartedPod {
  readonly run: PodRun;
  readonly timing: StartTiming;
}

/** A pod that is to start: its record, and its containers in the same order. */
export interface StartingPod {
  readonly record: PodRecord;
  readonly containers: readonly Container[];
}

/**
 * From a record to running processes: VM, disks, containers. What it has made is in the record, so that a failure gives it
 * back; what a hyperd made that died before it stored the record, the next one finds and removes.
 */
export async function startPod(
  pod: StartingPod,
  options: EngineOptions,
  signal: AbortSignal,
  vm?: string,
): Promise<StartedPod> {
  const { supply, store, images, podsDir, volumes } = options;
  const { record } = pod;
  const { vcpus, memoryMiB, hostname } = record;
  const [first] = record.containers;
  if (first === undefined) throw new HyperError('internal', `pod ${record.id} has no container`);
  const scratch = { path: scratchPath(podsDir, record), sizeMiB: record.storageMiB, limits: diskLimits(record) };
  /** What it is given is stored before it is used, and again when it is another's turn. */
  const claim = ({ vm: claimed, endpoints }: ClaimedVm): void => {
    record.vm = { ...claimed, helpers: [...claimed.helpers] };
    record.endpoints = [...endpoints];
    record.persistedEvent = 0;
    store.savePod(record);
  };
  const given = { vm: false };
  try {
    await using sources = await MountedSources.open(record, volumes, signal);
    const { shares, plugs } = sources;
    const disks = [...furtherImages(record, images), ...plugs.disks];
    const request = { vcpus, memoryMiB, hostname, nics: nicsOf(record), scratch, shares, ...plugs, disks };
    const withImage = { ...request, ...usedImage(images, first) };
    return await supply.start(withImage, { signal, claim, vm }, async (ready) => {
      given.vm = true;
      return await startContainers(ready, pod, options, sources, signal);
    });
  } catch (error) {
    if (!given.vm) Object.assign(record, { vm: null, endpoints: [] }); // the supply has taken it back
    throw error;
  }
}

async function startContainers(
  ready: ReadyVm,
  { record, containers }: StartingPod,
  options: EngineOptions,
  sources: MountedSources,
  signal: AbortSignal,
): Promise<StartedPod> {
  const { store, log } = options;
  const { vm, networkProblem } = ready;
  record.warnings = networkProblem === '' ? [] : [`the pod has no network: ${networkProblem}`];
  // Whatever the guest is at: a cancelled start does not wait for its answer.
  const giveUp = (): void => void vm.kill();
  signal.addEventListener('abort', giveUp, { once: true });
  const watch = new Stopwatch();
  const run = new PodRun(record, vm, ready.agent);
  try {
    signal.throwIfAborted();
    const begins = beginWith(containers);
    for (const container of containers) await container.openLog(false);
    for (const container of begins) container.expect(run);
    run.listen(log);
    await publishAll(record, options);
    const made = async (): Promise<void> => {
      for (const container of containers) await makeContainer(run, container, sources.mountsOf(container.record));
    };
    await allDone([made(), ...(record.services.length > 0 ? [setServices(record, run, options.networks)] : [])]);
    await sources.seeded(true);
    watch.lap('container');
    for (const container of begins) await container.start(run);
    watch.lap('process');
    signal.throwIfAborted();
    markRunning(record, begins, store);
    const timing = { origin: ready.origin, steps: [...ready.steps, ...watch.steps] };
    options.metrics.podStarted(timing);
    log.info({ pod: record.id, vm: vm.record.id, ...timing }, 'pod started');
    return { run, timing };
  } catch (error) {
    await run.end(false);
    throw signal.aborted
      ? new HyperError('cancelled', 'the start was cancelled', { cause: signal.reason })
      : sources.explain(startFailure(error));
  } finally {
    signal.removeEventListener('abort', giveUp);
  }
}

/** Makes a container in the guest; one that is there already is fine. */
export async function makeContainer(
  { agent }: PodRun,
  { record: container, pod }: Pick<Container, 'record' | 'pod'>,
  mounts: ReturnType<MountedSources['mountsOf']>,
): Promise<void> {
  await agent.createContainer({
    container: container.number,
    root: rootDisk(pod, container),
    scratch: containerDisks.scratch,
    readOnly: container.readOnly,
    tmpfs: container.tmpfs,
    files: guestFiles(pod, container),
    volumes: container.volumes,
    ...agentLimits(container, pod),
    ...(pod.storageHasGrown ? { scratchBytes: pod.storageMiB * 2 ** 20 } : {}),
    mounts,
  });
}

/**
 * Makes a container in a VM that runs. Its image's disk is plugged in where no other container has brought it.
 *
 * @throws HyperError `unsupported` where it needs what a VM is given at its start
 */
export async function addContainer(container: Container, run: PodRun, { images }: EngineOptions): Promise<void> {
  const { pod, record } = container;
  if (record.mounts.length > 0) {
    const advice = `its pod is given folders and volumes when it starts: 'hyper stop ${pod.name}', then 'hyper start ${pod.name}'`;
    throw new HyperError('unsupported', `container ${record.name} was added while its pod runs, and ${advice}`);
  }
  const isThere = pod.containers.some((other) => other.imageId === record.imageId && other.startedAt !== null);
  if (!isThere) await run.vm.plugDisk(imageDisk(rootDisk(pod, record), imagePath(images, record)));
  await container.openLog(false);
  await makeContainer(run, container, []);
}

function markRunning(record: PodRecord, containers: readonly Container[], store: EngineOptions['store']): void {
  const startedAt = new Date().toISOString();
  record.state = checkTransition(record.state, 'running');
  Object.assign(record, { startedAt, finishedAt: null });
  for (const container of containers) container.markRunning(startedAt);
  store.savePod(record);
}
