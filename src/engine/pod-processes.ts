import type { Container } from './container.ts';
import { cgroupFile } from './guest-cgroups.ts';
import { livesOf } from './live-pod.ts';
import type { Pod } from './pod.ts';

/** A process of a container, as its guest numbers them. */
export interface GuestProcess {
  readonly containerId: string;
  readonly pid: number;
  readonly parentPid: number;
  /** As its guest knows it. */
  readonly uid: number;
  readonly state: string;
  readonly cpuSeconds: number;
  readonly residentBytes: number;
  readonly args: readonly string[];
}

/** More are not asked for: each is three files. */
const mostProcesses = 1000;
const ticksPerSecond = 100;
const pageBytes = 4096;
const filesOfOne = ['stat', 'status', 'cmdline'] as const;

/** What runs in these containers. @throws HyperError `conflict` where their pod does not run */
export async function listProcesses(pod: Pod, containers: readonly Container[]): Promise<GuestProcess[]> {
  const { agent } = livesOf(pod).run;
  const running = containers.filter((container) => container.running);
  const lists = await agent.readFiles(running.map(({ record }) => cgroupFile(record, 'cgroup.procs')));
  const found = running.flatMap(({ record }, at) =>
    numbersIn(lists[at]?.toString('latin1') ?? '').map((pid) => ({ containerId: record.id, pid })),
  );
  const asked = found.slice(0, mostProcesses);
  const contents = await agent.readFiles(asked.flatMap(({ pid }) => filesOfOne.map((file) => `/proc/${pid}/${file}`)));
  return asked.flatMap(({ containerId, pid }, at) => {
    const [stat, status, cmdline] = filesOfOne.map(
      (_, index) => contents[at * filesOfOne.length + index] ?? Buffer.alloc(0),
    );
    const described = describe(
      stat?.toString('utf8') ?? '',
      status?.toString('utf8') ?? '',
      cmdline?.toString('utf8') ?? '',
    );
    return described === undefined ? [] : [{ containerId, pid, ...described }];
  });
}

/** proc(5): the name in stat stands in brackets, and may hold anything. Undefined: it has gone since. */
function describe(
  stat: string,
  status: string,
  cmdline: string,
): Omit<GuestProcess, 'containerId' | 'pid'> | undefined {
  const [begin, end] = [stat.indexOf('('), stat.lastIndexOf(')')];
  if (begin < 0 || end < begin) return undefined;
  const rest = stat
    .slice(end + 1)
    .trim()
    .split(' ');
  const at = (field: number): number => Number(rest[field - 3]) || 0; // the fields as proc(5) counts them
  const args = cmdline.split('\0').slice(0, -1);
  return {
    parentPid: at(4),
    uid: Number(/^Uid:\s+(\d+)/m.exec(status)?.[1] ?? 0),
    state: rest[0] ?? '?',
    cpuSeconds: (at(14) + at(15)) / ticksPerSecond,
    residentBytes: at(24) * pageBytes,
    args: args.length > 0 ? args : [`[${stat.slice(begin + 1, end)}]`],
  };
}

function numbersIn(text: string): number[] {
  return text.split('\n').flatMap((line) => (/^\d+$/.test(line) ? [Number(line)] : []));
}
