import type { Room } from '../room.ts';
import { stdoutText } from '../run-timed.ts';

export interface RunningContainers extends AsyncDisposable {
  readonly pod: string;
  readonly container: string;
}

/** An idle busybox on each side. */
export async function runningContainers(room: Room): Promise<RunningContainers> {
  const pod = stdoutText(await room.hyper('run', '-d', 'busybox', 'sleep', '1000000'));
  const image = await room.dockerBusybox();
  const container = stdoutText(await room.docker('run', '-d', image, 'sleep', '1000000'));
  return {
    pod,
    container,
    [Symbol.asyncDispose]: async () => {
      await room.hyper('rm', '-f', pod);
      await room.docker('rm', '-f', container);
    },
  };
}
