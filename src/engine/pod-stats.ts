import type { ContainerRecord } from '../store/index.ts';
import { cgroupFile } from './guest-cgroups.ts';
import { livesOf } from './live-pod.ts';
import type { Pod } from './pod.ts';

/** What a container uses, or has used since it was made. */
export interface ContainerStats {
  readonly id: string;
  readonly name: string;
  readonly cpuMicroseconds: number;
  readonly memoryBytes: number;
  /** Null: no limit but its guest's. */
  readonly memoryLimitBytes: number | null;
  readonly pids: number;
  readonly readBytes: number;
  readonly writtenBytes: number;
}

export interface PodStats {
  /** Milliseconds since 1970. */
  readonly time: number;
  readonly containers: readonly ContainerStats[];
  readonly receivedBytes: number;
  readonly sentBytes: number;
}

const files = ['cpu.stat', 'memory.current', 'memory.stat', 'memory.max', 'pids.current', 'io.stat'] as const;
type Texts = ReadonlyMap<(typeof files)[number], string>;

/** What the containers of a pod use, as their guest counts it. @throws HyperError `conflict` where it does not run */
export async function podStats(pod: Pod): Promise<PodStats> {
  const { agent } = livesOf(pod).run;
  const running = pod.record.containers.filter(({ state }) => state === 'running');
  const asked = running.flatMap((container) => files.map((file) => cgroupFile(container, file)));
  const [network, ...texts] = (await agent.readFiles(['/proc/net/dev', ...asked])).map((each) => each.toString('utf8'));
  const containers = running.map((container, at) => {
    const own = files.map((file, index) => [file, texts[at * files.length + index] ?? ''] as const);
    return statsOf(container, new Map(own));
  });
  return { time: Date.now(), containers, ...trafficOf(network ?? '') };
}

function statsOf({ id, name }: ContainerRecord, texts: Texts): ContainerStats {
  const text = (file: (typeof files)[number]): string => texts.get(file) ?? '';
  const limit = text('memory.max').trim();
  // As docker: without the cache of files that are not in use.
  const memoryBytes = Math.max(0, numberIn(text('memory.current')) - field(text('memory.stat'), 'inactive_file'));
  return {
    ...{ id, name, memoryBytes },
    cpuMicroseconds: field(text('cpu.stat'), 'usage_usec'),
    memoryLimitBytes: limit === 'max' || limit === '' ? null : numberIn(limit),
    pids: numberIn(text('pids.current')),
    readBytes: sum(text('io.stat'), /rbytes=(\d+)/g),
    writtenBytes: sum(text('io.stat'), /wbytes=(\d+)/g),
  };
}

/** All interfaces but `lo`, of /proc/net/dev: bytes received are the first number, bytes sent the ninth. */
function trafficOf(text: string): Pick<PodStats, 'receivedBytes' | 'sentBytes'> {
  const totals = { receivedBytes: 0, sentBytes: 0 };
  for (const line of text.split('\n')) {
    const [, name = 'lo', rest = ''] = /^\s*(\S+):(.*)$/.exec(line) ?? [];
    if (name === 'lo') continue;
    const counts = rest.trim().split(/\s+/);
    totals.receivedBytes += numberIn(counts[0]);
    totals.sentBytes += numberIn(counts[8]);
  }
  return totals;
}

function field(text: string, name: string): number {
  const line = text.split('\n').find((each) => each.startsWith(`${name} `));
  return numberIn(line?.slice(name.length));
}

function sum(text: string, pattern: RegExp): number {
  return [...text.matchAll(pattern)].reduce((total, [, digits]) => total + numberIn(digits), 0);
}

/** A guest may write what it likes: what is no number is 0. */
function numberIn(text = ''): number {
  const number = Number(text.trim());
  return Number.isSafeInteger(number) && number >= 0 ? number : 0;
}
