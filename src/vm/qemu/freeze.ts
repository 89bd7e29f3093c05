import type { Agent } from '../../guest/index.ts';
import { messageOf } from '../../lib/errors.ts';
import type { Log } from '../../lib/log.ts';
import { unlessAborted } from '../../lib/unless-aborted.ts';
import type { VmSpec } from '../hypervisor.ts';
import { saveState, type StateSocket } from './migration.ts';
import type { QemuVm } from './qemu-vm.ts';
import { settled } from './settled.ts';

/** Of a guest of at most this much nearly all was written by its boot; what a larger one has not touched is a hole already. */
const clearedMiB = 512;

export interface FreezeOptions {
  readonly spec: VmSpec;
  readonly vm: QemuVm;
  readonly agent: Agent;
  /** QEMU's way out, and the file that it ends in. */
  readonly socket: StateSocket;
  readonly statePath: string;
  readonly signal: AbortSignal;
  readonly log: Log;
}

/** Stops a guest that has come to rest, and writes down what its devices know; its memory is in its file, zeros where it was free. */
export async function freeze({ spec, vm, agent, socket, statePath, signal, log }: FreezeOptions): Promise<void> {
  agent.listen({ onExit: () => undefined, onClose: () => undefined });
  await unlessAborted(agent.ping(), signal); // it has loaded all its modules then
  if (spec.memoryMiB <= clearedMiB) await clear(agent, signal, log);
  await settled(vm.record.process, signal);
  agent.close();
  await vm.freeze();
  await saveState(vm.qmp, socket, statePath, signal);
}

/** A template without holes is one all the same. */
async function clear(agent: Agent, signal: AbortSignal, log: Log): Promise<void> {
  try {
    await unlessAborted(agent.clearMemory(), signal);
  } catch (error) {
    signal.throwIfAborted();
    log.warn({ error: messageOf(error) }, 'a template keeps what was in memory that is free');
  }
}
