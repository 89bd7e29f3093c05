import type { ExitEvent } from '../guest/index.ts';
import { asHyperError, HyperError } from '../lib/errors.ts';
import type { Mutex } from '../lib/mutex.ts';
import { signalNumber } from '../lib/signals.ts';
import type { PodRecord } from '../store/index.ts';
import type { Container, ContainerResult } from './container.ts';
import type { EngineOptions } from './pod-context.ts';
import { addContainer } from './pod-start.ts';
import { endsWithin } from './ends-within.ts';
import { PodHealth, runInContainer } from './health/index.ts';
import { initFailure, nextToStart } from './init-containers.ts';
import type { PodRun } from './pod-run.ts';
import { isToRestart, Restarts } from './restart-policy.ts';
import { startFailure, startFailureExitCode } from './start-failure.ts';
import { beginStop, patienceLeft, type Stopped } from './stopping.ts';

export const defaultStopTimeoutMs = 10_000;
/** From SIGKILL to the guest's answer, and from there to the exit event; then the VM is ended. */
const killTimeoutMs = 10_000;

export interface ContainerLivesOptions {
  readonly pod: { readonly record: PodRecord; readonly containers: readonly Container[] };
  readonly run: PodRun;
  readonly engine: EngineOptions;
  /** The pod's: what changes it comes one after the other. */
  readonly lock: Mutex;
  /** None goes on, or the VM has gone. Called with the lock held; calls `onStored` when that is stored. */
  readonly end: (last: ContainerResult, onStored?: () => void) => Promise<void>;
  /** Ends the VM, in order where what it writes is kept. */
  readonly endVm: () => Promise<void>;
}

/** The containers of a pod while it has a VM: how each ends, and what the pod's restart policy makes of it. */
export class ContainerLives {
  readonly run: PodRun;
  readonly #pod: ContainerLivesOptions['pod'];
  readonly #engine: EngineOptions;
  readonly #lock: Mutex;
  readonly #end: ContainerLivesOptions['end'];
  readonly #endVm: ContainerLivesOptions['endVm'];
  readonly #restarts = new Restarts();
  /** What is asked of those that run. */
  readonly health: PodHealth<Container>;
  /** Who was sent stop signals by this hyperd. */
  readonly #hasAsked = new WeakSet<Stopped>();
  #closed = false;
  /** Why its VM has gone. */
  #lost: HyperError | undefined;

  constructor({ pod, run, engine, lock, end, endVm }: ContainerLivesOptions) {
    this.run = run;
    this.#pod = pod;
    this.#engine = engine;
    this.#lock = lock;
    this.#end = end;
    this.#endVm = endVm;
    this.health = new PodHealth({
      ...{ log: engine.log, paused: pod.record.state === 'paused' },
      exec: ({ record }, ...rest) => runInContainer(run, record, ...rest),
      change: (change, signal) => this.#change(change, signal),
      end: (container, why) => this.#endByProbe(container, why),
    });
    for (const container of pod.containers) {
      if (container.exit !== undefined) this.#follow(container, container.exit);
      else if (container.record.restarting) this.#schedule(container, 0);
    }
    this.#advance(); // the hyperd that heard of an init container's end may have died before it started the next one
    const lost = run.vm.ended.then(({ reason }) => {
      this.#lost = new HyperError('vm_failed', reason);
      return this.#lock.run(() => this.#endIfLost());
    });
    lost.catch((error: unknown) => {
      this.#engine.log.error({ pod: pod.record.id, error }, 'the end of a VM could not be handled');
    });
  }

  /** Those whose first process runs. */
  get running(): Container[] {
    return this.#pod.containers.filter(({ running }) => running);
  }

  /** No policy starts these again; those that wait for it have ended. Where none goes on, the pod ends. */
  async giveUp(containers: readonly Container[]): Promise<void> {
    for (const container of containers) {
      container.stopping = true;
      this.#restarts.cancel(container);
      this.health.end(container);
    }
    if (!containers.some(({ record }) => record.restarting || record.waiting)) return;
    await this.#lock.run(async () => {
      if (this.#closed) return;
      const waiting = containers.filter(({ record }) => record.restarting); // one may have started since
      for (const { record } of waiting) record.restarting = false;
      if (await this.#endIfNoneGoesOn(this.#lastResult())) return;
      this.#save();
      for (const container of waiting) container.finish({ exitCode: container.exitCode, error: null });
    });
  }

  /** The pod was paused, and is no more: what was to start meanwhile starts. */
  goOn(): void {
    for (const container of this.#pod.containers) {
      if (container.record.restarting && !this.#restarts.isWaiting(container)) this.#schedule(container, Infinity);
    }
    this.#advance();
    this.health.goOn();
  }

  /** Starts a container that does not run; one that was added while the pod runs is made first. The lock is held. */
  async start(container: Container): Promise<void> {
    if (container.running) throw new HyperError('conflict', `container ${container.record.name} runs already`);
    const { name, init, waiting } = container.record;
    if (init) throw new HyperError('conflict', `${name} is an init container, which runs when its pod starts`);
    if (waiting) throw new HyperError('conflict', `container ${name} starts when the init containers have succeeded`);
    this.#restarts.cancel(container);
    if (container.record.startedAt === null) await addContainer(container, this.run, this.#engine);
    container.revive();
    try {
      await this.#startProcess(container);
    } catch (error) {
      const failure = startFailure(error);
      container.stopping = true; // its user is told, and tries again
      await this.#onFailure(container, failure);
      throw failure;
    }
  }

  /** Ends a container, and with the last one the pod. */
  async stop(container: Container, timeoutMs: number, signal?: number): Promise<void> {
    const { finished } = container;
    await this.giveUp([container]);
    const running = (): Container[] => (container.running ? [container] : []);
    await this.#stopInTime(container.record, running, finished, timeoutMs, signal);
  }

  /** The hyperd that went was stopping these by themselves. */
  async finishStops(): Promise<void> {
    const stopped = this.#pod.containers.filter(({ record }) => record.stopping !== null);
    await Promise.all(stopped.map((container) => this.stop(container, patienceLeft(container.record))));
  }

  /** Asks all to end with their stop signals, or with this one, and after the timeout ends them. `finished`: the pod has. */
  async endAll(finished: Promise<unknown>, timeoutMs: number, signal?: number): Promise<void> {
    await this.giveUp(this.#pod.containers);
    // What does not answer is ended below.
    if (this.#pod.record.state === 'paused') await this.run.agent.freeze(false).catch(() => undefined);
    await this.#stopInTime(this.#pod.record, () => this.running, finished, timeoutMs, signal);
  }

  /** The pod's VM is about to be ended: where hyperd goes before that, no policy starts it again. */
  expectEnd(): void {
    this.#pod.record.stopping = { until: new Date().toISOString(), asked: true };
    this.#save();
  }

  /** The pod has ended, or is left to the next hyperd. */
  close(): void {
    this.#closed = true;
    this.#restarts.cancel();
    this.health.close();
  }

  /** What is stored of it has the next hyperd finish it, where this one goes. */
  async #stopInTime(
    record: Stopped,
    running: () => Container[],
    finished: Promise<unknown>,
    timeoutMs: number,
    signal?: number,
  ): Promise<void> {
    const isAsked = record.stopping?.asked === true && !this.#hasAsked.has(record); // by the hyperd that went
    if (!this.#closed && running().length > 0) {
      beginStop(record, timeoutMs);
      this.#save();
    }
    this.#hasAsked.add(record);
    if (!isAsked) await Promise.all(running().map((container) => container.askToEnd(signal)));
    if (!this.#closed && record.stopping !== null) {
      record.stopping.asked = true;
      this.#save();
    }
    if (await endsWithin(finished, timeoutMs)) return;
    const told = Promise.all(running().map((container) => container.endAtOnce()));
    const answers = await endsWithin(told, killTimeoutMs);
    if (answers && (await endsWithin(finished, killTimeoutMs))) return;
    // What waits for a server of files cannot be killed, and the pod's disks are to be whole.
    if (answers) await this.#endVm();
    else await this.run.vm.kill();
    await finished;
  }

  /** A full disk must not keep those waiting who wait for a container: it is stored when there is room. */
  #save(onStored?: () => void): void {
    try {
      this.#engine.store.keepPod(this.#pod.record, onStored);
    } catch (error) {
      this.#engine.log.error({ pod: this.#pod.record.id, error }, 'the state of a container could not be stored');
    }
  }

  /** Ends the pod where nothing of it runs, or will. */
  async #endIfNoneGoesOn(last: ContainerResult, onStored?: () => void): Promise<boolean> {
    const { containers, record: pod } = this.#pod;
    if (containers.some(({ record }) => record.state === 'running' || record.restarting)) return false;
    const waiting = containers.filter(({ record }) => record.waiting);
    const failure = waiting.length === 0 ? undefined : initFailure(containers, pod);
    if (waiting.length > 0 && failure === undefined) return false;
    if (failure !== undefined) for (const container of waiting) container.markNeverStarted(failure);
    await this.#end(failure === undefined ? last : { exitCode: last.exitCode, error: failure }, onStored);
    return true;
  }

  /** Ends the pod where its VM has gone and nothing of it runs: what runs hears it itself, after what it has sent. */
  async #endIfLost(): Promise<boolean> {
    if (this.#lost === undefined || this.#closed) return false;
    if (this.#pod.containers.some(({ exit }) => exit !== undefined)) return false;
    await this.#end({ exitCode: 255, error: this.#lost });
    return true;
  }

  #lastResult(): ContainerResult {
    return { exitCode: this.#pod.containers[0]?.exitCode ?? 255, error: null };
  }

  #follow(container: Container, exit: Promise<ExitEvent>): void {
    if (!container.stopping) this.health.begin(container);
    const ended = exit.then(
      (event) => this.#lock.run(() => this.#onExit(container, event)),
      (error: unknown) =>
        this.#lock.run(async () => {
          if (!this.#closed) await this.#end({ exitCode: 255, error: asHyperError(error) });
        }),
    );
    ended.catch((error: unknown) => {
      this.#engine.log.error({ pod: this.#pod.record.id, error }, 'the end of a container could not be handled');
    });
  }

  async #onExit(container: Container, event: ExitEvent): Promise<void> {
    if (this.#closed) return;
    const result = { exitCode: event.exitCode, error: null };
    this.health.end(container);
    container.markEnded(result, event.oomKilled);
    this.#pod.record.persistedEvent = this.run.storedWith(event);
    await this.#ended(container, result, () => this.run.stored(event));
  }

  async #ended(container: Container, result: ContainerResult, onStored: () => void): Promise<void> {
    const { record } = container;
    const succeeded = record.state === 'succeeded';
    const ended = { succeeded, restarts: record.restarts };
    const isDone = record.init && succeeded;
    record.restarting = !container.stopping && !isDone && isToRestart(this.#pod.record, ended);
    if (await this.#endIfNoneGoesOn(result, onStored)) return;
    if (this.#lost !== undefined) container.tell(result); // it has ended before its VM
    if (await this.#endIfLost()) return;
    this.#save(onStored); // until then the guest's event stays unacknowledged
    const fields = { container: record.name, exitCode: result.exitCode, again: record.restarting };
    this.#engine.log.info({ pod: this.#pod.record.id, ...fields }, 'container ended');
    if (record.restarting) {
      container.tell(result);
      this.#schedule(container, container.ranMs);
    } else {
      container.finish(result);
    }
    this.#advance();
  }

  /** Starts what waits for nothing any more: the next init container, or the pod's containers. */
  #advance(): void {
    if (nextToStart(this.#pod.containers).length === 0) return;
    this.#lock
      .run(async () => {
        for (const container of nextToStart(this.#pod.containers)) {
          if (this.#closed || this.#pod.record.state === 'paused') return; // `goOn` comes back to it
          if (container.stopping) continue;
          await this.#startProcess(container).catch((error: unknown) =>
            this.#onFailure(container, startFailure(error)),
          );
        }
      })
      .catch((error: unknown) => {
        this.#engine.log.error(
          { pod: this.#pod.record.id, error },
          'what waited for an init container was not started',
        );
      });
  }

  /** What is asked of a container has said something new. */
  async #change(change: () => void, signal: AbortSignal): Promise<void> {
    await this.#lock.run(() => {
      if (this.#closed || signal.aborted) return Promise.resolve();
      change();
      this.#save();
      return Promise.resolve();
    });
  }

  /** A probe has failed too often: its process is asked to end, then ended, and the restart policy says what comes next. */
  #endByProbe(container: Container, why: string): void {
    const { exit, record } = container;
    const act = async (): Promise<void> => {
      const isMeant = await this.#lock.run(() => {
        if (this.#closed || exit === undefined || container.exit !== exit) return Promise.resolve(false);
        record.probeFailure = why;
        this.#save();
        this.health.end(container);
        return Promise.resolve(true);
      });
      if (!isMeant || exit === undefined) return;
      this.#engine.log.warn({ pod: this.#pod.record.id, container: record.name, why }, 'a probe ends a container');
      await container.askToEnd();
      const ended = exit.catch(() => undefined); // that its VM has gone others hear
      if (await endsWithin(ended, defaultStopTimeoutMs)) return;
      if (!this.#closed && container.exit === exit) await container.endAtOnce();
    };
    act().catch((error: unknown) => {
      this.#engine.log.error({ pod: this.#pod.record.id, error }, 'a container whose probe fails could not be ended');
    });
  }

  #schedule(container: Container, ranMs: number): void {
    this.#restarts.schedule(container, ranMs, () => {
      this.#lock
        .run(() => this.#startAgain(container))
        .catch((error: unknown) => {
          this.#engine.log.error({ pod: this.#pod.record.id, error }, 'a container could not be started again');
        });
    });
  }

  async #startAgain(container: Container): Promise<void> {
    // What starts in frozen cgroups would not run: `goOn` comes back to it.
    if (this.#closed || !container.record.restarting || this.#pod.record.state === 'paused') return;
    try {
      await this.#startProcess(container);
    } catch (error) {
      await this.#onFailure(container, startFailure(error));
    }
  }

  async #startProcess(container: Container): Promise<void> {
    await container.beginAgain(this.run);
    this.#engine.store.savePod(this.#pod.record); // before it runs: the next hyperd knows it by its number
    await container.start(this.run);
    container.markRunning(new Date().toISOString());
    this.#save();
    if (container.exit !== undefined) this.#follow(container, container.exit);
    if (container.stopping) await container.askToEnd(); // it was asked to while it started
  }

  async #onFailure(container: Container, error: HyperError): Promise<void> {
    if (this.#closed) return;
    const { process } = container.record;
    // It may run nevertheless, and nobody would know.
    if (error.code === 'timeout') await this.run.agent.signal(process, signalNumber('KILL')).catch(() => undefined);
    this.run.forgetProcess(process);
    const result = { exitCode: startFailureExitCode(error), error };
    container.markEnded(result);
    await this.#ended(container, result, () => undefined);
  }
}
