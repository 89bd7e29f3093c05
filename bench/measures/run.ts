import type { HyperdKind } from '../bench-hyperd.ts';
import type { Comparison } from '../measure.ts';
import { besideDocker } from './beside-docker.ts';

/** A whole run of a new container, client start to client end; what the VM behind ours came from is checked. */
function runOf(hyperdKind: HyperdKind, facts: Omit<Comparison, 'peer' | 'unit' | 'prepare'>): Comparison {
  return besideDocker(
    hyperdKind,
    { ...facts, peer: '`docker run --rm busybox true`' },
    async (hyperd) => ({ value: (await hyperd.run('--rm', 'busybox', 'true')).milliseconds }),
    async (room, image) => ({ value: (await room.docker('run', '--rm', image, 'true')).milliseconds }),
  );
}

export const runs: readonly Comparison[] = [
  runOf('pool', { name: 'run', what: '`hyper run --rm busybox true`, a VM of the pool', reach: 0.3, aim: 0.18 }),
  runOf('clones', {
    name: 'run-clone',
    what: '`hyper run --rm busybox true`, a clone (no pool)',
    reach: 0.7,
    aim: 0.5,
  }),
  runOf('cold', { name: 'run-cold', what: '`hyper run --rm busybox true`, a boot (no template)' }),
];
