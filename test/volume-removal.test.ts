import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, it } from 'node:test';
import { promisify } from 'node:util';
import { outputOf, type TestHyperd } from './support/hyperd.ts';
import { inBothWays } from './support/ways.ts';

const execute = promisify(execFile);

inBothWays('a volume that goes', {}, (way) => {
  let hyperd: TestHyperd;
  before(async () => {
    hyperd = await way.start();
  });
  after(async () => await hyperd[Symbol.asyncDispose]());

  const run = (...args: string[]): Promise<string> => outputOf(hyperd, args);

  it('is not removed between being found for a pod and the pod’s being made', async () => {
    const mounts = [{ type: 'volume' as const, source: 'racing', target: '/data' }];
    for (let round = 0; round < 30; round++) {
      await run('volume', 'create', 'racing');
      const made = hyperd.client.podCreate({
        name: 'racer',
        containers: [{ image: 'busybox', command: ['true'], mounts }],
      });
      const removed = hyperd.client.volumeRemove('racing').then(
        () => true,
        () => false,
      );
      await Promise.all([made, removed]);
      assert.deepEqual((await hyperd.client.volumeInspect('racing')).pods, ['racer']);
      await hyperd.client.podRemove('racer');
      await hyperd.client.volumeRemove('racing');
    }
  });

  it('that cannot be removed does not keep prune from the others, and is reported', async () => {
    await run('volume', 'create', 'a-stuck');
    await run('volume', 'create', 'b-free');
    const place = (await hyperd.client.volumeInspect('a-stuck')).mountpoint;
    const inNamespace = ['-t', `${(await hyperd.client.info()).pid}`, '-m'];
    await execute('nsenter', [...inNamespace, 'mount', '-t', 'tmpfs', 'hyper-test', place]);
    try {
      const { code, stdout, stderr } = await hyperd.hyper(['volume', 'prune', '-af']);
      assert.equal(code, 1);
      assert.match(stdout, /^Deleted Volumes:\nb-free\n/);
      assert.match(stderr, /^hyper: a-stuck could not be removed: .*EBUSY/);
    } finally {
      await execute('nsenter', [...inNamespace, 'umount', place]);
    }
    await hyperd.hyper(['volume', 'rm', '-f', 'a-stuck']);
    await hyperd.signal('SIGHUP');
    await hyperd.start();
    assert.deepEqual(readdirSync(join(hyperd.root, 'volumes')), []);
  });
});
