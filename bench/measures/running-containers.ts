import type { BenchHyperd } from '../bench-hyperd.ts';
import type { Room } from '../room.ts';
import { stdoutText } from '../run-timed.ts';

export interface RunningContainers extends AsyncDisposable {
  readonly hyperd: BenchHyperd;
  readonly pod: string;
  readonly container: string;
}

/** An idle busybox on each side. */
export async function runningContainers(room: Room): Promise<RunningContainers> {
  const hyperd = await room.hyperd('pool');
  const image = await room.dockerBusybox();
  await hyperd.settled();
  const pod = stdoutText(await hyperd.run('-d', 'busybox', 'sleep', '1000000'));
  const container = stdoutText(await room.docker('run', '-d', image, 'sleep', '1000000'));
  return {
    ...{ hyperd, pod, container },
    [Symbol.asyncDispose]: async () => {
      await hyperd.hyper('rm', '-f', pod);
      await room.docker('rm', '-f', container);
    },
  };
}
