import type { Comparison } from '../measure.ts';
import { runTimed } from '../run-timed.ts';
import { debianInRegistry } from './debian-in-registry.ts';

/** From a registry on loopback to an image that can be started: ours is converted to EROFS meanwhile. */
export const pull: Comparison = {
  name: 'pull',
  what: '`hyper pull` of Debian 12 (minbase, one layer)',
  peer: '`docker pull` of the same',
  unit: 'ms',
  reach: 1,
  async prepare(room) {
    const reference = await debianInRegistry(room);
    const hyperd = await room.hyperd('pool');
    return {
      // What the other side has yet to write must not be written on this one's time.
      settle: async () => {
        await hyperd.settled();
        await runTimed('sync', []);
      },
      ours: async () => {
        const { milliseconds } = await hyperd.hyper('pull', reference);
        await hyperd.hyper('rmi', reference);
        return { value: milliseconds };
      },
      peer: async () => {
        const { milliseconds } = await room.docker('pull', reference);
        await room.docker('rmi', reference);
        return { value: milliseconds };
      },
      [Symbol.asyncDispose]: () => Promise.resolve(),
    };
  },
};
