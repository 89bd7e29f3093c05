import { join } from 'node:path';
import type { Agent, ExitEvent, StreamPosition } from '../guest/index.ts';
import { HyperError } from '../lib/errors.ts';
import type { ContainerRecord, PodRecord } from '../store/index.ts';
import type { Vm, VmEnd } from '../vm/index.ts';
import type { EngineOptions } from './pod-context.ts';
import { timeout } from './timeout.ts';
import { proxyConnection, socketsOf } from './socket-proxy.ts';

const shutdownTimeoutMs = 10_000;
/** From the end of the agent's ports to QEMU's own. */
const vmEndTimeoutMs = 1000;

/** From here processes are numbered that look after a container's health: those that a hyperd leaves are known by it. */
const firstProbe = 0x4000_0000;
const lastProbe = 0x6fff_ffff;

/** What a process writes, as far as its end waits for it. */
export interface AwaitedOutput {
  /** Resolves when all of it was taken. */
  readonly ended: Promise<void>;
  /** The process has ended: what is left is taken without waiting for readers. */
  drain(): void;
  /** The guest has gone. */
  lost(): void;
}

interface Ending {
  readonly output: AwaitedOutput;
  readonly exited: PromiseWithResolvers<ExitEvent>;
}

/** A pod while its VM runs: the VM, its agent, and the ends of processes that are waited for. */
export class PodRun {
  readonly record: PodRecord;
  readonly vm: Vm;
  readonly agent: Agent;
  readonly #endings = new Map<number, Ending>();
  /** Exits that came, and whose effect is not stored yet. */
  readonly #unstored = new Set<number>();
  #newestEvent: number;
  #lastProcess: number;
  #lastProbe: number;
  #left = false;

  /** A VM that was made ready for this pod. */
  constructor(record: PodRecord, vm: Vm, agent: Agent) {
    this.record = record;
    this.vm = vm;
    this.agent = agent;
    this.#newestEvent = record.persistedEvent;
    const known = agent.hello.processes.map(({ process }) => process);
    const others = known.filter((process) => process < firstProbe);
    this.#lastProcess = Math.max(...record.containers.map(({ process }) => process), ...others);
    this.#lastProbe = Math.max(firstProbe, ...this.probesLeft());
  }

  /** A VM that an earlier hyperd left. `known`: where the streams go on. */
  static async resume(
    vm: Vm,
    record: PodRecord,
    known: readonly StreamPosition[],
    { bootTimeoutMs }: EngineOptions,
  ): Promise<PodRun> {
    const signal = AbortSignal.timeout(bootTimeoutMs);
    const { persistedEvent } = record;
    return new PodRun(record, vm, await vm.connectAgent({ persistedEvent, known, signal }));
  }

  /** Delivers replies, output and exits from now on. Register what goes on from an earlier hyperd before. */
  listen(log: EngineOptions['log']): void {
    this.agent.listen({
      onExit: (event) => this.#onExit(event),
      onConnection: (connection) => proxyConnection(connection, socketsOf(this.record), log),
      onClose: (cause) => void this.#onAgentLost(cause, log),
    });
    void this.vm.ended.then((end) => this.#onVmEnded(end));
  }

  nextProcess(): number {
    return ++this.#lastProcess;
  }

  nextProbe(): number {
    return ++this.#lastProbe;
  }

  /** What an earlier hyperd asked, whose answers nobody hears. */
  probesLeft(): number[] {
    return this.agent.hello.processes.flatMap(({ process }) =>
      process > firstProbe && process <= lastProbe ? [process] : [],
    );
  }

  /** Whether the guest knows a process of this number, running or not yet told of its end. */
  knows(process: number): boolean {
    return this.agent.hello.processes.some((each) => each.process === process);
  }

  /**
   * The exit of a process, when all of its output was taken. Call `stored` when its effect is stored: until then the guest
   * keeps it. Rejects when the VM goes first.
   */
  async processExit(process: number, output: AwaitedOutput): Promise<ExitEvent> {
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

  /** What may be said to be stored, the newest event of all up to it, once this one is. */
  storedWith({ sequence }: ExitEvent): number {
    return this.#oldestUnstored(sequence) - 1;
  }

  /** The effect of this exit is stored. */
  stored({ sequence }: ExitEvent): void {
    this.#unstored.delete(sequence);
    this.#acknowledge();
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
  }

  /** Leaves the VM running for the next hyperd. */
  release(): void {
    this.#left = true; // our own closing is no reason to end the VM
    this.agent.close();
    this.vm.release();
  }

  /** The ports close with QEMU: why it ended is its to say. A VM that goes on without its agent is ended. */
  async #onAgentLost(cause: Error | undefined, log: EngineOptions['log']): Promise<void> {
    if (this.#left) return;
    await Promise.race([this.vm.ended, timeout(vmEndTimeoutMs)]);
    if (cause !== undefined) log.error({ pod: this.record.id, error: cause }, 'the guest agent is lost: ending the VM');
    await this.vm.kill();
  }

  #onExit(event: ExitEvent): void {
    this.#newestEvent = event.sequence;
    const ending = this.#endings.get(event.process);
    if (ending === undefined) {
      this.#acknowledge(); // stored by an earlier hyperd, or nobody waits for it
      return;
    }
    this.#unstored.add(event.sequence);
    ending.exited.resolve(event);
  }

  /** An acknowledgement covers every event up to it. */
  #acknowledge(): void {
    this.agent.acknowledgeEvents(this.#oldestUnstored() - 1);
  }

  #oldestUnstored(butFor?: number): number {
    return Math.min(this.#newestEvent + 1, ...[...this.#unstored].filter((sequence) => sequence !== butFor));
  }

  #onVmEnded({ reason }: VmEnd): void {
    for (const { output, exited } of this.#endings.values()) {
      output.lost();
      exited.reject(new HyperError('vm_failed', reason));
    }
  }
}

export function podFolder(podsDir: string, record: Pick<PodRecord, 'id'>): string {
  return join(podsDir, record.id);
}

export function scratchPath(podsDir: string, record: PodRecord): string {
  return join(podFolder(podsDir, record), 'scratch.ext4');
}

export function logPath(podsDir: string, pod: Pick<PodRecord, 'id'>, { id }: Pick<ContainerRecord, 'id'>): string {
  return join(podFolder(podsDir, pod), `${id}.log`);
}
