import { messageOf } from '../../src/lib/errors.ts';
import type { Comparison } from '../measure.ts';
import type { Room } from '../room.ts';

/** Against the other way to give a container a kernel of its own without hardware virtualization. */
export const runGvisor: Comparison = {
  name: 'run-gvisor',
  what: '`hyper run --rm busybox true`, a VM of the pool',
  peer: '`docker run --runtime=runsc --rm busybox true` (gVisor)',
  unit: 'ms',
  async prepare(room) {
    const hyperd = await room.hyperd('pool');
    const image = await room.dockerBusybox();
    const found = await findRuntime(room, image);
    if ('impossible' in found) return found;
    const { runtime, note } = found;
    return {
      ...(note === undefined ? {} : { note }),
      settle: () => hyperd.settled(),
      ours: async () => ({ value: (await hyperd.run('--rm', 'busybox', 'true')).milliseconds }),
      peer: async () => {
        const { milliseconds } = await room.docker('run', `--runtime=${runtime}`, '--rm', image, 'true');
        return { value: milliseconds };
      },
      [Symbol.asyncDispose]: () => Promise.resolve(),
    };
  },
};

type FoundRuntime = { readonly runtime: string; readonly note?: string } | { readonly impossible: string };

/** Debian 12's runsc has no network stack of its own on kernels that show `net.core.rmem_default` in each namespace. */
async function findRuntime(room: Room, image: string): Promise<FoundRuntime> {
  const refusal = await refusalOf(room, 'runsc', image);
  if (refusal === undefined) return { runtime: 'runsc' };
  if ((await refusalOf(room, 'runsc-host', image)) !== undefined) return { impossible: refusal };
  return {
    runtime: 'runsc-host',
    note: `runsc ran with \`--network=host\`, which is less work: as it comes, “${refusal}”`,
  };
}

/** Why a runtime runs nothing here; undefined where it does. */
async function refusalOf(room: Room, runtime: string, image: string): Promise<string | undefined> {
  try {
    await room.docker('run', `--runtime=${runtime}`, '--rm', image, 'true');
    return undefined;
  } catch (error) {
    return /docker: (?:Error response from daemon: )?(.*)/.exec(messageOf(error))?.[1] ?? messageOf(error);
  }
}
