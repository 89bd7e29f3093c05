import { readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import type { BenchHyperd } from '../bench-hyperd.ts';
import type { Fact, Survey } from '../measure.ts';
import { repository } from '../repository.ts';
import { stdoutText } from '../run-timed.ts';
import { median } from '../statistics.ts';

const pods = 20;
/** The latest pods: what one more costs, when many share the template's memory. */
const latest = 5;
const hyperdReadings = 5;

/** What Hyper takes when nothing happens. */
export const footprint: Survey = {
  name: 'footprint',
  async take(room) {
    const hyperd = await room.hyperd('pool');
    const fresh = await memoryOf(hyperd.pid, 'status', 'VmRSS');
    await hyperd.settled();
    const waiting = (await hyperd.client.vmList()).filter(({ state }) => state === 'idle').map(({ pid }) => pid);
    const facts: Fact[] = [
      medianFact('a VM that waits in the pool, private dirty', await rollups(waiting, 'Private_Dirty'), 28, 22),
      medianFact('a VM that waits in the pool, PSS', await rollups(waiting, 'Pss')),
      { what: 'hyperd, resident, no pod yet', value: fresh, unit: 'MB' },
    ];
    return { facts: [...facts, ...(await withPods(hyperd)), ...(await sizes())], breakdowns: [] };
  },
};

async function withPods(hyperd: BenchHyperd): Promise<Fact[]> {
  const ids: string[] = [];
  try {
    for (let index = 0; index < pods; index++) {
      ids.push(stdoutText(await hyperd.hyper('run', '-d', 'busybox', 'sleep', '1000000')));
    }
    await hyperd.settled();
    const hyperdRss: number[] = [];
    for (let index = 0; index < hyperdReadings; index++) {
      await delay(1000);
      hyperdRss.push(await memoryOf(hyperd.pid, 'status', 'VmRSS'));
    }
    const vms = await hyperd.client.vmList();
    const lastPids = ids.slice(-latest).map((id) => vms.find(({ podId }) => podId === id)?.pid ?? NaN);
    return [
      medianFact(`the ${pods}th idle pod of one shape, PSS`, await rollups(lastPids, 'Pss'), 40, 30),
      medianFact(`the ${pods}th idle pod, private dirty`, await rollups(lastPids, 'Private_Dirty')),
      medianFact(`hyperd, resident, ${pods} pods`, hyperdRss, 130, 90),
      medianFact(`hyperd, private dirty, ${pods} pods`, await rollups([hyperd.pid], 'Private_Dirty')),
    ];
  } finally {
    for (const id of ids) await hyperd.hyper('rm', '-f', id);
  }
}

function medianFact(what: string, samples: readonly number[], reach?: number, aim?: number): Fact {
  const limits = { ...(reach === undefined ? {} : { reach }), ...(aim === undefined ? {} : { aim }) };
  return { what, value: median(samples), unit: 'MB', samples, ...limits };
}

async function rollups(pids: readonly number[], field: string): Promise<number[]> {
  return await Promise.all(pids.map((pid) => memoryOf(pid, 'smaps_rollup', field)));
}

/** In MB. The kernel's "kB" are 1024 bytes. */
async function memoryOf(pid: number, file: string, field: string): Promise<number> {
  const text = await readFile(`/proc/${pid}/${file}`, 'utf8');
  const kibibytes = new RegExp(`^${field}:\\s+(\\d+) kB`, 'm').exec(text)?.[1];
  if (kibibytes === undefined) throw new Error(`/proc/${pid}/${file} has no ${field}`);
  return (Number(kibibytes) * 1024) / 1e6;
}

async function sizes(): Promise<Fact[]> {
  const paths = ['dist/hyper', 'dist/hyper.cjs', 'dist/hyperd.js', 'guest/build/initramfs.cpio', 'guest/build/vmlinux'];
  return await Promise.all(
    paths.map(async (path): Promise<Fact> => {
      return { what: `size of ${path}`, value: (await stat(join(repository, path))).size / 1e6, unit: 'MB' };
    }),
  );
}
