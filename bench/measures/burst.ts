import type { HyperdKind } from '../bench-hyperd.ts';
import type { Comparison } from '../measure.ts';
import type { Timed } from '../run-timed.ts';
import { besideDocker } from './beside-docker.ts';

const count = 20;

/** Many runs at once: from the start of the first client to the end of the last. */
function burstOf(hyperdKind: HyperdKind, facts: Omit<Comparison, 'peer' | 'unit' | 'prepare'>): Comparison {
  return besideDocker(
    hyperdKind,
    { ...facts, peer: `${count} × \`docker run --rm busybox true\` at once` },
    async (hyperd) => {
      const { value, origins } = await hyperd.counted(() =>
        atOnce(() => hyperd.hyper('run', '--rm', 'busybox', 'true')),
      );
      const { pool, template, boot } = origins;
      if (pool + template !== count)
        throw new Error(`of ${count} runs ${pool} came from the pool, ${template} were clones`);
      return { value, parts: { pool, template, boot } };
    },
    async (room, image) => ({ value: await atOnce(() => room.docker('run', '--rm', image, 'true')) }),
  );
}

export const bursts: readonly Comparison[] = [
  burstOf('pool', {
    name: 'burst',
    what: `${count} × \`hyper run --rm busybox true\` at once, after another such burst`,
    reach: 0.7,
    aim: 0.4,
  }),
  burstOf('clones', {
    name: 'burst-clones',
    what: `${count} × \`hyper run --rm busybox true\` at once, all of them clones (no pool)`,
  }),
];

async function atOnce(run: () => Promise<Timed>): Promise<number> {
  const began = performance.now();
  const done = await Promise.allSettled(Array.from({ length: count }, run));
  const milliseconds = performance.now() - began;
  for (const each of done) if (each.status === 'rejected') throw each.reason;
  return milliseconds;
}
