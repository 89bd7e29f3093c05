import { signalNumber } from '../lib/signals.ts';
import type { PodRecord } from '../store/index.ts';
import type { Container } from './container.ts';
import type { ContainerLives } from './container-lives.ts';
import { endsWithin } from './ends-within.ts';
import { doesNotRun } from './live-pod.ts';

/** How long a guest may take to say that it has sent SIGKILL. */
const killAnswerMs = 5000;

interface KilledPod {
  readonly record: PodRecord;
  readonly containers: readonly Container[];
  readonly lives: ContainerLives | undefined;
}

/** Sends a signal to the first process of one container, or of each that runs. */
export async function killPod(
  { record, containers, lives }: KilledPod,
  signal: string,
  only?: Container,
): Promise<void> {
  const number = signalNumber(signal);
  if (lives === undefined) throw doesNotRun(record);
  const targets = only === undefined ? lives.running : [only];
  const ends = number === signalNumber('KILL');
  if (only?.record.waiting === true) throw only.doesNotRun('');
  const waits = only?.record.restarting === true;
  if (!ends && targets.length === 0) {
    throw (containers.find((each) => each.record.restarting) ?? containers[0])?.doesNotRun('') ?? doesNotRun(record);
  }
  if (ends) await lives.giveUp(only === undefined ? containers : targets);
  if (ends && waits) return; // that was its end
  const told = Promise.all(targets.map((container) => container.signal(number)));
  if (!ends || (await endsWithin(told, killAnswerMs))) await told;
  else await lives.run.vm.kill(); // SIGKILL ends also what does not answer any more
}
