import type { BenchHyperd } from '../bench-hyperd.ts';
import { runTimed, stdoutText } from '../run-timed.ts';
import type { Tools } from './tools.ts';
import type { ToolsGuest, ToolsGuestWish } from './tools-guest.ts';

/** Of a guest of either side. Debian's fio has libraries that a guest of 128 MiB cannot map. */
export const memoryMiB = 256;
/** Of its disk. */
export const diskMiB = 1024;

/** A pod of Hyper's with the tools. */
export async function startToolsPod(hyperd: BenchHyperd, tools: Tools, wish: ToolsGuestWish): Promise<ToolsGuest> {
  const { client } = hyperd;
  const volume = 'bench-disk';
  if (wish.disk === true) {
    await hyperd.hyper('volume', 'create', '--opt', 'type=disk', '--opt', `size=${diskMiB}m`, volume);
  }
  const mounts = [
    ...(wish.disk === true ? ['-v', `${volume}:/disk`] : []),
    ...(wish.folder === undefined ? [] : ['-v', `${wish.folder}:/folder`]),
  ];
  const pod = stdoutText(
    await hyperd.hyper('run', '-d', '--memory', `${memoryMiB}m`, ...mounts, tools.image, 'sleep', '1000000'),
  );
  const { address } = await client.podInspect(pod);
  if (address === null) throw new Error('the pod with the tools has no address: the bench has no network');
  return {
    address,
    run: async (line) => stdoutText(await hyperd.hyper('exec', pod, 'sh', '-c', line)),
    onHost: async (file, ...args) => stdoutText(await runTimed(file, args)),
    [Symbol.asyncDispose]: async () => {
      await hyperd.hyper('rm', '-f', pod);
      if (wish.disk === true) await hyperd.hyper('volume', 'rm', volume);
    },
  };
}
