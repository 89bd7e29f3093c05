import { rm } from 'node:fs/promises';
import { asHyperError, HyperError, messageOf } from '../lib/errors.ts';
import { Mutex } from '../lib/mutex.ts';
import { signalNumber } from '../lib/signals.ts';
import type { PortMapping } from '../network/index.ts';
import type { ContainerRecord, PodRecord } from '../store/index.ts';
import type { AttachClient, Attachment } from './attachment.ts';
import { Exec } from './exec.ts';
import { writesDisks } from './mounted-disks.ts';
import { removeAnonymous, usersOf } from './mounts.ts';
import type { EngineOptions } from './pod-context.ts';
import { type LogQuery, readLog } from './log-reader.ts';
import { joinNetwork, leaveNetwork } from './pod-networks.ts';
import { type PortFilter, publish, unpublish } from './pod-ports.ts';
import { initProcess, logPath, podFolder, type PodRun } from './pod-run.ts';
import type { ExecSpec, NetworkOfPodSpec } from './pod-spec.ts';
import { startPod } from './pod-start.ts';
import type { StartTiming } from './start-timing.ts';
import { checkTransition } from './pod-states.ts';
import type { ProcessOutput } from './process-output.ts';
import { releaseVm, resumePod } from './pod-vm.ts';
import { startFailureExitCode } from './start-failure.ts';

/** How a pod's run came to its end. `error`: why there is no true exit code. */
export interface PodResult {
  readonly exitCode: number;
  readonly error: HyperError | null;
}

const defaultStopTimeoutMs = 10_000;
/** From SIGKILL to the exit event; then the VM is killed. */
const killTimeoutMs = 10_000;
/** How long a guest may take to say that it has sent SIGKILL. */
const killAnswerMs = 5000;

/** One pod and what can be done with it. */
export class Pod {
  readonly record: PodRecord;
  readonly #options: EngineOptions;
  readonly #onRemoved: () => void;
  readonly #lock = new Mutex();
  readonly #clients = new Set<AttachClient>();
  #run: PodRun | undefined;
  #output: ProcessOutput | undefined;
  #finished = Promise.withResolvers<PodResult>();
  #abortStart: AbortController | undefined;
  #removed = false;
  #timing: StartTiming | null = null;

  constructor(record: PodRecord, options: EngineOptions, onRemoved: () => void) {
    this.record = record;
    this.#options = options;
    this.#onRemoved = onRemoved;
    const { state, exitCode, error } = this.#container;
    if (state === 'succeeded' || state === 'failed') {
      const failure = error === null ? null : new HyperError('vm_failed', error);
      this.#finished.resolve({ exitCode: exitCode ?? 255, error: failure });
    }
  }

  get #container(): ContainerRecord {
    const container = this.record.containers[0];
    if (container === undefined) throw new HyperError('internal', `pod ${this.record.id} has no container`);
    return container;
  }

  /** It has file systems of its guest's that outlive it. */
  get #writesDisks(): boolean {
    return writesDisks(this.record, this.#options.volumes);
  }

  get running(): boolean {
    return this.record.state === 'running';
  }

  /** It has a VM, or is about to. */
  get active(): boolean {
    return this.#run !== undefined || this.#abortStart !== undefined;
  }

  get run(): PodRun | undefined {
    return this.#run;
  }

  /** What the latest start's time went to; null where another hyperd started it. */
  get timing(): StartTiming | null {
    return this.#timing;
  }

  /** @param signal who asked for it has gone: a start that still waits for its VM leaves the line; one that has it goes on */
  async start(signal?: AbortSignal): Promise<void> {
    await this.#lock.run(async () => {
      signal?.throwIfAborted();
      if (this.#removed) throw new HyperError('not_found', `pod ${this.record.name} was removed`);
      if (this.running) throw new HyperError('conflict', `pod ${this.record.name} runs already`);
      if (this.record.state !== 'pending') this.#begin();
      const abort = new AbortController();
      this.#abortStart = abort;
      const leave = (): void => {
        if (this.record.vm === null) abort.abort(signal?.reason);
      };
      signal?.addEventListener('abort', leave, { once: true });
      try {
        const started = await startPod(this.record, this.#options, this.#outputs(), abort.signal);
        this.#timing = started.timing;
        this.#adopt(started.run, started.output, started.exit);
      } catch (error) {
        const failure = asHyperError(error);
        this.#options.metrics.podStartFailed();
        this.#abortStart = undefined; // who hears of the end may remove it
        await this.#end({ exitCode: startFailureExitCode(failure), error: failure }, false);
        throw failure;
      } finally {
        signal?.removeEventListener('abort', leave);
        this.#abortStart = undefined;
      }
    });
  }

  /** After a restart of hyperd: takes the VM back, or records how it ended. */
  async resume(): Promise<void> {
    await this.#lock.run(async () => {
      const resumed = await resumePod(this.record, this.#options);
      if (resumed instanceof HyperError) await this.#end({ exitCode: 255, error: resumed }, false);
      else if (resumed !== undefined) this.#adopt(resumed.run, resumed.output, resumed.exit);
      else if (this.record.autoRemove && this.record.finishedAt !== null) await this.#remove();
    });
  }

  /** Asks the process to end with its stop signal, and after the timeout ends it. */
  async stop(timeoutMs = defaultStopTimeoutMs): Promise<void> {
    const finished = this.#finished.promise;
    this.#abortStart?.abort(new HyperError('cancelled', 'the pod was stopped while it started'));
    const run = this.#run;
    if (run === undefined) {
      if (this.record.state !== 'pending') throw new HyperError('conflict', `pod ${this.record.name} does not run`);
      return;
    }
    await run.agent.signal(initProcess, this.#container.stopSignal).catch(() => undefined); // it may have ended
    if (await endsWithin(finished, timeoutMs)) return;
    await run.agent.signal(initProcess, signalNumber('KILL')).catch(() => undefined);
    if (await endsWithin(finished, killTimeoutMs)) return;
    await run.vm.kill();
    await finished;
  }

  async kill(signal: string): Promise<void> {
    const number = signalNumber(signal);
    if (this.#run === undefined) throw new HyperError('conflict', `pod ${this.record.name} does not run`);
    const run = this.#run;
    const told = run.agent.signal(initProcess, number);
    if (number !== signalNumber('KILL') || (await endsWithin(told, killAnswerMs))) await told;
    else await run.vm.kill(); // SIGKILL ends also what does not answer any more
  }

  /** Resolves when nothing is under way: after an end, when its VM has been taken apart. */
  async settled(): Promise<void> {
    await this.#lock.run(() => Promise.resolve());
  }

  async wait(): Promise<PodResult> {
    return await this.#finished.promise;
  }

  /** Removes the pod with all that it left, with `withVolumes` also volumes without a name. `force` ends it first. */
  async remove(force: boolean, withVolumes = false): Promise<void> {
    for (;;) {
      if (this.active) {
        if (!force) {
          throw new HyperError('conflict', `pod ${this.record.name} runs: stop it first, or remove it by force (-f)`);
        }
        this.#abortStart?.abort(new HyperError('cancelled', 'the pod was removed while it started'));
        // What a guest has not written to its disks yet goes with its VM.
        if (this.#run !== undefined && this.#writesDisks) await this.stop(0);
        await this.#run?.vm.kill();
      }
      // It may have been started again while we waited for our turn.
      const done = await this.#lock.run(async () => {
        if (this.active) return false;
        await this.#remove(withVolumes);
        return true;
      });
      if (done) return;
    }
  }

  /** Attaches to the first process. `start` starts the pod with the client attached, so that it misses nothing. */
  async attach(
    client: AttachClient,
    options: { readonly start: boolean; readonly stdin: boolean; readonly signal?: AbortSignal },
  ): Promise<Attachment> {
    if (!options.start && !this.running) {
      throw new HyperError('conflict', `pod ${this.record.name} does not run: start it first`);
    }
    this.#clients.add(client);
    try {
      if (options.start) await this.start(options.signal);
      else this.#output?.subscribe(client.output);
    } catch (error) {
      this.#clients.delete(client);
      throw error;
    }
    if (options.start) client.started(this.record.id, this.record.warnings, this.#timing);
    else client.started(this.record.id, [], null);
    void this.#finished.promise.then(({ exitCode, error }) => {
      if (!this.#clients.delete(client)) return;
      if (error === null) client.exited(exitCode);
      else client.failed(error);
    });
    return this.#attachment(client, options.stdin && this.#container.stdin);
  }

  /** Opens further ports of the host that lead to the pod; answers with them as they stand. */
  async publish(mappings: readonly PortMapping[]): Promise<readonly PortMapping[]> {
    return await this.#lock.run(() => publish(this.record, mappings, this.#options));
  }

  async unpublish(filter: PortFilter): Promise<number> {
    return await this.#lock.run(() => unpublish(this.record, filter, this.#options));
  }

  async joinNetwork(spec: NetworkOfPodSpec): Promise<void> {
    await this.#lock.run(() => joinNetwork(this.record, spec, this.#run, this.#options));
  }

  async leaveNetwork(network: string): Promise<void> {
    await this.#lock.run(() => leaveNetwork(this.record, network, this.#run, this.#options));
  }

  exec(spec: ExecSpec): Exec {
    if (this.#run === undefined || !this.running) {
      throw new HyperError('conflict', `pod ${this.record.name} does not run: start it first`);
    }
    return new Exec(this.#run, spec);
  }

  logs(query: LogQuery, follow: boolean): ReturnType<typeof readLog> {
    const live = follow && this.#run !== undefined ? { log: this.#run.log, ended: this.#finished.promise } : undefined;
    return readLog(logPath(this.#options.podsDir, this.record), query, live);
  }

  /** Leaves the VM to the next hyperd. */
  release(): void {
    this.#abortStart?.abort(new HyperError('cancelled', 'hyperd ended while the pod started'));
    this.#run?.release();
    this.#run = undefined;
  }

  #outputs(): Iterable<AttachClient['output']> {
    return [...this.#clients].map((client) => client.output);
  }

  #adopt(run: PodRun, output: ProcessOutput, exit: ReturnType<PodRun['initExit']>): void {
    this.#run = run;
    this.#output = output;
    void exit
      .then(
        async (event) => {
          this.#container.oomKilled = event.oomKilled;
          this.record.persistedEvent = event.sequence;
          await this.#lock.run(() =>
            this.#end({ exitCode: event.exitCode, error: null }, true, () => run.initExitStored(event)),
          );
        },
        async (error: unknown) => {
          await this.#lock.run(() => this.#end({ exitCode: 255, error: asHyperError(error) }, false));
        },
      )
      .catch((error: unknown) => {
        this.#options.log.error({ pod: this.record.id, error }, 'the end of a pod could not be handled');
      });
  }

  /** A new run of a pod that had ended. */
  #begin(): void {
    const container = this.#container;
    this.record.state = checkTransition(this.record.state, 'pending');
    container.state = 'pending';
    for (const each of [this.record, container]) Object.assign(each, { startedAt: null, finishedAt: null });
    Object.assign(container, { exitCode: null, error: null, oomKilled: false });
    this.record.reason = null;
    this.#options.store.savePod(this.record);
    this.#finished = Promise.withResolvers<PodResult>();
  }

  /** Stores the result, tells whoever waits, and takes the VM apart behind their back. */
  async #end(result: PodResult, inOrder: boolean, onStored?: () => void): Promise<void> {
    const { record } = this;
    const succeeded = result.exitCode === 0 && result.error === null;
    const reason = result.error?.message ?? null;
    const finishedAt = new Date().toISOString();
    record.state = checkTransition(record.state, succeeded ? 'succeeded' : 'failed');
    Object.assign(record, { finishedAt, reason });
    const { exitCode } = result;
    Object.assign(this.#container, { state: record.state, exitCode, error: reason, finishedAt });
    // A pod that removes itself is gone when its user is told: its name is free. What its VM leaves has no record then,
    // and would be found at the next start if we died here.
    try {
      if (record.autoRemove) this.#forget();
      else this.#options.store.savePod(record);
      onStored?.();
    } catch (error) {
      // A full disk must not keep its user waiting. The guest's event stays unacknowledged.
      this.#options.log.error({ pod: record.id, error }, 'the end of a pod could not be stored');
    }
    this.#options.log.info({ pod: record.id, exitCode, reason }, 'pod ended');
    const run = this.#run;
    this.#run = undefined;
    this.#output = undefined;
    this.#options.volumes.holders.ending(record.id);
    this.#finished.resolve(result);
    await run?.end(inOrder && (!record.autoRemove || this.#writesDisks));
    if (record.autoRemove) {
      await this.#remove();
    } else {
      await releaseVm(record, this.#options);
      this.#options.store.savePod(record); // where that fails, the next start of hyperd finds its VM gone
    }
  }

  #forget(): void {
    this.#options.store.deletePod(this.record.id);
    this.#removed = true;
    this.#onRemoved();
  }

  async #remove(withVolumes = this.record.autoRemove): Promise<void> {
    await releaseVm(this.record, this.#options);
    if (withVolumes) await this.#removeVolumes();
    await rm(podFolder(this.#options.podsDir, this.record), { recursive: true, force: true });
    // Last: on a full disk the record cannot be deleted before the pod's disk has given its space back.
    if (!this.#removed) this.#forget();
    if (this.record.state === 'pending') {
      this.#finished.resolve({ exitCode: 255, error: new HyperError('cancelled', 'the pod was removed') });
    }
  }

  /** Those that were made for it and have no name; another pod may have named one nevertheless. */
  async #removeVolumes(): Promise<void> {
    const { store, volumes } = this.#options;
    const { mounts } = this.#container;
    if (!mounts.some((mount) => mount.type === 'volume' && mount.anonymous)) return;
    await volumes.use.run(async () => {
      const others = store.pods().filter(({ id }) => id !== this.record.id);
      await removeAnonymous(mounts, volumes, (volume) => usersOf(volume, others).length > 0);
    });
  }

  #attachment(client: AttachClient, withStdin: boolean): Attachment {
    const run = this.#run;
    const stdin = withStdin ? run?.agent.stdin(initProcess) : undefined;
    const whileRunning = async (act: (run: PodRun) => Promise<void>): Promise<void> => {
      if (run === undefined || this.#run !== run) return;
      await act(run).catch((error: unknown) => {
        this.#options.log.debug({ pod: this.record.id, error: messageOf(error) }, 'an attached client asked in vain');
      });
    };
    return {
      write: async (bytes) => await stdin?.write(bytes),
      eof: () => stdin?.end(),
      resize: (rows, cols) => whileRunning((live) => live.agent.resize(initProcess, rows, cols)),
      signal: async (signal) => {
        const number = signalNumber(signal);
        await whileRunning((live) => live.agent.signal(initProcess, number));
      },
      hangup: (stream) => whileRunning((live) => live.agent.closeOutput(initProcess, stream)),
      leave: () => {
        this.#clients.delete(client);
        this.#output?.unsubscribe(client.output);
        if (this.#container.stdinOnce) stdin?.end();
      },
    };
  }
}

async function endsWithin(promise: Promise<unknown>, milliseconds: number): Promise<boolean> {
  const { promise: late, resolve } = Promise.withResolvers<false>();
  const timer = setTimeout(() => resolve(false), milliseconds);
  try {
    return await Promise.race([promise.then(() => true), late]);
  } finally {
    clearTimeout(timer);
  }
}
