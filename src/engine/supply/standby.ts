import { randomInt } from 'node:crypto';
import { type Agent, AgentRefusal, type ProcessSetup } from '../../guest/index.ts';
import { HyperError } from '../../lib/errors.ts';
import { defaultCapabilities } from '../capabilities.ts';
import { ProcessOutput } from '../process-output.ts';
import { containerDisks, firstContainer } from './container-disks.ts';
import type { IdleVm, Program } from './ready-vm.ts';

/**
 * A process's, as no process of a pod has it, for theirs count up from 1, and none that ran here before or in the template: a
 * start with the number of one that is not all acknowledged yet is taken for the same again.
 */
const newNumber = (): number => randomInt(0x4000_0000, 0x8000_0000);

/** Makes a pod's first container of the disks that are in their slots, as far as can be before the pod has come. */
export async function standBy({ agent }: IdleVm): Promise<void> {
  await agent.createContainer({
    ...{ container: firstContainer, ...containerDisks, standby: true },
    ...{ readOnly: false, tmpfs: [], files: [], volumes: [] },
  });
}

/**
 * Takes it away again and lets its disks go.
 *
 * @throws HyperError `vm_failed` where one stays mounted: in such a VM no disk may be exchanged
 */
export async function standDown(agent: Agent): Promise<void> {
  try {
    await agent.destroyContainer(firstContainer);
  } catch (error) {
    if (!(error instanceof AgentRefusal)) throw error;
    throw new HyperError('vm_failed', `its disks cannot be taken away: ${error.message}`, { cause: error });
  }
}

/**
 * Runs `true` of an image of our own where the disks stand by, so that the emulator has translated once what each start
 * needs, and the guest has it in memory (docs/performance.md).
 */
export async function rehearse(idle: IdleVm): Promise<void> {
  await runToItsEnd(idle, {
    args: ['true'],
    env: ['PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin'],
  });
}

/** Has the guest read what a program needs of the image, so that it is in memory; nothing of the image runs. */
export async function fetchProgram(idle: IdleVm, { command, searchPath }: Program): Promise<void> {
  await runToItsEnd(idle, { task: 'fetch', args: [command, searchPath], env: [] });
}

async function runToItsEnd({ agent, vm }: IdleVm, what: Pick<ProcessSetup, 'args' | 'env' | 'task'>): Promise<void> {
  const number = newNumber();
  const exited = Promise.withResolvers<number>();
  agent.listen({
    onExit: ({ process, sequence }) => {
      if (process === number) exited.resolve(sequence);
    },
    onClose: (cause) => exited.reject(new HyperError('vm_failed', 'the guest agent has gone', { cause })),
  });
  const output = new ProcessOutput(agent, number, false, []);
  void vm.ended.then(({ reason }) => {
    output.lost();
    exited.reject(new HyperError('vm_failed', reason));
  });
  exited.promise.catch(() => undefined); // heard below, once the process has started
  await agent.startProcess({
    ...{ process: number, container: firstContainer, user: '', tty: false, stdin: false, rlimits: [] },
    ...what,
    capabilities: defaultCapabilities,
  });
  const sequence = await exited.promise;
  output.drain();
  await output.ended;
  agent.acknowledgeEvents(sequence);
  agent.forget(number);
}
