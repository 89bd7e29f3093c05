import { join } from 'node:path';
import type { Agent, ExitEvent, StreamPosition } from '../guest/index.ts';
import { HyperError } from '../lib/errors.ts';
import type { PodRecord } from '../store/index.ts';
import type { Vm, VmEnd } from '../vm/index.ts';
import { ContainerLog } from './container-log.ts';
import type { EngineOptions } from './pod-context.ts';
import type { ReadyVm } from './supply/index.ts';
import { timeout } from './timeout.ts';
import { proxyConnection, socketsOf } from './socket-proxy.ts';
import { ProcessOutput, type OutputSubscriber } from './process-output.ts';

/** The number of a container's first process in its guest; execs get the later ones. */
export const initProcess = 1;

const shutdownTimeoutMs = 10_000;
/** From the end of the agent's ports to QEMU's own. */
const vmEndTimeoutMs = 1000;

interface Ending {
  readonly output: ProcessOutput;
  readonly exited: PromiseWithResolvers<ExitEvent>;
}

/** A pod while its VM runs: the VM, its agent, and the processes that are under way. */
export class PodRun {
  readonly record: PodRecord;
  readonly vm: Vm;
  readonly agent: Agent;
  readonly log: ContainerLog;
  readonly #endings = new Map<number, Ending>();
  #lastProcess: number;
  #unstored = Infinity;
  #left = false;

  private constructor(record: PodRecord, vm: Vm, agent: Agent, log: ContainerLog) {
    this.record = record;
    this.vm = vm;
    this.agent = agent;
    this.log = log;
    this.#lastProcess = Math.max(initProcess, ...agent.hello.processes.map(({ process }) => process));
  }

  /** A VM that was made ready for this pod. */
  static async begin(
    { vm, agent }: Pick<ReadyVm, 'vm' | 'agent'>,
    record: PodRecord,
    options: EngineOptions,
  ): Promise<PodRun> {
    return new PodRun(record, vm, agent, await ContainerLog.open(logPath(options.podsDir, record), false, options.log));
  }

  /** A VM that an earlier hyperd left: its streams go on where the log ends. */
  static async resume(vm: Vm, record: PodRecord, options: EngineOptions): Promise<PodRun> {
    const container = record.containers[0];
    if (container === undefined) throw new HyperError('internal', `pod ${record.id} has no container`);
    const log = await ContainerLog.open(logPath(options.podsDir, record), true, options.log);
    try {
      const signal = AbortSignal.timeout(options.bootTimeoutMs);
      const known = knownStreams(log, container.tty);
      const agent = await vm.connectAgent({ persistedEvent: record.persistedEvent, known, signal });
      return new PodRun(record, vm, agent, log);
    } catch (error) {
      await log.close();
      throw error;
    }
  }

  /** Delivers replies, output and exits from now on. Register what goes on from an earlier hyperd before. */
  listen(log: EngineOptions['log']): void {
    const sockets = socketsOf(this.record);
    this.agent.listen({
      onExit: (event) => this.#onExit(event),
      onConnection: (connection) => proxyConnection(connection, sockets, log),
      onClose: (cause) => void this.#onAgentLost(cause, log),
    });
    void this.vm.ended.then((end) => this.#onVmEnded(end));
  }

  nextProcess(): number {
    return ++this.#lastProcess;
  }

  /** The first process's output, to its log and the subscribers. */
  initOutput(subscribers: Iterable<OutputSubscriber>): ProcessOutput {
    return new ProcessOutput(this.agent, initProcess, this.record.containers[0]?.tty ?? false, subscribers, this.log);
  }

  /** The exit of the first process, with all of its output in the log. Acknowledge it when its effect is stored. */
  async initExit(output: ProcessOutput): Promise<ExitEvent> {
    return await this.#register(initProcess, output);
  }

  /** The exit code of any other process, when all of its output was taken. Rejects when the VM goes first. */
  async processEnded(process: number, output: ProcessOutput): Promise<number> {
    const event = await this.#register(process, output);
    this.#acknowledge(event.sequence);
    return event.exitCode;
  }

  /** The effect of the first process's exit is stored. */
  initExitStored({ sequence }: ExitEvent): void {
    this.#unstored = Infinity;
    this.#acknowledge(sequence);
  }

  forgetProcess(process: number): void {
    this.#endings.delete(process);
    this.agent.forget(process);
  }

  /** Ends the VM: in order, so that the scratch disk is whole, or at once. */
  async end(inOrder: boolean): Promise<void> {
    if (inOrder) {
      try {
        await this.agent.shutDown(shutdownTimeoutMs);
        await Promise.race([this.vm.ended, timeout(shutdownTimeoutMs)]);
      } catch {
        // it went by itself, or does not answer: it is killed below
      }
    }
    this.#left = true; // that the ports close with QEMU is our own doing
    await this.vm.kill();
    this.agent.close();
    await this.log.close();
  }

  /** Leaves the VM running for the next hyperd. */
  release(): void {
    this.#left = true; // our own closing is no reason to end the VM
    this.agent.close();
    this.vm.release();
  }

  async #register(process: number, output: ProcessOutput): Promise<ExitEvent> {
    const exited = Promise.withResolvers<ExitEvent>();
    this.#endings.set(process, { output, exited });
    try {
      const event = await exited.promise;
      output.drain();
      await output.ended;
      return event;
    } finally {
      this.forgetProcess(process);
    }
  }

  /** The ports close with QEMU: why it ended is its to say. A VM that goes on without its agent is ended. */
  async #onAgentLost(cause: Error | undefined, log: EngineOptions['log']): Promise<void> {
    if (this.#left) return;
    await Promise.race([this.vm.ended, timeout(vmEndTimeoutMs)]);
    if (cause !== undefined) log.error({ pod: this.record.id, error: cause }, 'the guest agent is lost: ending the VM');
    await this.vm.kill();
  }

  #onExit(event: ExitEvent): void {
    if (event.process === initProcess) this.#unstored = event.sequence;
    const ending = this.#endings.get(event.process);
    if (ending !== undefined) ending.exited.resolve(event);
    else this.#acknowledge(event.sequence);
  }

  /** An acknowledgement covers every event up to it: never the exit of the first process before that is stored. */
  #acknowledge(sequence: number): void {
    this.agent.acknowledgeEvents(Math.min(sequence, this.#unstored - 1));
  }

  #onVmEnded({ reason }: VmEnd): void {
    for (const { output, exited } of this.#endings.values()) {
      output.lost();
      exited.reject(new HyperError('vm_failed', reason));
    }
  }
}

export function podFolder(podsDir: string, record: PodRecord): string {
  return join(podsDir, record.id);
}

export function scratchPath(podsDir: string, record: PodRecord): string {
  return join(podFolder(podsDir, record), 'scratch.ext4');
}

export function logPath(podsDir: string, record: PodRecord): string {
  return join(podFolder(podsDir, record), `${record.containers[0]?.id ?? 'container'}.log`);
}

function knownStreams(log: ContainerLog, tty: boolean): StreamPosition[] {
  const streams: readonly (1 | 2)[] = tty ? [1] : [1, 2];
  return streams.map((stream) => ({ process: initProcess, stream, ...log.positions[stream] }));
}
