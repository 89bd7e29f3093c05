import type { ExitEvent } from '../guest/index.ts';
import { HyperError } from '../lib/errors.ts';
import { Stopwatch } from '../lib/stopwatch.ts';
import type { PodRecord } from '../store/index.ts';
import { defaultCapabilities } from './capabilities.ts';
import { guestFiles } from './guest-files.ts';
import { agentLimits, diskLimits } from './limits.ts';
import { MountedSources } from './mounted-sources.ts';
import type { EngineOptions } from './pod-context.ts';
import { nicsOf } from './network-plan.ts';
import { initProcess, PodRun, scratchPath } from './pod-run.ts';
import { publishAll } from './pod-ports.ts';
import { checkTransition } from './pod-states.ts';
import type { ProcessOutput, OutputSubscriber } from './process-output.ts';
import { startFailure } from './start-failure.ts';
import type { StartTiming } from './start-timing.ts';
import { type ClaimedVm, containerDisks, type ReadyVm } from './supply/index.ts';
import { agentRlimit } from './ulimits.ts';

export interface StartedPod {
  readonly run: PodRun;
  readonly output: ProcessOutput;
  readonly exit: Promise<ExitEvent>;
}

/**
 * From a record to a running process: VM, disks, container. What it has made is in the record, so that a failure gives it
 * back; what a hyperd made that died before it stored the record, the next one finds and removes.
 */
export async function startPod(
  record: PodRecord,
  options: EngineOptions,
  subscribers: Iterable<OutputSubscriber>,
  signal: AbortSignal,
): Promise<StartedPod & { readonly timing: StartTiming }> {
  const { supply, store, images, podsDir, volumes } = options;
  const { vcpus, memoryMiB, hostname } = record;
  const imagePath = images.disk(images.inspect(record.containers[0]?.imageId ?? '')).descriptorPath;
  const scratch = { path: scratchPath(podsDir, record), sizeMiB: record.storageMiB, limits: diskLimits(record) };
  /** What it is given is stored before it is used, and again when it is another's turn. */
  const claim = ({ vm, endpoints }: ClaimedVm): void => {
    record.vm = { ...vm, helpers: [...vm.helpers] };
    record.endpoints = [...endpoints];
    record.persistedEvent = 0;
    store.savePod(record);
  };
  const given = { vm: false };
  try {
    await using sources = await MountedSources.open(record, volumes, signal);
    const { shares, plugs } = sources;
    const request = { vcpus, memoryMiB, hostname, nics: nicsOf(record), imagePath, scratch, shares, ...plugs };
    return await supply.start(request, { signal, claim }, async (ready) => {
      given.vm = true;
      return await startContainers(ready, record, options, { subscribers, sources }, signal);
    });
  } catch (error) {
    if (!given.vm) Object.assign(record, { vm: null, endpoints: [] }); // the supply has taken it back
    throw error;
  }
}

async function startContainers(
  ready: ReadyVm,
  record: PodRecord,
  options: EngineOptions,
  { subscribers, sources }: { subscribers: Iterable<OutputSubscriber>; sources: MountedSources },
  signal: AbortSignal,
): Promise<StartedPod & { readonly timing: StartTiming }> {
  const { store, log } = options;
  const { vm, networkProblem } = ready;
  record.warnings = networkProblem === '' ? [] : [`the pod has no network: ${networkProblem}`];
  // Whatever the guest is at: a cancelled start does not wait for its answer.
  const giveUp = (): void => void vm.kill();
  signal.addEventListener('abort', giveUp, { once: true });
  const watch = new Stopwatch();
  let run: PodRun | undefined;
  try {
    signal.throwIfAborted();
    run = await PodRun.begin(ready, record, options);
    const output = run.initOutput(subscribers);
    run.listen(log);
    await publishAll(record, options);
    await createContainers(run, record, sources.mounts);
    await sources.seeded(true);
    watch.lap('container');
    const exit = run.initExit(output);
    exit.catch(() => undefined); // heard by the pod once it has started
    await startInit(run, record);
    watch.lap('process');
    signal.throwIfAborted();
    markRunning(record, store);
    const timing = { origin: ready.origin, steps: [...ready.steps, ...watch.steps] };
    options.metrics.podStarted(timing);
    log.info({ pod: record.id, vm: vm.record.id, ...timing }, 'pod started');
    return { run, output, exit, timing };
  } catch (error) {
    if (run === undefined) await vm.kill();
    else await run.end(false);
    throw signal.aborted
      ? new HyperError('cancelled', 'the start was cancelled', { cause: signal.reason })
      : sources.explain(startFailure(error));
  } finally {
    signal.removeEventListener('abort', giveUp);
  }
}

async function createContainers({ agent }: PodRun, record: PodRecord, mounts: MountedSources['mounts']): Promise<void> {
  for (const container of record.containers) {
    await agent.createContainer({
      container: container.number,
      ...containerDisks,
      readOnly: container.readOnly,
      tmpfs: container.tmpfs,
      files: guestFiles(record),
      volumes: container.volumes,
      ...agentLimits(container, record),
      mounts,
    });
  }
}

async function startInit({ agent }: PodRun, record: PodRecord): Promise<void> {
  const container = record.containers[0];
  if (container === undefined) return;
  await agent.startProcess({
    process: initProcess,
    container: container.number,
    args: container.args,
    env: container.env,
    cwd: container.workdir,
    user: container.user,
    tty: container.tty,
    stdin: container.stdin,
    rlimits: container.ulimits.map(agentRlimit),
    capabilities: defaultCapabilities,
    ...(container.terminalSize === null ? {} : { size: container.terminalSize }),
  });
}

function markRunning(record: PodRecord, store: EngineOptions['store']): void {
  const startedAt = new Date().toISOString();
  record.state = checkTransition(record.state, 'running');
  record.startedAt = startedAt;
  for (const container of record.containers) {
    container.state = 'running';
    container.startedAt = startedAt;
  }
  store.savePod(record);
}
