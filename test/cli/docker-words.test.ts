import assert from 'node:assert/strict';
import { cpus } from 'node:os';
import { describe, it } from 'node:test';
import { FakeHyperd } from './fake-hyperd.ts';
import { hyperInProcess } from './in-process.ts';

/** What whoever comes from docker types; that hyperd does what it is asked for is seen in the tests of each thing. */
describe('docker’s words', { timeout: 60_000 }, () => {
  const refused = async (words: readonly string[], why: RegExp): Promise<void> => {
    await using fake = await FakeHyperd.start();
    const { code, stderr } = await hyperInProcess(fake, ...words);
    assert.match(stderr, why, words.join(' '));
    assert.equal(code, 2, words.join(' '));
    assert.deepEqual(fake.requests, [], words.join(' '));
  };

  it('--cpus alone gives the VM the processors that it takes', async () => {
    await using fake = await FakeHyperd.start();
    const all = cpus().length;
    assert.equal((await hyperInProcess(fake, 'create', '--cpus', String(all), 'busybox')).code, 0);
    const [spec] = fake.bodies;
    assert.ok(typeof spec === 'object' && spec !== null && 'vcpus' in spec);
    assert.equal(spec.vcpus, all);
    await refused(['create', '--cpus', String(all + 1), 'busybox'], /--cpus is \d+, and this machine has \d+/);
  });

  it('a value that is out of bounds is told by its flag', async () => {
    for (const [flag, value, why] of [
      ['-m', '64m', /^hyper: --memory is '64m': give at least 96m$/m],
      ['--storage', '50m', /^hyper: --storage is '50m': give at least 64m$/m],
      ['--cpu', '65', /^hyper: --cpu is '65': give a whole number of 1 to 64$/m],
      ['--network-alias', 'bad name', /^hyper: --network-alias is 'bad name': it must be letters/m],
      ['--hostname', 'a b', /^hyper: --hostname is 'a b': it must be at most 63 letters/m],
      ['--name', 'x', /^hyper: --name is 'x': it must be letters/m],
      ['-w', 'rel', /^hyper: --workdir is 'rel': it must be an absolute path$/m],
    ] as const) {
      await refused(['create', flag, value, 'busybox'], why);
    }
    await refused(['update', '-m', '95m', 'web'], /--memory is '95m': give at least 96m/);
    await refused(['vm', '-m', '1'], /--memory is '1': give at least 96m/);
    await refused(['network', 'connect', '--alias', 'a b', 'net', 'web'], /--alias is 'a b': it must be/);
  });
});
