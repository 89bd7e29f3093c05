import type { Comparison } from '../measure.ts';

/** A whole run of a new container. Ours boots a VM for it. */
export const run: Comparison = {
  name: 'run',
  what: '`hyper run --rm busybox true`, cold',
  peer: '`docker run --rm busybox true`',
  unit: 'ms',
  async prepare(room) {
    const image = await room.dockerBusybox();
    return {
      ours: async () => ({ value: (await room.hyper('run', '--rm', 'busybox', 'true')).milliseconds }),
      peer: async () => ({ value: (await room.docker('run', '--rm', image, 'true')).milliseconds }),
      [Symbol.asyncDispose]: () => Promise.resolve(),
    };
  },
};
