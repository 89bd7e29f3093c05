import type { ContainerStats, Pod, PodStats } from '../../contract/index.ts';
import { showBytes } from './units.ts';

/** What a container used from one sample to the next. What cannot be said of one sample alone is 0 then. */
export function usageRows(now: PodStats, before: PodStats | undefined) {
  const seconds = before === undefined ? 0 : (Date.parse(now.time) - Date.parse(before.time)) / 1000;
  return now.containers.map((container) => {
    const earlier = before?.containers.find(({ id }) => id === container.id);
    const cpuPerc = earlier === undefined ? 0 : cpuShare(container, earlier, seconds);
    const { memoryBytes, memoryLimitBytes, pids, readBytes, writtenBytes } = container;
    const memPerc = memoryLimitBytes === null ? 0 : (memoryBytes / memoryLimitBytes) * 100;
    return {
      ...{ ID: container.id, Name: container.name, Pod: now.podId, PodName: now.name },
      CPUPerc: `${cpuPerc.toFixed(2)}%`,
      MemUsage: `${showBytes(memoryBytes)} / ${memoryLimitBytes === null ? '-' : showBytes(memoryLimitBytes)}`,
      MemPerc: `${memPerc.toFixed(2)}%`,
      NetIO: `${showBytes(now.receivedBytes)} / ${showBytes(now.sentBytes)}`,
      BlockIO: `${showBytes(readBytes)} / ${showBytes(writtenBytes)}`,
      PIDs: pids,
    };
  });
}

/** The containers of a pod whose guest does not answer. */
export function unansweredRows(pod: Pod) {
  return unknownRows(pod, ({ state }) => state === 'running');
}

/** The containers of a pod that do not run. */
export function idleRows(pod: Pod) {
  return unknownRows(pod, ({ state }) => pod.state !== 'running' || state !== 'running');
}

/** As docker shows what it cannot know. */
function unknownRows({ id, name, containers }: Pod, wanted: (container: Pod['containers'][number]) => boolean) {
  const none = '--';
  const unknown = {
    CPUPerc: none,
    MemUsage: `${none} / ${none}`,
    MemPerc: none,
    NetIO: none,
    BlockIO: none,
    PIDs: none,
  };
  return containers
    .filter(wanted)
    .map((container) => ({ ID: container.id, Name: container.name, Pod: id, PodName: name, ...unknown }));
}

/** In hundredths of one processor, as docker's: 200 where two are busy. */
function cpuShare(now: ContainerStats, before: ContainerStats, seconds: number): number {
  const used = now.cpuMicroseconds - before.cpuMicroseconds;
  return seconds <= 0 || used < 0 ? 0 : (used / 1e6 / seconds) * 100;
}
