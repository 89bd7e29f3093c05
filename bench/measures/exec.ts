import type { Comparison } from '../measure.ts';
import { runningContainers } from './running-containers.ts';

/** One more process in a container that runs: client start to client end. */
export const exec: Comparison = {
  name: 'exec',
  what: '`hyper exec POD true`',
  peer: '`docker exec C true`',
  unit: 'ms',
  target: 0.6,
  async prepare(room) {
    const { pod, container, ...containers } = await runningContainers(room);
    return {
      ...containers,
      ours: async () => ({ value: (await room.hyper('exec', pod, 'true')).milliseconds }),
      peer: async () => ({ value: (await room.docker('exec', container, 'true')).milliseconds }),
    };
  },
};
