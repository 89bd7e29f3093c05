import type { Comparison } from '../measure.ts';
import { runningContainers } from './running-containers.ts';

/** One more process in a container that runs: client start to client end. */
export const exec: Comparison = {
  name: 'exec',
  what: '`hyper exec POD true`',
  peer: '`docker exec C true`',
  unit: 'ms',
  reach: 0.5,
  aim: 0.35,
  times: 3,
  async prepare(room) {
    const { hyperd, pod, container, ...containers } = await runningContainers(room);
    return {
      ...containers,
      settle: () => hyperd.settled(),
      ours: async () => ({ value: (await hyperd.hyper('exec', pod, 'true')).milliseconds }),
      peer: async () => ({ value: (await room.docker('exec', container, 'true')).milliseconds }),
    };
  },
};
