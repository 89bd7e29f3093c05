import { join } from 'node:path';
import type { BenchHyperd } from '../bench-hyperd.ts';
import type { Breakdown, Fact, Survey } from '../measure.ts';
import { repository } from '../repository.ts';
import { runTimed, stderrText } from '../run-timed.ts';
import { parseTiming, type Steps } from '../run-timing.ts';
import { median } from '../statistics.ts';

/**
 * Where the milliseconds of a run go, for each origin of its VM; and the floor below them: a start of the client and an
 * exec in a warm guest, whose steps have the names of those of a run that do the same.
 */
export const breakdown: Survey = {
  name: 'breakdown',
  async take(room, runs) {
    const [pool, clones, cold] = [await room.hyperd('pool'), await room.hyperd('clones'), await room.hyperd('cold')];
    const refills: number[] = [];
    const breakdowns = [
      await floor(pool, runs),
      await survey('a VM of the pool', runs, async () => {
        await pool.settled();
        const steps = await runSteps(pool);
        const began = performance.now();
        await pool.settled();
        refills.push(performance.now() - began);
        return steps;
      }),
      await survey('a clone', runs, () => runSteps(clones)),
      await survey('a boot', runs, () => runSteps(cold)),
    ];
    return { facts: [refill(refills.slice(1))], breakdowns };
  },
};

async function survey(of: string, runs: number, take: () => Promise<Steps>): Promise<Breakdown> {
  const taken: Steps[] = [];
  // As with pairs, the first one fills caches.
  for (let index = -1; index < runs; index++) {
    const steps = await take();
    if (index >= 0) taken.push(steps);
  }
  const names = [...(taken[0]?.keys() ?? [])];
  return {
    of,
    steps: names.map((name) => {
      const samples = taken.map((steps) => steps.get(name) ?? NaN);
      return { name, samples, milliseconds: median(samples) };
    }),
  };
}

/** The shipped client says what its steps took; what is left of the clock is its process, before and after them. */
async function runSteps(hyperd: BenchHyperd): Promise<Steps> {
  await hyperd.settled();
  const timed = await hyperd.run('--rm', '--timing', 'busybox', 'true');
  const steps = parseTiming(stderrText(timed));
  const known = [...steps.values()].reduce((sum, each) => sum + each, 0);
  return new Map([...steps, ['process of the client, before and after', timed.milliseconds - known]]);
}

async function floor(hyperd: BenchHyperd, runs: number): Promise<Breakdown> {
  await hyperd.settled();
  const { id } = await hyperd.client.podCreate({ containers: [{ image: 'busybox', command: ['sleep', '1000000'] }] });
  try {
    await hyperd.client.podStart(id);
    await hyperd.settled();
    return await survey('the floor', runs, () => floorSteps(hyperd, id));
  } finally {
    await hyperd.client.podRemove(id, { force: true });
  }
}

/** The requests by the client library in this process, which has long been translated: the least that they can take. */
async function floorSteps({ client }: BenchHyperd, pod: string): Promise<Steps> {
  const { milliseconds: start } = await runTimed(join(repository, 'dist/hyper'), ['version', '--client']);
  const began = performance.now();
  const { id } = await client.execCreate(pod, { args: ['true'] });
  const created = performance.now();
  const started = Promise.withResolvers<number>();
  const handlers = { output: () => undefined, started: () => started.resolve(performance.now()) };
  const session = await client.execAttach(id, {}, handlers);
  const attached = performance.now();
  await session.exit;
  const exited = performance.now();
  const runs = await started.promise;
  return new Map([
    ['start of the client', start],
    ['request that creates the pod', created - began],
    ['request that starts it', attached - created],
    ['process', runs - attached],
    ['process, its output and exit', exited - runs],
  ]);
}

function refill(samples: readonly number[]): Fact {
  return { what: 'from a run’s end until its VM is replaced in the pool', value: median(samples), unit: 'ms', samples };
}
