import assert from 'node:assert/strict';
import { existsSync, readdirSync, readFileSync, readlinkSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { skipUnlessRoot } from './network/namespaces.ts';
import { TestHyperd } from './support/hyperd.ts';
import { originOf, untilPoolHas } from './support/warm.ts';

const warm = { pool: { size: 1 } };

/** The files that VMs have open. */
function openFiles(pids: readonly number[]): string[] {
  return pids.flatMap((pid) =>
    readdirSync(`/proc/${pid}/fd`).flatMap((fd) => {
      try {
        return [readlinkSync(`/proc/${pid}/fd/${fd}`)];
      } catch {
        return []; // it was closed meanwhile
      }
    }),
  );
}

describe('the embedded image', { skip: skipUnlessRoot, timeout: 120_000 }, () => {
  it('is there to rehearse with when its user has removed it', async () => {
    await using hyperd = await TestHyperd.start();
    const copy = join(hyperd.root, 'embedded-image');
    const opened = (): boolean => openFiles(hyperd.vmProcesses()).some((path) => path.includes('/embedded-image/'));
    hyperd.configure({ ...warm, templates: { maxMiB: 0 } });
    assert.equal(await originOf(hyperd), 'template');
    await untilPoolHas(hyperd, 1);
    assert.deepEqual([existsSync(copy), opened()], [false, false], 'its user’s is taken while it is there');

    assert.equal((await hyperd.hyper(['rmi', 'busybox'])).code, 0);
    const [waiting] = await hyperd.client.vmList();
    process.kill(waiting?.pid ?? 0, 'SIGKILL');
    await untilPoolHas(hyperd, 0);
    await untilPoolHas(hyperd, 1);
    assert.deepEqual([existsSync(copy), opened()], [true, true]);
    assert.deepEqual(await hyperd.client.imageList(), [], 'it is not in its user’s list');
    assert.doesNotMatch(hyperd.log, /"level":(40|50).*(image|pool could not)/);

    await hyperd.signal('SIGTERM');
    await hyperd.start();
    await untilPoolHas(hyperd, 1);
    assert.ok(opened(), 'and after a restart');
  });

  it('is found again in a root that an older hyperd made', async () => {
    await using hyperd = await TestHyperd.start(warm);
    await untilPoolHas(hyperd, 1);
    const record = join(hyperd.root, 'embedded-image.json');
    const written = readFileSync(record, 'utf8');
    await hyperd.signal('SIGTERM');
    rmSync(record);
    await hyperd.start();
    await untilPoolHas(hyperd, 1);
    assert.equal(readFileSync(record, 'utf8'), written);
    assert.equal(await originOf(hyperd), 'pool');
  });
});
