import assert from 'node:assert/strict';
import { mkdirSync, readdirSync, readFileSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, afterEach, before, beforeEach, it } from 'node:test';
import { outputOf, type TestHyperd } from './support/hyperd.ts';
import { until } from './support/refusal.ts';
import { originOf, untilLogSays, untilPreparedTemplates, untilTemplates } from './support/warm.ts';
import { inBothWays, type Way } from './support/ways.ts';

/** Makes templates by itself, but no pool: what starts is a clone. */
const config = { pool: { size: 0 }, templates: {} };

const start = async (way: Way): Promise<TestHyperd> => {
  const hyperd = await way.start(config, { withTemplate: true });
  if ((await hyperd.client.templateList()).length === 0) await hyperd.client.templateCreate({});
  return hyperd;
};

/** Whether the one VM that runs had disks in its slots from its start, as a clone of a prepared template has. */
function isPrepared(hyperd: TestHyperd): boolean {
  const [pid, ...others] = hyperd.vmProcesses();
  assert.ok(pid !== undefined && others.length === 0, 'one VM runs');
  return readFileSync(`/proc/${pid}/cmdline`, 'utf8').includes('drive=first-scratch');
}

/** Runs a pod that stays, says whether its VM is a clone of a prepared template, and removes it. */
async function startsPrepared(hyperd: TestHyperd, ...options: readonly string[]): Promise<boolean> {
  await outputOf(hyperd, ['run', '-d', '--name', 'asked', ...options, 'busybox', 'sleep', '1000']);
  const is = isPrepared(hyperd);
  await outputOf(hyperd, ['rm', '-f', 'asked']);
  return is;
}

inBothWays('a prepared template', {}, (way) => {
  let hyperd: TestHyperd;
  const ok = (...args: readonly string[]): Promise<string> => outputOf(hyperd, args);

  before(async () => {
    hyperd = await start(way);
    assert.equal(await originOf(hyperd), 'template', 'a clone that mounts its image');
    await untilPreparedTemplates(hyperd, 1);
  });
  after(async () => await hyperd[Symbol.asyncDispose]());

  it('is what the next clones of its image start from, and is seen in info and in the metrics', async () => {
    assert.equal(await startsPrepared(hyperd), true);
    const { count, bytes } = (await hyperd.client.info()).preparedTemplates;
    assert.ok(count === 1 && bytes > 10e6 && bytes < 134e6, `${count} of ${bytes} bytes`);
    assert.match(await ok('info'), /^Prepared templates: 1 \(\d+(?:\.\d+)?MB of memory\)$/m);
  });

  it('gives each of them a name, an address, entropy and ids of its own', async () => {
    const script =
      'hostname; cat /sys/class/net/e*/address /etc/machine-id /proc/sys/kernel/random/boot_id /proc/sys/kernel/random/uuid; ' +
      'ip -4 -o addr show eth0; head -c 16 /dev/urandom | od -x';
    const [one = [], two = []] = await Promise.all(
      ['one', 'two'].map(async (name) => {
        return (await ok('run', '--rm', '--name', name, 'busybox', 'sh', '-c', script)).trim().split('\n');
      }),
    );
    assert.deepEqual([one.length, two.length, one[0], two[0]], [8, 8, 'one', 'two']);
    assert.equal(one.pop(), two.pop(), 'where od ends');
    for (const [index, line] of one.entries()) assert.notEqual(line, two[index], `both have ${line}`);
  });

  it('gives each of them a writable layer of its own, which stays its pod’s', async () => {
    await ok('run', '--name', 'writer', 'busybox', 'sh', '-c', 'echo once >> /kept; wc -l < /kept');
    assert.equal(await ok('run', '--rm', 'busybox', 'sh', '-c', 'ls /kept 2>/dev/null || echo none'), 'none\n');
    await ok('start', '-a', 'writer');
    assert.deepEqual((await ok('logs', 'writer')).trim().split('\n'), ['1', '2']);
    await ok('rm', 'writer');
    assert.deepEqual(readdirSync(join(hyperd.root, 'pods')), []);
  });

  it('serves pods with another disk’s size, with folders of the host and without a network as well', async () => {
    assert.equal(await startsPrepared(hyperd, '--storage', '1g'), false, 'it has a disk of the default size');
    const folder = join(hyperd.folder, 'shared');
    mkdirSync(folder);
    writeFileSync(join(folder, 'file'), 'of the host\n');
    assert.equal(await startsPrepared(hyperd, '-v', `${folder}:/shared`), true);
    const shown = ['run', '--rm', '-v', `${folder}:/shared`, 'busybox', 'cat', '/shared/file'];
    assert.equal(await ok(...shown), 'of the host\n');
    assert.match(await ok('run', '--rm', '--network', 'none', 'busybox', 'ip', 'addr'), /LOOPBACK/);
  });

  it('is made whatever its pod ran, also what is not there and what is a script', async () => {
    for (const command of ['no-such-command', '/etc/passwd', '/bin/sh']) {
      await hyperd.signal('SIGHUP'); // with it go the prepared ones
      await hyperd.start();
      await hyperd.hyper(['run', '--rm', 'busybox', command]);
      await untilPreparedTemplates(hyperd, 1);
      assert.equal(await ok('run', '--rm', 'busybox', 'echo', command), `${command}\n`);
    }
  });

  it('is not finished when a start needs the room of what is being prepared', async () => {
    await hyperd.signal('SIGHUP');
    hyperd.configure({ ...config, memory: { maxMiB: 2 * 240 } });
    await hyperd.start();
    await ok('run', '-d', '--name', 'one', 'busybox', 'sleep', '1000');
    await until(() => hyperd.vmProcesses().length === 2); // its own, and the one that is prepared
    await ok('run', '-d', '--name', 'two', 'busybox', 'sleep', '1000');
    assert.equal((await hyperd.client.info()).preparedTemplates.count, 0);
    const third = await hyperd.hyper(['run', '--rm', 'busybox', 'true']);
    assert.match(third.stderr, /the host is full/);
    await ok('rm', '-f', 'one', 'two');
  });

  it('does not keep starts waiting that have no room, however many come at once', async () => {
    // Those of the test before go behind its back, and where there is no room nothing is prepared.
    await until(async () => (await hyperd.client.info()).vmMemory.reservedMiB === 0);
    assert.equal(await originOf(hyperd), 'template');
    await untilPreparedTemplates(hyperd, 1);
    const ended = await Promise.all(
      ['p1', 'p2', 'p3', 'p4', 'p5', 'p6'].map((name) =>
        hyperd.hyper(['run', '-d', '--name', name, 'busybox', 'sleep', '1000']),
      ),
    );
    const refused = ended.filter(({ code }) => code !== 0);
    assert.equal(ended.length - refused.length, 2, 'as many as have room');
    for (const { stderr } of refused) assert.match(stderr, /the host is full/);
  });
});

inBothWays('a prepared template that is of no use', {}, (way) => {
  let hyperd: TestHyperd;
  beforeEach(async () => {
    hyperd = await start(way);
    assert.equal(await originOf(hyperd), 'template');
    await untilPreparedTemplates(hyperd, 1);
  });
  afterEach(async () => await hyperd[Symbol.asyncDispose]());

  /** Its files of one kind; the copy of its disk for the next clone is made behind its back. */
  const files = (ending: RegExp): string[] => {
    const names = readdirSync(join(hyperd.root, 'pool')).filter((each) => ending.test(each));
    return names.map((name) => join(hyperd.root, 'pool', name));
  };

  for (const [ending, count, what] of [
    [/\.ext4\.state$/, 1, 'state'],
    [/\.ext4(\.spare)?$/, 2, 'disk'],
  ] as const) {
    it(`because its ${what} has gone is thrown away, and pods start without it`, async () => {
      assert.equal(await startsPrepared(hyperd), true, 'it is good before');
      await until(() => files(ending).length === count);
      for (const path of files(ending)) rmSync(path);
      assert.equal(await originOf(hyperd), 'template');
      await untilLogSays(hyperd, 'a prepared template is thrown away');
      await untilPreparedTemplates(hyperd, 1);
      assert.equal(await startsPrepared(hyperd), true, 'another one');
    });
  }

  it('because its image’s disk is another by now is not used', async () => {
    const [image] = readdirSync(join(hyperd.root, 'images'));
    utimesSync(join(hyperd.root, 'images', image ?? '', 'disk.vmdk'), new Date(), new Date());
    assert.equal(await startsPrepared(hyperd), false);
    await untilPreparedTemplates(hyperd, 1);
    assert.equal(await startsPrepared(hyperd), true);
  });

  it('because its shape’s template was removed is not used', async () => {
    const [template] = await hyperd.client.templateList();
    await hyperd.client.templateRemove(template?.id ?? '');
    assert.equal(await originOf(hyperd), 'boot');
    await untilTemplates(hyperd, 1);
  });

  it('because hyperd was killed leaves nothing to the next one', async () => {
    await hyperd.signal('SIGKILL');
    assert.notDeepEqual(readdirSync(join(hyperd.root, 'pool')), []);
    await hyperd.start();
    assert.equal(await originOf(hyperd), 'template');
    await untilPreparedTemplates(hyperd, 1);
    await hyperd.signal('SIGTERM');
    assert.deepEqual([readdirSync(join(hyperd.root, 'pool')), hyperd.vmProcesses()], [[], []]);
    await hyperd.start();
  });
});
