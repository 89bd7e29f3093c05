import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { skipUnlessRoot } from './network/namespaces.ts';
import { type Finished, outputOf, TestHyperd } from './support/hyperd.ts';
import { until } from './support/refusal.ts';
import { originOf, untilGone, untilLogSays, untilPoolHas, untilTemplates } from './support/warm.ts';

const warm = { pool: { size: 2 }, templates: {} };

describe('a warm start', { skip: skipUnlessRoot }, () => {
  let hyperd: TestHyperd;
  const hyper = (...args: readonly string[]): Promise<Finished> => hyperd.hyper(args);
  const ok = (...args: readonly string[]): Promise<string> => outputOf(hyperd, args);

  before(async () => {
    hyperd = await TestHyperd.start(warm);
  });
  after(async () => await hyperd[Symbol.asyncDispose]());

  it('comes by itself: the first pod of a shape boots, its template is made, and the pool fills', async () => {
    assert.equal(await originOf(hyperd), 'boot');
    await untilTemplates(hyperd, 1);
    const [template] = await hyperd.client.templateList();
    assert.ok(template !== undefined);
    const { id, createdAt, sizeBytes, ...shape } = template;
    assert.deepEqual(shape, { vcpus: 1, memoryMiB: 128, nic: true });
    assert.match(id, /^[0-9a-f]{16}$/);
    assert.ok(Date.now() - Date.parse(createdAt) < 60_000);
    assert.ok(sizeBytes > 10e6 && sizeBytes < 134e6, `${sizeBytes} bytes`);
    await untilPoolHas(hyperd, 2);
    assert.equal(await originOf(hyperd), 'pool');
  });

  it('is seen in info, in the lists and in the metrics', async () => {
    await untilPoolHas(hyperd, 2);
    assert.match(await ok('info'), /^Pool: 2 of 2 VMs wait$/m);
    const vms = await hyperd.client.vmList();
    assert.deepEqual(
      vms.map(({ state, podId }) => [state, podId]),
      [
        ['idle', null],
        ['idle', null],
      ],
    );
    assert.match(await ok('template', 'ls'), /^TEMPLATE ID +CPUS +MEMORY.*\n[0-9a-f]{16} +1 +128MiB +yes/);
    const before = await metrics();
    await ok('run', '--rm', 'busybox', 'true');
    const later = await metrics();
    for (const name of ['hyper_pool_hits_total', 'hyper_pod_starts_total{origin="pool"}']) {
      assert.equal((later[name] ?? 0) - (before[name] ?? 0), 1, name);
    }
    assert.equal(later['hyper_templates_made_total'], 1);
    assert.equal(later['hyper_pool_size'], 2);
    assert.ok((later['hyper_pod_start_step_seconds_count{origin="pool",step="container"}'] ?? 0) >= 1);
  });

  it('gives each clone a name, an address, a MAC, a clock, entropy and ids of its own', async () => {
    await untilPoolHas(hyperd, 2);
    const script =
      'hostname; cat /sys/class/net/e*/address /etc/machine-id /proc/sys/kernel/random/boot_id /proc/sys/kernel/random/uuid; date +%s';
    const seen = await Promise.all(
      ['one', 'two'].map(async (name) => {
        const began = Date.now() / 1000;
        const lines = (await ok('run', '--rm', '--name', name, 'busybox', 'sh', '-c', script)).trim().split('\n');
        const now = Number(lines.pop());
        assert.ok(now >= Math.floor(began) && now <= Date.now() / 1000, `${now} is not between ${began} and now`);
        return lines;
      }),
    );
    const [one = [], two = []] = seen;
    assert.deepEqual([one.length, one[0], two[0]], [5, 'one', 'two']);
    assert.match(one[2] ?? '', /^[0-9a-f]{32}$/);
    for (const [index, line] of one.entries()) assert.notEqual(line, two[index], `both have ${line}`);
  });

  it('keeps a pod’s machine id when it starts again', async () => {
    await ok('run', '--name', 'same', 'busybox', 'cat', '/etc/machine-id');
    await ok('start', '-a', 'same');
    const [first, second] = (await ok('logs', 'same')).trim().split('\n');
    assert.equal(first, second);
    await ok('rm', 'same');
  });

  it('leaves no clone a way to write to what the others are made of', async () => {
    await untilPoolHas(hyperd, 2);
    const [vm] = await hyperd.client.vmList();
    const maps = readFileSync(`/proc/${vm?.pid}/maps`, 'utf8').split('\n');
    const memory = maps.filter((line) => line.includes('hyper-template') || line.includes('/templates/'));
    assert.ok(memory.length > 0, maps.join('\n'));
    for (const line of memory) assert.match(line, /^\S+ r\S\Sp /, 'mapped privately');
    // Nor by the way of its own descriptor, which its user may open anew.
    const uid = /^Uid:\s+(\d+)/m.exec(readFileSync(`/proc/${vm?.pid}/status`, 'utf8'))?.[1] ?? '';
    const write = `printf x 1<>/proc/${vm?.pid}/fd/5`;
    const tried = spawnSync('setpriv', ['--reuid', uid, '--clear-groups', 'sh', '-c', write], { encoding: 'utf8' });
    assert.notEqual(tried.status, 0);
    assert.match(tried.stderr, /Operation not permitted|Permission denied/);
  });

  it('has a kernel at a random address, as KASLR puts it', async () => {
    await ok('run', '-d', '--name', 'random', 'busybox', 'sleep', '1000');
    const text = await ok('exec', '--vm', 'random', 'grep', '-E', ' _text$', '/proc/kallsyms');
    assert.match(text, /^ffffffff[0-9a-f]{8} T _text$/m);
    assert.doesNotMatch(text, /^ffffffff81000000 /, 'where it was linked');
    await ok('rm', '-f', 'random');
  });

  it('is had by twenty at once, and afterwards nothing is left of them', async () => {
    const runs = Array.from({ length: 20 }, (_, index) => hyper('run', '--rm', 'busybox', 'echo', String(index)));
    const done = await Promise.all(runs);
    assert.deepEqual(
      done.map(({ code, stdout }) => [code, stdout]),
      done.map((_, index) => [0, `${index}\n`]),
      hyperd.log.slice(-2000),
    );
    await untilPoolHas(hyperd, 2);
    assert.equal((await hyperd.client.vmList()).length, 2);
    assert.equal((await hyperd.client.info()).vmMemory.reservedMiB, 2 * 240);
  });

  it('exchanges the disks of a VM that waited with another image or another size', async () => {
    await untilPoolHas(hyperd, 2);
    const size = (text: string): number => Number(/(\d+) +\d+ +\d+ +\d+% \/$/m.exec(text)?.[1]);
    const own = size(await ok('run', '--rm', 'busybox', 'df', '-k', '/'));
    await untilPoolHas(hyperd, 2);
    const smaller = size(await ok('run', '--rm', '--storage', '1g', 'busybox', 'df', '-k', '/'));
    assert.ok(own > 9e6 && smaller > 0.9e6 && smaller < 1.1e6, `${own} and ${smaller} KiB`);
  });

  it('takes a clone for a shape that does not wait, and boots where there is no template', async () => {
    assert.equal(await originOf(hyperd, '-m', '160m'), 'boot');
    await untilTemplates(hyperd, 2);
    // The pool follows what is used: either it has one by now, or a clone is made.
    assert.notEqual(await originOf(hyperd, '-m', '160m'), 'boot');
  });

  it('is managed with hyper template', async () => {
    const id = (await ok('template', 'create', '--cpu', '2', '-m', '192m')).trim();
    assert.match(id, /^[0-9a-f]{16}$/);
    const listed: unknown = JSON.parse(
      (await ok('template', 'ls', '--format', 'json')).split('\n').find((line) => line.includes(id)) ?? '',
    );
    assert.match(JSON.stringify(listed), /"CPUs":2,"Memory":"192MiB","Network":"yes"/);
    assert.notEqual(await originOf(hyperd, '--cpu', '2', '-m', '192m'), 'boot');
    assert.equal(await ok('template', 'rm', id.slice(0, 8)), `${id}\n`);
    const again = await hyper('template', 'rm', id);
    assert.deepEqual([again.code, again.stderr], [1, `hyper: no such template: ${id}: see 'hyper template ls'\n`]);
    assert.equal((await hyper('template', 'create', '-m', '1')).code, 2);
    assert.equal((await hyper('template', 'create', '--cpu', 'x')).code, 2);
    assert.equal((await hyper('template', 'nope')).code, 2);
    assert.match(await ok('template', '--help'), /Usage: hyper template/);
  });

  it('gives its VMs up at once when the pool’s size is set to 0, and makes them again', async () => {
    await untilPoolHas(hyperd, 2);
    hyperd.configure({ ...warm, pool: { size: 0 } });
    await untilPoolHas(hyperd, 0);
    assert.match(await ok('info'), /^Pool: 0 of 0 VMs wait$/m);
    await until(() => hyperd.vmProcesses().length === 0); // also of what was being prepared
    assert.equal(await originOf(hyperd), 'template');
    writeFileSync(join(hyperd.folder, 'config.json'), '{"pool": {"size": "many"}}');
    await untilLogSays(hyperd, 'the changed configuration is not used');
    hyperd.configure(warm);
    await untilPoolHas(hyperd, 2);
  });

  it('has as many VMs wait as were started at once, up to its bound, and fewer when that is lowered', async () => {
    hyperd.configure({ ...warm, pool: { size: 1, maxSize: 4 } });
    const burst = await Promise.all(Array.from({ length: 5 }, () => hyper('run', '--rm', 'busybox', 'true')));
    assert.deepEqual(
      burst.map(({ code }) => code),
      [0, 0, 0, 0, 0],
    );
    await untilPoolHas(hyperd, 4);
    assert.match(await ok('info'), /^Pool: 4 of 4 VMs wait$/m);
    hyperd.configure(warm);
    await untilPoolHas(hyperd, 2);
    await until(() => hyperd.vmProcesses().length === 2); // those given up are taken apart behind
  });

  it('replaces a VM that dies while it waits', async () => {
    await untilPoolHas(hyperd, 2);
    const killed = await hyperd.client.vmList();
    for (const { pid } of killed) process.kill(pid, 'SIGKILL');
    assert.equal((await hyper('run', '--rm', 'busybox', 'true')).code, 0);
    await untilLogSays(hyperd, 'a VM of the pool has ended while it waited');
    await untilPoolHas(hyperd, 2);
    for (const { id } of killed) assert.equal(existsSync(join(hyperd.run, 'vms', id)), false);
  });

  it('goes past a VM of the pool that does not answer', async () => {
    await untilPoolHas(hyperd, 2);
    const [stuck] = await hyperd.client.vmList();
    process.kill(stuck?.pid ?? 0, 'SIGSTOP');
    assert.equal(await originOf(hyperd), 'pool');
    await untilLogSays(hyperd, 'a VM of the pool is of no use');
    await untilGone(hyperd, [stuck?.pid ?? 0]);
  });

  it('leaves nothing when hyperd stops, and finds what a killed one left', async () => {
    await untilPoolHas(hyperd, 2);
    const vms = await hyperd.client.vmList();
    await hyperd.signal('SIGKILL');
    for (const { pid } of vms) assert.ok(existsSync(`/proc/${pid}`), 'VMs outlive hyperd');
    await hyperd.start();
    await untilGone(
      hyperd,
      vms.map(({ pid }) => pid),
    );
    await untilPoolHas(hyperd, 2);
    assert.equal(await originOf(hyperd), 'pool', 'the template is still good');
    await untilPoolHas(hyperd, 2);
    await hyperd.signal('SIGHUP');
    assert.deepEqual(hyperd.vmProcesses(), [], 'those of the pool are nobody’s');
    assert.deepEqual(readdirSync(join(hyperd.run, 'vms')), []);
    assert.deepEqual(readdirSync(join(hyperd.root, 'pool')), []);
    await hyperd.start();
  });

  /** Each sample of /metrics by its name and labels. */
  async function metrics(): Promise<Readonly<Record<string, number>>> {
    const answer = await hyperd.get('/metrics');
    const samples = answer.split('\n').filter((line) => line !== '' && !line.startsWith('#'));
    return Object.fromEntries(
      samples.map((line) => [line.slice(0, line.lastIndexOf(' ')), Number(line.slice(line.lastIndexOf(' ')))]),
    );
  }
});

describe('a warm start with a folder of the host', { skip: skipUnlessRoot }, () => {
  it('finds a VM of the pool where such pods are used, and leaves nothing that served it', async () => {
    await using hyperd = await TestHyperd.start({ pool: { size: 1 }, templates: {} });
    const folder = join(hyperd.folder, 'shared');
    mkdirSync(folder);
    const withFolder = ['-v', `${folder}:/shared`];
    assert.equal(await originOf(hyperd, ...withFolder), 'boot');
    await untilPoolHas(hyperd, 1);
    assert.equal(await originOf(hyperd, ...withFolder), 'pool');
    await untilPoolHas(hyperd, 1);
    // Its server is in the record: the next hyperd ends it with the VM.
    const run = await hyperd.hyper([
      'run',
      '-d',
      '--name',
      'served',
      '--timing',
      ...withFolder,
      'busybox',
      'sleep',
      '1000',
    ]);
    assert.match(run.stderr, /a VM of the pool/);
    assert.equal((await hyperd.hyper(['exec', 'served', 'sh', '-c', 'echo yes >/shared/file'])).code, 0);
    assert.equal(readFileSync(join(folder, 'file'), 'utf8'), 'yes\n');
    const found = spawnSync('pgrep', ['-f', `${hyperd.run}/vms/.*/shares`], { encoding: 'utf8' }).stdout;
    const servers = found.trim().split('\n').map(Number);
    assert.ok(servers[0], 'virtiofsd runs');
    await hyperd.signal('SIGKILL');
    await hyperd.start();
    assert.equal((await hyperd.hyper(['rm', '-f', 'served'])).code, 0);
    await untilGone(hyperd, servers);
  });
});
