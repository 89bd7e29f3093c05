import assert from 'node:assert/strict';
import { mkdtemp, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { ScratchDisks } from '../../vm/index.ts';
import { DiskSupply } from './disk-supply.ts';

const isRoot = process.getuid?.() === 0;

test(
  'a disk that waited is its VM’s, also where the next one appears meanwhile',
  {
    timeout: 60_000,
    skip: isRoot ? false : 'only root can give a file to another user',
  },
  async (context) => {
    const folder = await mkdtemp(join(tmpdir(), 'hyper-disk-supply-'));
    context.after(() => rm(folder, { recursive: true, force: true }));
    const owner = { uid: 65534, gid: 65534 };
    const scratchDisks = new ScratchDisks(join(folder, 'originals'));
    const disks = new DiskSupply({ scratchDisks, folder, owner, ownImage: () => Promise.resolve(undefined) });
    const [original, spare] = [join(folder, 'original'), join(folder, 'spare')];
    await writeFile(original, 'a disk');

    const all = new AbortController();
    const make = async (): Promise<void> => {
      while (!all.signal.aborted) await disks.copyWaiting(original, spare);
    };
    const makers = [make(), make(), make(), make()];
    try {
      for (let given = 0; given < 100;) {
        const path = join(folder, `given-${given}`);
        if (!(await disks.giveWaiting(spare, path))) continue;
        given++;
        assert.equal((await stat(path)).uid, owner.uid, `the disk of start ${given}`);
      }
    } finally {
      all.abort();
      await Promise.all(makers);
    }
  },
);
