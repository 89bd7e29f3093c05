import { setTimeout as delay } from 'node:timers/promises';
import type { Fact, Survey } from '../measure.ts';
import type { HyperdRoom } from '../room.ts';
import { median } from '../statistics.ts';

type Steps = Readonly<Record<string, number>>;

/** Where the milliseconds of a run and of an exec go, as a client sees them and as hyperd's log says. */
export const breakdown: Survey = {
  name: 'breakdown',
  async take(room, runs) {
    const hyperd = await room.hyperd();
    await runSteps(hyperd); // fills caches
    const taken: Steps[] = [];
    for (let index = 0; index < runs; index++) taken.push(await runSteps(hyperd));
    const { id } = await hyperd.client.podCreate({ containers: [{ image: 'busybox', command: ['sleep', '1000000'] }] });
    await hyperd.client.podStart(id);
    await execSteps(hyperd, id);
    const execs: Steps[] = [];
    for (let index = 0; index < runs; index++) execs.push(await execSteps(hyperd, id));
    await hyperd.client.podRemove(id, { force: true });
    return [...facts('run', taken), ...facts('exec', execs)];
  },
};

function facts(of: string, taken: readonly Steps[]): Fact[] {
  return Object.keys(taken[0] ?? {}).map((step) => {
    return { what: `${of}: ${step}`, value: median(taken.map((steps) => steps[step] ?? NaN)), unit: 'ms' };
  });
}

async function runSteps({ client, readLog }: HyperdRoom): Promise<Steps> {
  const began = performance.now();
  const { id } = await client.podCreate({ autoRemove: true, containers: [{ image: 'busybox', command: ['true'] }] });
  const created = performance.now();
  const started = Promise.withResolvers<number>();
  const session = await client.podAttach(
    id,
    { start: true },
    { output: () => undefined, started: () => started.resolve(performance.now()) },
  );
  const attached = performance.now();
  await session.exit;
  const exited = performance.now();
  const runs = await started.promise;
  const { spawn, boot, process } = await loggedSteps(readLog, id);
  return {
    'request that creates the pod': created - began,
    'request that attaches': attached - created,
    'network, scratch disk, QEMU to its monitor': spawn,
    'guest’s boot to the agent’s answer': boot,
    'guest set-up, container, process': process,
    'process to its exit and output': exited - runs,
  };
}

async function execSteps({ client }: HyperdRoom, pod: string): Promise<Steps> {
  const began = performance.now();
  const { id } = await client.execCreate(pod, { args: ['true'] });
  const created = performance.now();
  const started = Promise.withResolvers<number>();
  const session = await client.execAttach(
    id,
    {},
    { output: () => undefined, started: () => started.resolve(performance.now()) },
  );
  const attached = performance.now();
  await session.exit;
  const exited = performance.now();
  const runs = await started.promise;
  return {
    'request that creates it': created - began,
    'request that attaches': attached - created,
    'agent starts the process': runs - attached,
    'process to its exit and output': exited - runs,
  };
}

async function loggedSteps(
  readLog: () => Promise<string>,
  pod: string,
): Promise<{ readonly spawn: number; readonly boot: number; readonly process: number }> {
  for (;;) {
    const line = (await readLog()).split('\n').find((each) => each.includes(pod) && each.includes('pod started'));
    if (line !== undefined) {
      const { milliseconds } = JSON.parse(line) as { milliseconds: { spawn: number; boot: number; process: number } };
      return milliseconds;
    }
    await delay(10); // hyperd writes its log when it gets to it
  }
}
