import { readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { Fact, Survey } from '../measure.ts';
import { repository, type Room } from '../room.ts';
import { stdoutText } from '../run-timed.ts';

const mebibyte = 1 << 20;

/** What Hyper takes when nothing happens. */
export const footprint: Survey = {
  name: 'footprint',
  async take(room) {
    const { pid, client } = await room.hyperd();
    const idle = await memoryOf(pid, 'status', 'VmRSS');
    const pods: string[] = [];
    try {
      for (let index = 0; index < 3; index++) pods.push(await startIdlePod(room));
      const busy = await memoryOf(pid, 'status', 'VmRSS');
      const [vm] = await client.vmList();
      if (vm === undefined) throw new Error('no VM runs');
      return [
        { what: 'hyperd, resident, no pod', value: idle, unit: 'MiB' },
        { what: 'hyperd, resident, 3 pods', value: busy, unit: 'MiB' },
        { what: 'QEMU of an idle pod, private dirty', value: await rollup(vm.pid, 'Private_Dirty'), unit: 'MiB' },
        { what: 'QEMU of an idle pod, Pss', value: await rollup(vm.pid, 'Pss'), unit: 'MiB' },
        ...(await sizes()),
      ];
    } finally {
      for (const pod of pods) await room.hyper('rm', '-f', pod);
    }
  },
};

async function startIdlePod(room: Room): Promise<string> {
  return stdoutText(await room.hyper('run', '-d', 'busybox', 'sleep', '1000000'));
}

const rollup = (pid: number, field: string): Promise<number> => memoryOf(pid, 'smaps_rollup', field);

async function memoryOf(pid: number, file: string, field: string): Promise<number> {
  const text = await readFile(`/proc/${pid}/${file}`, 'utf8');
  const kibibytes = new RegExp(`^${field}:\\s+(\\d+) kB`, 'm').exec(text)?.[1];
  if (kibibytes === undefined) throw new Error(`/proc/${pid}/${file} has no ${field}`);
  return Number(kibibytes) / 1024;
}

async function sizes(): Promise<Fact[]> {
  const paths = ['dist/hyper', 'dist/hyper.cjs', 'dist/hyperd.js', 'guest/build/initramfs.cpio', 'guest/build/vmlinux'];
  return await Promise.all(
    paths.map(async (path): Promise<Fact> => {
      return { what: `size of ${path}`, value: (await stat(join(repository, path))).size / mebibyte, unit: 'MiB' };
    }),
  );
}
