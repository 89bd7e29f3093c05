import { randomBytes } from 'node:crypto';
import { stat } from 'node:fs/promises';
import type { ExitEvent, NicSetup } from '../guest/index.ts';
import { HyperError, systemCode } from '../lib/errors.ts';
import { newVmId } from '../lib/ids.ts';
import type { Endpoint } from '../network/index.ts';
import type { PodRecord } from '../store/index.ts';
import type { VmSpec } from '../vm/index.ts';
import { defaultCapabilities } from './capabilities.ts';
import { guestFiles } from './guest-files.ts';
import type { EngineOptions } from './pod-context.ts';
import { initProcess, PodRun, scratchPath } from './pod-run.ts';
import { checkTransition } from './pod-states.ts';
import type { ProcessOutput, OutputSubscriber } from './process-output.ts';
import { startFailure } from './start-failure.ts';
import { agentRlimit } from './ulimits.ts';

/** The serials by which the guest finds its disks. */
const serials = { root: 'image', scratch: 'scratch' } as const;

export interface StartedPod {
  readonly run: PodRun;
  readonly output: ProcessOutput;
  readonly exit: Promise<ExitEvent>;
}

/**
 * From a record to a running process: NIC, disks, VM, guest, container. What it has made is in the record, so that a
 * failure gives it back; what a hyperd made that died before it stored the record, the next one finds and removes.
 */
export async function startPod(
  record: PodRecord,
  options: EngineOptions,
  subscribers: Iterable<OutputSubscriber>,
  signal: AbortSignal,
): Promise<StartedPod> {
  const { store, hypervisor, log } = options;
  const began = performance.now();
  const vmId = newVmId();
  const bounded = AbortSignal.any([signal, AbortSignal.timeout(options.bootTimeoutMs)]);
  const [connected, prepared] = await Promise.allSettled([
    connectNetwork(vmId, options, signal),
    prepareScratch(record, options),
  ]);
  // In the record whatever became of the other: the failed start's end gives it back.
  if (connected.status === 'fulfilled') {
    record.endpoint = connected.value instanceof HyperError ? null : connected.value;
    record.warnings =
      connected.value instanceof HyperError ? [`the pod has no network: ${connected.value.message}`] : [];
  }
  for (const part of [connected, prepared]) if (part.status === 'rejected') throw part.reason;
  const vm = await hypervisor.start(vmSpec(vmId, record, options), bounded);
  record.vm = { ...vm.record };
  record.persistedEvent = 0;
  store.savePod(record);
  const spawned = performance.now();
  const run = await PodRun.connect(vm, record, false, bounded, options).catch(async (error: unknown) => {
    await vm.kill();
    throw error;
  });
  const booted = performance.now();
  // Whatever the guest is at: a cancelled start does not wait for its answer.
  const giveUp = (): void => void vm.kill();
  signal.addEventListener('abort', giveUp, { once: true });
  try {
    signal.throwIfAborted();
    const output = run.initOutput(subscribers);
    run.listen(log);
    await setUpGuest(run, record);
    const exit = run.initExit(output);
    exit.catch(() => undefined); // heard by the pod once it has started
    await startInit(run, record);
    signal.throwIfAborted();
    markRunning(record, store);
    const milliseconds = { spawn: spawned - began, boot: booted - spawned, process: performance.now() - booted };
    log.info({ pod: record.id, vm: vmId, milliseconds }, 'pod started');
    return { run, output, exit };
  } catch (error) {
    await run.end(false);
    throw signal.aborted
      ? new HyperError('cancelled', 'the start was cancelled', { cause: signal.reason })
      : startFailure(error);
  } finally {
    signal.removeEventListener('abort', giveUp);
  }
}

function vmSpec(id: VmSpec['id'], record: PodRecord, { images, podsDir }: EngineOptions): VmSpec {
  const image = images.inspect(record.containers[0]?.imageId ?? '');
  return {
    id,
    vcpus: record.vcpus,
    memoryMiB: record.memoryMiB,
    disks: [
      { serial: serials.root, path: images.disk(image).descriptorPath, format: 'vmdk', readOnly: true },
      { serial: serials.scratch, path: scratchPath(podsDir, record), format: 'raw', readOnly: false },
    ],
    ...(record.endpoint === null ? {} : { nic: { tap: record.endpoint.tap, mac: record.endpoint.mac } }),
  };
}

/** A pod runs without a network where the host cannot give one; its user is told why. */
async function connectNetwork(
  vmId: string,
  { network, hypervisor, log }: EngineOptions,
  signal: AbortSignal,
): Promise<Endpoint | HyperError> {
  try {
    return await network.connect(vmId, { ownerUid: hypervisor.user.uid, signal });
  } catch (error) {
    if (!(error instanceof HyperError) || (error.code !== 'unavailable' && error.code !== 'conflict')) throw error;
    log.warn({ vm: vmId, reason: error.message }, 'the pod gets no network');
    return error;
  }
}

/** The writable layer: a fresh one at the first start, the same one again later. */
async function prepareScratch(record: PodRecord, { podsDir, scratchDisks, hypervisor }: EngineOptions): Promise<void> {
  const path = scratchPath(podsDir, record);
  try {
    await stat(path);
  } catch (error) {
    if (systemCode(error) !== 'ENOENT') throw error;
    await scratchDisks.create(path, record.storageMiB, hypervisor.user);
  }
}

async function setUpGuest({ agent }: PodRun, record: PodRecord): Promise<void> {
  const { endpoint } = record;
  const nic = (from: Endpoint): NicSetup => ({
    mac: from.mac,
    addresses: [`${from.address}/${from.prefixLength}`],
    gateway: from.gateway,
    mtu: from.mtu,
  });
  await agent.setUp({
    entropy: randomBytes(64),
    hostname: record.hostname,
    nics: endpoint === null ? [] : [nic(endpoint)],
  });
  for (const container of record.containers) {
    await agent.createContainer({
      container: container.number,
      ...serials,
      readOnly: container.readOnly,
      tmpfs: container.tmpfs,
      files: guestFiles(record),
      volumes: container.volumes,
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
