import { asHyperError, HyperError } from '../lib/errors.ts';
import { Mutex } from '../lib/mutex.ts';
import { signalNumber } from '../lib/signals.ts';
import type { PortMapping } from '../network/index.ts';
import type { PodRecord } from '../store/index.ts';
import type { AttachClient, Attachment } from './attachment.ts';
import { Container, type ContainerResult } from './container.ts';
import { ContainerLives, defaultStopTimeoutMs } from './container-lives.ts';
import { killPod } from './kill-pod.ts';
import { doesNotRun, refuseRemoved } from './live-pod.ts';
import { writesDisks } from './mounted-disks.ts';
import { removeVolumesOf } from './mounts.ts';
import type { EngineOptions } from './pod-context.ts';
import { joinNetwork, leaveNetwork } from './pod-networks.ts';
import { type PortFilter, publish, unpublish } from './pod-ports.ts';
import { deleteFolder, emptyFolder } from './pod-folders.ts';
import type { PodRun } from './pod-run.ts';
import type { NetworkOfPodSpec } from './pod-spec.ts';
import { startPod } from './pod-start.ts';
import { checkVm } from './vm-desk.ts';
import { isToRestart, Restarts } from './restart-policy.ts';
import type { StartTiming } from './start-timing.ts';
import { checkTransition } from './pod-states.ts';
import { releaseVm, resumePod } from './pod-vm.ts';
import { startFailureExitCode } from './start-failure.ts';
import { patienceLeft, type StopOptions } from './stopping.ts';

/** One pod and what can be done with it. Its result is that of its first container. */
export class Pod {
  readonly record: PodRecord;
  /** In the record's order. */
  readonly containers: Container[];
  readonly #options: EngineOptions;
  readonly #onRemoved: () => void;
  /** What changes it comes one after the other. */
  readonly lock = new Mutex();
  readonly #restarts = new Restarts();
  #lives: ContainerLives | undefined;
  #finished = Promise.withResolvers<ContainerResult>();
  #abortStart: AbortController | undefined;
  /** Its end is asked for: no policy starts it again. */
  #stopping: boolean;
  /** Why it is ended, where that is not its user's doing. */
  #endReason: string | null = null;
  /** It is left to the next hyperd. */
  #left = false;
  #removed = false;
  #recordIsGone = false;
  #timing: StartTiming | null = null;

  constructor(record: PodRecord, options: EngineOptions, onRemoved: () => void) {
    this.record = record;
    this.#options = options;
    this.#onRemoved = onRemoved;
    this.#stopping = record.stopping !== null;
    this.containers = record.containers.map((container) => new Container(container, record, options));
    if (record.state === 'succeeded' || record.state === 'failed') {
      void this.first.finished.then((result) => this.#finished.resolve(result));
    }
  }

  get first(): Container {
    const [container] = this.containers;
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
    return this.#lives !== undefined || this.#abortStart !== undefined;
  }

  get run(): PodRun | undefined {
    return this.#lives?.run;
  }

  get removed(): boolean {
    return this.#removed;
  }

  /** Its containers while it has a VM. */
  get lives(): ContainerLives | undefined {
    return this.#lives;
  }

  /** What the latest start's time went to; null where another hyperd started it. */
  get timing(): StartTiming | null {
    return this.#timing;
  }

  /** @param signal who asked for it has gone: a start that still waits for its VM leaves the line; one that has it goes on. `vm`: one that its user has made for it */
  async start(signal?: AbortSignal, vm?: string): Promise<void> {
    await this.#startByUser(() => undefined, signal, vm);
  }

  /** After a restart of hyperd: takes the VM back, or records how it ended; what its restart policy says is done. `onFound`: as resumePod's. */
  async resume(onFound: (run: PodRun) => void): Promise<void> {
    await this.lock.run(async () => {
      // One that cannot be taken back must not keep the others waiting.
      const resumed = await resumePod(this, this.#options, onFound).catch(asHyperError);
      if (resumed instanceof HyperError) await this.#end({ exitCode: 255, error: resumed }, false);
      else if (resumed !== undefined) this.#adopt(resumed);
      else if (this.record.autoRemove && this.record.finishedAt !== null) await this.#remove();
      if (this.record.restarting && !this.active && !this.#removed && !this.#restarts.isWaiting(this))
        this.#scheduleStart(0);
    });
    this.#finishStop().catch((error: unknown) => {
      this.#options.log.error({ pod: this.record.id, error }, 'a stop that was under way could not be finished');
    });
  }

  /** The hyperd that went was stopping it, or containers of it. */
  async #finishStop(): Promise<void> {
    const lives = this.#lives;
    const ofPod = this.record.stopping !== null;
    if (ofPod) await lives?.endAll(this.#finished.promise, patienceLeft(this.record));
    else await lives?.finishStops();
    await this.settled();
    // A hyperd that was told to end had begun it: what is always to run runs again.
    if (ofPod && lives !== undefined && this.record.restarting && !this.active) this.#scheduleStart(0);
  }

  /**
   * Asks the processes to end with their stop signals, and after the timeout ends them.
   *
   * @param options `by`: `user`: no `replacePod` starts it again; `hyperd` ends: the next one starts what is always to run;
   *   `signal`: one in place of the stop signals
   */
  async stop(timeoutMs = defaultStopTimeoutMs, { by = 'user', signal }: StopOptions = {}): Promise<void> {
    const number = signal === undefined ? undefined : signalNumber(signal);
    const finished = this.#finished.promise;
    const waited = this.#restarts.isWaiting(this);
    const comesBack = by === 'hyperd' && !this.#stopping;
    const wasReplaced = this.record.replacedBy !== null;
    if (by === 'user') this.record.replacedBy = null;
    this.#stopping = true;
    this.#restarts.cancel(this);
    const starting = this.#abortStart;
    starting?.abort(new HyperError('cancelled', 'the pod was stopped while it started'));
    if (starting !== undefined) await this.settled(); // it may have started all the same
    const lives = this.#lives;
    if (comesBack && this.record.restartPolicy === 'always') this.record.restarting = true;
    if (lives === undefined) {
      const isKnown = waited || wasReplaced || starting !== undefined || this.record.state === 'pending';
      if (!isKnown) throw doesNotRun(this.record);
      this.record.restarting &&= by === 'hyperd';
      if (!this.#removed) this.#options.store.keepPod(this.record);
      return;
    }
    if (comesBack) this.#endReason = 'hyperd was stopped';
    await lives.endAll(finished, timeoutMs, number);
  }

  /** Sends a signal to the first process of one container, or of each that runs. */
  async kill(signal: string, only?: Container): Promise<void> {
    await killPod(this, signal, only);
  }

  /** Resolves when nothing is under way: after an end, when its VM has been taken apart. */
  async settled(): Promise<void> {
    await this.lock.run(() => Promise.resolve());
  }

  async wait(): Promise<ContainerResult> {
    return await this.#finished.promise;
  }

  /** Removes the pod with all that it left, with `withVolumes` also volumes without a name. `force` ends it first. */
  async remove(force: boolean, withVolumes = false): Promise<void> {
    for (;;) {
      if (this.active) {
        if (!force) {
          throw new HyperError('conflict', `pod ${this.record.name} runs: stop it first, or remove it by force (-f)`);
        }
        this.#stopping = true;
        this.#lives?.expectEnd();
        this.#abortStart?.abort(new HyperError('cancelled', 'the pod was removed while it started'));
        await this.#lives?.giveUp(this.containers);
        // What a guest has not written to its disks yet goes with its VM.
        if (this.#lives !== undefined && this.#writesDisks) await this.stop(0);
        await this.run?.vm.kill();
      }
      // It may have been started again while we waited for our turn.
      const done = await this.lock.run(async () => {
        if (this.active) return false;
        this.#restarts.cancel(this);
        await this.#remove(withVolumes);
        return true;
      });
      if (done) return;
    }
  }

  /** Attaches to a container. `start` starts the pod with the client attached, so that it misses nothing. */
  async attach(
    container: Container,
    client: AttachClient,
    options: { readonly start: boolean; readonly stdin: boolean; readonly signal?: AbortSignal },
  ): Promise<Attachment> {
    const { id } = this.record;
    if (!options.start) {
      container.join(client);
      client.started(id, [], null);
      return container.attachment(client, options.stdin);
    }
    const dismiss = container.await(client);
    try {
      return await this.#startByUser(() => {
        client.started(id, this.record.warnings, this.#timing);
        container.welcome(client);
        return container.attachment(client, options.stdin);
      }, options.signal);
    } catch (error) {
      dismiss();
      throw error;
    }
  }

  /** Opens further ports of the host that lead to the pod; answers with them as they stand. */
  async publish(mappings: readonly PortMapping[]): Promise<readonly PortMapping[]> {
    return await this.lock.run(() => publish(this.record, mappings, this.#options));
  }

  async unpublish(filter: PortFilter): Promise<number> {
    return await this.lock.run(() => unpublish(this.record, filter, this.#options));
  }

  async joinNetwork(spec: NetworkOfPodSpec): Promise<void> {
    await this.lock.run(() => joinNetwork(this.record, spec, this.run, this.#options));
  }

  async leaveNetwork(network: string): Promise<void> {
    await this.lock.run(() => leaveNetwork(this.record, network, this.run, this.#options));
  }

  /** Leaves the VM to the next hyperd. */
  release(): void {
    this.#left = true;
    this.#restarts.cancel(this);
    this.#abortStart?.abort(new HyperError('cancelled', 'hyperd ended while the pod started'));
    this.#lives?.close();
    this.run?.release();
    this.#lives = undefined;
  }

  /** `onStarted` is called before anything that its processes do is told; answers with what that gives. */
  async #startByUser<T>(onStarted: () => T, signal?: AbortSignal, vm?: string): Promise<T> {
    this.#restarts.cancel(this);
    return await this.#start(0, onStarted, signal, vm);
  }

  async #start<T>(restarts: number, onStarted: () => T, signal?: AbortSignal, vm?: string): Promise<T> {
    return await this.lock.run(async () => {
      signal?.throwIfAborted();
      refuseRemoved(this);
      if (this.#lives !== undefined) throw new HyperError('conflict', `pod ${this.record.name} runs already`);
      if (vm !== undefined) checkVm(vm, this.record, this.#options);
      this.record.restarts = restarts;
      this.#stopping = false;
      this.#endReason = null;
      if (this.record.state !== 'pending') this.#begin();
      const abort = new AbortController();
      this.#abortStart = abort;
      const leave = (): void => {
        if (this.record.vm === null) abort.abort(signal?.reason);
      };
      signal?.addEventListener('abort', leave, { once: true });
      try {
        const started = await startPod(this, this.#options, abort.signal, vm);
        this.#timing = started.timing;
        this.#adopt(started.run);
        return onStarted();
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

  #adopt(run: PodRun): void {
    this.#lives = new ContainerLives({
      ...{ pod: this, run, engine: this.#options, lock: this.lock },
      end: (last, onStored) => this.#end(last, true, onStored),
      endVm: () => this.#endVm(run, true),
    });
  }

  /** A new run of a pod that had ended. */
  #begin(): void {
    this.record.state = checkTransition(this.record.state, 'pending');
    Object.assign(this.record, { startedAt: null, reason: null, restarting: false, stopping: null });
    for (const container of this.containers) container.reset();
    this.#options.store.keepPod(this.record); // on a full disk the start fails when its VM is to be stored
    this.#finished = Promise.withResolvers<ContainerResult>();
  }

  /**
   * Stores the result, tells whoever waits, and takes the VM apart behind their back. `last`: of the containers that have
   * not ended by themselves.
   */
  async #end(last: ContainerResult, inOrder: boolean, onStored?: () => void): Promise<void> {
    const { record, run } = this;
    const ranMs = Date.now() - Date.parse(record.startedAt ?? record.createdAt);
    const hasRun = record.state !== 'pending';
    for (const container of this.containers) {
      const { state, startedAt, waiting } = container.record;
      // It was being started, or started again, or waited for init containers.
      const begun = state === 'pending' && (!hasRun || startedAt !== null || waiting);
      if (state === 'running' || begun) container.markEnded(last);
      container.record.restarting = false;
    }
    const succeeded = last.error === null && this.containers.every(({ record: { state } }) => state !== 'failed');
    const reason = last.error?.message ?? this.#endReason;
    record.state = checkTransition(record.state, succeeded ? 'succeeded' : 'failed');
    Object.assign(record, { finishedAt: new Date().toISOString(), reason, stopping: null });
    // Its containers' own ends have called for what they call for: this is about a VM that has gone.
    const ofItself = last.error !== null && last.error.code !== 'init_failed';
    const lost = ofItself && !this.#stopping && (hasRun || record.restarts > 0);
    const again = lost && isToRestart(record, { succeeded, restarts: record.restarts });
    if (again) record.restarting = true;
    // A pod that removes itself is gone when its user is told: its name is free. What its VM leaves has no record then,
    // and would be found at the next start if we died here.
    try {
      // A full disk must not keep its user waiting. The guest's event stays unacknowledged until it is stored.
      this.#options.store.keepPod(record, onStored);
      if (record.autoRemove) this.#forget();
    } catch (error) {
      this.#options.log.error({ pod: record.id, error }, 'the end of a pod could not be stored');
    }
    const result = { exitCode: this.first.exitCode, error: last.error };
    this.#options.log.info({ pod: record.id, exitCode: result.exitCode, reason, again }, 'pod ended');
    this.#lives?.close();
    this.#lives = undefined;
    this.#options.volumes.holders.ending(record.id);
    for (const container of this.containers) {
      if (container.record.state === 'pending') continue; // added, and never started
      container.finish({ exitCode: container.exitCode, error: last.error });
    }
    this.#finished.resolve(result);
    if (run !== undefined) await this.#endVm(run, inOrder);
    for (const container of this.containers) await container.closeLog();
    if (record.autoRemove) {
      await this.#remove();
    } else {
      await releaseVm(record, this.#options);
      this.#options.store.keepPod(record);
    }
    if (again) this.#scheduleStart(ranMs);
  }

  async #endVm(run: PodRun, inOrder: boolean): Promise<void> {
    await run.end(inOrder && (!this.record.autoRemove || this.#writesDisks));
  }

  #scheduleStart(ranMs: number): void {
    if (this.#left) return;
    this.#restarts.schedule(this, ranMs, () => {
      this.#start(this.record.restarts + 1, () => undefined).catch((error: unknown) => {
        this.#options.log.warn({ pod: this.record.id, error }, 'a pod could not be started again');
      });
    });
  }

  #forget(): void {
    this.#recordIsGone = this.#options.store.deletePod(this.record.id);
    this.#removed = true;
    this.#onRemoved();
  }

  async #remove(withVolumes = this.record.autoRemove): Promise<void> {
    await releaseVm(this.record, this.#options);
    await removeVolumesOf(this.record.containers, withVolumes, this.#options);
    await emptyFolder(this.#options.podsDir, this.record);
    // Then: on a full disk the record cannot be deleted before the pod's disk has given its space back.
    if (!this.#removed) this.#forget();
    if (this.#recordIsGone) await deleteFolder(this.#options.podsDir, this.record);
    if (this.record.state === 'pending') {
      const result = { exitCode: 255, error: new HyperError('cancelled', 'the pod was removed') };
      for (const container of this.containers) container.finish(result);
      this.#finished.resolve(result);
    }
  }
}
