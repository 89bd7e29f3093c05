import type { Comparison } from '../measure.ts';
import { debianInRegistry } from './debian-in-registry.ts';

/**
 * A run that the pool has not made itself ready for: its VMs wait with the disks of the image that was started last, and
 * have run busybox's `true` before.
 */
export const runOther: Comparison = {
  name: 'run-other',
  what: '`hyper run --rm debian:12 true`, a VM of the pool that waits with busybox’s disks',
  peer: '`docker run --rm debian:12 true`',
  unit: 'ms',
  async prepare(room) {
    const hyperd = await room.hyperd('pool');
    const image = await debianInRegistry(room);
    await hyperd.hyper('pull', image);
    await room.docker('pull', image);
    return {
      settle: () => hyperd.settled(),
      ours: async () => {
        // Each of the pool's VMs is taken once, and the next one has busybox's disks.
        const { pool } = await hyperd.client.info();
        for (let index = 0; index < pool.size; index++) {
          await hyperd.run('--rm', 'busybox', 'true');
          await hyperd.settled();
        }
        return { value: (await hyperd.run('--rm', image, 'true')).milliseconds };
      },
      peer: async () => ({ value: (await room.docker('run', '--rm', image, 'true')).milliseconds }),
      [Symbol.asyncDispose]: async () => {
        await hyperd.settled();
        await hyperd.hyper('rmi', image);
        await room.docker('rmi', image);
      },
    };
  },
};
