import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Comparison } from '../measure.ts';

/** A run that reads a file of the host's. */
export const runFolder: Comparison = {
  name: 'run-folder',
  what: '`hyper run --rm -v DIR:/src busybox cat /src/file`',
  peer: '`docker run` of the same',
  unit: 'ms',
  reach: 2,
  async prepare(room) {
    const hyperd = await room.hyperd('pool');
    const image = await room.dockerBusybox();
    const folder = join(room.folder, 'source');
    await mkdir(folder);
    await writeFile(join(folder, 'file'), 'here\n');
    const run = ['run', '--rm', '-v', `${folder}:/src`];
    return {
      settle: () => hyperd.settled(),
      ours: async () => {
        const { value, origins } = await hyperd.counted(() => hyperd.hyper(...run, 'busybox', 'cat', '/src/file'));
        if (origins.boot > 0) throw new Error('the VM of a pod with a host folder was booted');
        return { value: value.milliseconds };
      },
      peer: async () => ({ value: (await room.docker(...run, image, 'cat', '/src/file')).milliseconds }),
      [Symbol.asyncDispose]: () => Promise.resolve(),
    };
  },
};
