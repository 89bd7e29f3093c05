import type { OutputStream } from '../../guest/index.ts';
import { messageOf } from '../../lib/errors.ts';
import { signalNumber } from '../../lib/signals.ts';
import type { ContainerRecord } from '../../store/index.ts';
import { endsWithin } from '../ends-within.ts';
import type { PodRun } from '../pod-run.ts';
import { processSetup } from '../process-setup.ts';
import { ProcessOutput } from '../process-output.ts';
import { startFailure } from '../start-failure.ts';
import type { BoundedOutput, ProbeResult } from './probe-result.ts';

/** From SIGKILL to the exit event; the guest's kernel is then at fault. */
const killPatienceMs = 10_000;

/**
 * Runs a command in a container, as its exec does, and answers with its end. When the signal comes first the command is
 * killed with what it has started, but for what has left its process group, and the answer is undefined.
 *
 * @param output what it has said, also where it is killed
 */
export async function runInContainer(
  run: PodRun,
  container: ContainerRecord,
  args: readonly string[],
  output: BoundedOutput,
  signal: AbortSignal,
): Promise<ProbeResult | undefined> {
  const process = run.nextProbe();
  const subscriber = (_: OutputStream, bytes: Buffer): undefined => {
    output.add(bytes);
  };
  const consumed = new ProcessOutput(run.agent, process, false, [subscriber]);
  const exit = run.processExit(process, consumed);
  const ended = exit.then((event) => {
    run.stored(event); // nothing is: its end is told in the guest no more
    return event;
  });
  ended.catch(() => undefined); // heard below, once it has started
  const aborted = Promise.withResolvers<undefined>();
  const onAbort = (): void => aborted.resolve(undefined);
  signal.addEventListener('abort', onAbort, { once: true });
  try {
    try {
      await run.agent.startProcess({ ...processSetup(container, { args }), process });
    } catch (error) {
      await kill(run, process); // where its answer alone was late
      run.forgetProcess(process);
      return { exitCode: -1, output: messageOf(startFailure(error)) };
    }
    const event = signal.aborted ? undefined : await Promise.race([ended, aborted.promise]);
    if (event !== undefined) return { exitCode: event.exitCode, output: output.text() };
    await kill(run, process);
    if (!(await endsWithin(ended, killPatienceMs))) run.forgetProcess(process);
    return undefined;
  } finally {
    signal.removeEventListener('abort', onAbort);
  }
}

/** Those of a hyperd that died while they ran. */
export async function killProbesLeft(run: PodRun): Promise<void> {
  await Promise.all(run.probesLeft().map((process) => kill(run, process)));
}

/** What holds its output open may have left its group: nobody reads that any more. */
async function kill({ agent }: PodRun, process: number): Promise<void> {
  await agent.signal(process, signalNumber('KILL'), true).catch(() => undefined); // it has ended by now
  for (const stream of [1, 2] as const) await agent.closeOutput(process, stream).catch(() => undefined);
}
