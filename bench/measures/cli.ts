import { join } from 'node:path';
import type { Comparison } from '../measure.ts';
import { repository } from '../repository.ts';
import { runTimed } from '../run-timed.ts';

/** The client by itself: no daemon is asked. */
export const cli: Comparison = {
  name: 'cli',
  what: '`hyper version --client`',
  peer: '`docker --version`',
  unit: 'ms',
  reach: 1,
  times: 3,
  prepare: () =>
    Promise.resolve({
      ours: async () => ({
        value: (await runTimed(join(repository, 'dist/hyper'), ['version', '--client'])).milliseconds,
      }),
      peer: async () => ({ value: (await runTimed('/usr/bin/docker', ['--version'])).milliseconds }),
      [Symbol.asyncDispose]: () => Promise.resolve(),
    }),
};
