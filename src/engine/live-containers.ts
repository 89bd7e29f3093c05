import { rm } from 'node:fs/promises';
import { HyperError } from '../lib/errors.ts';
import { signalNumber } from '../lib/signals.ts';
import type { ContainerRecord } from '../store/index.ts';
import { Container } from './container.ts';
import { defaultStopTimeoutMs } from './container-lives.ts';
import { livesOf, refuseRemoved } from './live-pod.ts';
import { removeVolumesOf } from './mounts.ts';
import type { Pod } from './pod.ts';
import type { EngineOptions } from './pod-context.ts';
import { logPath } from './pod-run.ts';

/**
 * Adds a container to a pod, which is started by itself, or with the pod.
 *
 * @param plan makes its record, and has it stored by `append`
 */
export async function appendContainer(
  pod: Pod,
  options: EngineOptions,
  plan: (append: (record: ContainerRecord) => void) => Promise<ContainerRecord>,
): Promise<ContainerRecord> {
  return await pod.lock.run(async () => {
    const { record } = pod;
    refuseRemoved(pod);
    const { containers, nextContainer } = record;
    return await plan((added) => {
      Object.assign(record, { containers: [...containers, added], nextContainer: added.number + 1 });
      options.store.savePod(record, () => Object.assign(record, { containers, nextContainer }));
      pod.containers.push(new Container(added, record, options));
    });
  });
}

/** Starts a container of a pod that runs. @throws HyperError `conflict`, `unsupported` */
export async function startContainer(pod: Pod, container: Container): Promise<void> {
  await pod.lock.run(async () => {
    await livesOf(pod).start(container);
  });
}

/** Ends a container; with the last one its pod ends. */
export async function stopContainer(
  pod: Pod,
  container: Container,
  timeoutMs: number = defaultStopTimeoutMs,
  by?: string,
): Promise<void> {
  const signal = by === undefined ? undefined : signalNumber(by);
  if (!goesOn(container)) throw new HyperError('conflict', `container ${container.record.name} does not run`);
  await livesOf(pod).stop(container, timeoutMs, signal);
}

/** Takes a container out of its pod, with its log and the volumes that are its own. `force` ends it first. */
export async function removeContainer(
  pod: Pod,
  container: Container,
  force: boolean,
  options: EngineOptions,
): Promise<void> {
  const { name, number } = container.record;
  if (container === pod.first) {
    throw new HyperError('conflict', `${name} is the first container of ${pod.record.name}, and goes with it`);
  }
  if (goesOn(container)) {
    if (!force) throw new HyperError('conflict', `container ${name} runs: stop it first, or remove it by force (-f)`);
    await stopContainer(pod, container, 0);
  }
  await pod.lock.run(async () => {
    if (goesOn(container)) throw new HyperError('conflict', `container ${name} was started again`);
    if (!pod.containers.includes(container)) throw new HyperError('not_found', `container ${name} was removed`);
    await pod.run?.agent.destroyContainer(number); // where its start has failed the guest may have it nevertheless
    await removeVolumesOf([container.record], true, options); // where we die after this, it is there to be removed again
    pod.record.containers = pod.record.containers.filter((each) => each !== container.record);
    pod.containers.splice(pod.containers.indexOf(container), 1);
    try {
      options.store.keepPod(pod.record);
    } finally {
      await container.closeLog(); // nobody has the container any more
    }
    await rm(logPath(options.podsDir, pod.record, container.record), { force: true });
  });
}

function goesOn({ running, record }: Container): boolean {
  return running || record.restarting;
}
