import assert from 'node:assert/strict';
import { closeSync, existsSync, openSync, rmSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { skipUnlessRoot } from './network/namespaces.ts';
import { outputOf, TestHyperd } from './support/hyperd.ts';
import { onSmallDisk, until } from './support/refusal.ts';

const words = /no space left on the disk of \/\S+: free some \('hyper system df' shows what uses it\) and try again/;

describe('hyperd whose disk is full', { skip: skipUnlessRoot, timeout: 400_000 }, () => {
  let hyperd: TestHyperd;
  before(async () => {
    hyperd = await TestHyperd.start();
  });
  after(async () => await hyperd[Symbol.asyncDispose]());

  const ok = async (...args: readonly string[]): Promise<string> => await outputOf(hyperd, args);
  const stateOf = async (pod: string): Promise<string> => (await hyperd.client.podInspect(pod)).state;
  const names = async (): Promise<string[]> => (await hyperd.client.podList()).map(({ name }) => name).sort();
  const problems = async (): Promise<string> => (await hyperd.client.info()).problems.join();
  const folderOf = async (pod: string): Promise<string> =>
    join(hyperd.root, 'pods', (await hyperd.client.podInspect(pod)).id);
  const told = (action: string): Promise<string> =>
    ok('events', '--since', '1h', '--until', '0s', '-f', 'type=pod', '-f', `event=${action}`, '--format', '{{.Name}}');
  const filler = (): string => join(hyperd.root, 'filler');
  const fill = (): void => {
    const file = openSync(filler(), 'a');
    for (const size of [1 << 20, 4096]) {
      assert.throws(() => {
        for (;;) if (writeSync(file, Buffer.alloc(size)) < size) throw Object.assign(new Error(), { code: 'ENOSPC' });
      }, /ENOSPC|^Error$/);
    }
    closeSync(file);
  };
  const again = async (meanwhile: () => void = () => undefined): Promise<void> => {
    await hyperd.signal('SIGKILL');
    meanwhile();
    await hyperd.start();
  };

  it('starts, and keeps in memory what has happened; it is stored when there is room', async () => {
    await onSmallDisk(hyperd, 64, async () => {
      await ok('run', '-d', '--name', 'going', 'busybox', 'sleep', '1000');
      await ok('pause', 'going');
      await ok('network', 'create', 'other');
      for (const name of ['spare', 'robbed']) await ok('create', '--name', name, 'busybox', 'true');
      assert.equal(await problems(), '');
      fill();

      // What is refused is as it was; what has happened is so.
      assert.match(await problems(), /^the disk of \/\S+ is full: free some/);
      assert.equal(await ok('unpause', 'going'), 'going\n');
      assert.equal(await stateOf('going'), 'running');
      const refused = await hyperd.hyper(['pause', 'going']);
      assert.deepEqual([refused.code, words.test(refused.stderr)], [1, true], refused.stderr);
      assert.equal(await stateOf('going'), 'running');
      assert.equal(await ok('exec', 'going', 'echo', 'on'), 'on\n');
      assert.match((await hyperd.hyper(['create', 'busybox', 'true'])).stderr, words);
      assert.equal(await told('unpause'), '');
      rmSync(filler());
      await until(async () => (await told('unpause')) === 'going\n');
      fill();

      // What was done before it could not be stored is taken back.
      for (const refusedOne of [
        ['ports', 'add', 'going', '127.0.0.1:9180:80'],
        ['update', '--restart', 'always', 'going'],
        ['network', 'connect', 'other', 'going'],
        ['network', 'connect', 'other', 'spare'],
        ['labels', 'spare', 'a=b'],
      ]) {
        const { code, stderr } = await hyperd.hyper(refusedOne);
        assert.deepEqual([code, words.test(stderr)], [1, true], `${refusedOne.join(' ')}: ${stderr}`);
      }
      const going = await hyperd.client.podInspect('going');
      assert.deepEqual([going.ports, going.restartPolicy, going.networks.length], [[], 'never', 1]);
      const unchanged = await hyperd.client.podInspect('spare');
      assert.deepEqual([unchanged.labels, unchanged.networks.length], [{}, 1]);

      // Neither a pod's end nor its removal can be stored, and hyperd starts.
      const robbed = await folderOf('robbed');
      const spare = await folderOf('spare');
      const [qemu = 0] = hyperd.vmProcesses();
      await again(() => {
        process.kill(qemu, 'SIGKILL');
        rmSync(robbed, { recursive: true });
      });
      assert.equal(await stateOf('going'), 'failed');
      assert.match(hyperd.log, /the folder of a pod is missing/);
      assert.equal(existsSync(robbed), true);
      fill();
      assert.equal(await ok('rm', 'spare'), 'spare\n');
      assert.deepEqual([await names(), existsSync(spare)], [['going', 'robbed'], false]);
      await again();
      assert.deepEqual(await names(), ['going', 'robbed']);
      assert.match(hyperd.log, /removing the record of a pod that was removed on a full disk/);

      // It can be made empty again, and all that has happened is told.
      assert.match(await ok('prune', '-f'), /^Deleted Pods:\ngoing\n/);
      await ok('rm', 'robbed');
      rmSync(filler());
      await until(async () => (await told('destroy')).split('\n').filter((name) => name !== '').length === 3);
      assert.equal(await problems(), '');
    });
  });

  for (const words of ['rmi busybox', 'image prune -af', 'system prune -af']) {
    it(`makes room by hyper ${words}`, async () => {
      await onSmallDisk(hyperd, 64, async () => {
        await ok('run', '--rm', 'busybox', 'true');
        fill();
        assert.match(await ok(...words.split(' ')), /busybox/);
        assert.equal(await ok('images', '-q'), '');
        await again();
        assert.equal(await ok('images', '-q'), '');
      });
    });
  }
});
