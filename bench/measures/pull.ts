import { debianImage } from '../../test/images/index.ts';
import type { Comparison } from '../measure.ts';
import { runTimed } from '../run-timed.ts';

/** From a registry on loopback to an image that can be started: ours is converted to EROFS meanwhile. */
export const pull: Comparison = {
  name: 'pull',
  what: '`hyper pull` of Debian 12 (minbase, one layer)',
  peer: '`docker pull` of the same',
  unit: 'ms',
  target: 1,
  async prepare(room) {
    const reference = `${await room.registry()}/debian:12`;
    const from = `oci:${await debianImage()}:latest`;
    await runTimed('skopeo', [
      ...['--insecure-policy', 'copy', '-q', '--dest-tls-verify=false'],
      ...[from, `docker://${reference}`],
    ]);
    // What the other side has yet to write must not be written on this one's time.
    const settled = (): Promise<unknown> => runTimed('sync', []);
    return {
      ours: async () => {
        await settled();
        const { milliseconds } = await room.hyper('pull', reference);
        await room.hyper('rmi', reference);
        return { value: milliseconds };
      },
      peer: async () => {
        await settled();
        const { milliseconds } = await room.docker('pull', reference);
        await room.docker('rmi', reference);
        return { value: milliseconds };
      },
      [Symbol.asyncDispose]: () => Promise.resolve(),
    };
  },
};
