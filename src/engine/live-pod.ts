import { HyperError } from '../lib/errors.ts';
import type { Mutex } from '../lib/mutex.ts';
import type { PodRecord, Store } from '../store/index.ts';
import type { ContainerLives } from './container-lives.ts';
import { checkTransition } from './pod-states.ts';

/** What of a pod is needed here. */
interface LivePod {
  readonly record: PodRecord;
  readonly running: boolean;
  readonly lives: ContainerLives | undefined;
  readonly lock: Mutex;
}

export function doesNotRun({ name, state }: Pick<PodRecord, 'name' | 'state'>): HyperError {
  const why = state === 'paused' ? 'is paused: unpause it first' : 'does not run: start it first';
  return new HyperError('conflict', `pod ${name} ${why}`);
}

/** Who waits for a pod's lock may find it gone. @throws HyperError `not_found` */
export function refuseRemoved({ record, removed }: { readonly record: PodRecord; readonly removed: boolean }): void {
  if (removed) throw new HyperError('not_found', `pod ${record.name} was removed`);
}

/** The containers of a pod that runs, and is not paused. @throws HyperError `conflict` */
export function livesOf({ record, running, lives }: Pick<LivePod, 'record' | 'running' | 'lives'>): ContainerLives {
  if (lives === undefined || !running) throw doesNotRun(record);
  return lives;
}

/** Stops all processes of a pod's containers where they are. One that cannot be stored as paused goes on. */
export async function pausePod(pod: LivePod, store: Store): Promise<void> {
  const { record } = pod;
  await pod.lock.run(async () => {
    const {
      run: { agent },
      health,
    } = livesOf(pod);
    health.pause();
    try {
      await agent.freeze(true);
      record.state = checkTransition(record.state, 'paused');
      store.savePod(record);
    } catch (error) {
      if (record.state === 'paused') record.state = checkTransition(record.state, 'running');
      await agent.freeze(false).catch(() => undefined); // some may stand still: the first failure is told
      health.goOn();
      throw error;
    }
  });
}

export async function unpausePod(pod: LivePod, store: Store): Promise<void> {
  const { record } = pod;
  await pod.lock.run(async () => {
    if (pod.lives === undefined || record.state !== 'paused') {
      throw new HyperError('conflict', `pod ${record.name} is not paused`);
    }
    await pod.lives.run.agent.freeze(false);
    record.state = checkTransition(record.state, 'running');
    store.keepPod(record);
    pod.lives.goOn();
  });
}
