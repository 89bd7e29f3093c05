import assert from 'node:assert/strict';
import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { after, before, describe, it } from 'node:test';
import { type Finished, outputOf, TestHyperd } from './support/hyperd.ts';
import { untilLogged } from './support/logs.ts';
import { traces } from './support/traces.ts';

/** A process that says when its TERM came, and ignores it. */
const stubborn = 'trap "echo ended" TERM; trap "echo ignored" HUP; echo ready; while :; do sleep 1000 & wait; done';
/** One that ends at TERM with 3, and says at HUP that it heard it. */
const polite = 'trap "echo bye; exit 3" TERM; trap "echo heard" HUP; echo ready; while :; do sleep 1000 & wait; done';

describe('a pod’s life', () => {
  let hyperd: TestHyperd;
  before(async () => {
    hyperd = await TestHyperd.start();
  });
  after(async () => await hyperd[Symbol.asyncDispose]());

  const hyper = (...args: string[]): Promise<Finished> => hyperd.hyper(args);
  const ok = (...args: string[]): Promise<string> => outputOf(hyperd, args);
  const vmOf = async (name: string, { client } = hyperd): Promise<{ readonly id: string; readonly pid: number }> => {
    const { vmId } = await client.podInspect(name);
    const vm = (await client.vmList()).find(({ id }) => id === vmId);
    assert.ok(vm !== undefined, `${name} has no VM`);
    return vm;
  };
  const idOf = async (name: string): Promise<string> => (await hyperd.client.podInspect(name)).id;

  it('begins as a record: created, listed, inspected, removed, without a VM', async () => {
    const id = (await ok('create', '--name', 'idle', '--label', 'k=v', '-m', '160', 'busybox', 'true')).trim();
    assert.match(id, /^pod-[A-Za-z]{10}$/);
    assert.match(await ok('list'), new RegExp(`^ ${id} {26}idle {23}pending$`, 'm'));
    const pod = await hyperd.client.podInspect('idle');
    assert.deepEqual(
      [pod.state, pod.vmId, pod.address, pod.exitCode, pod.startedAt, pod.memoryMiB],
      ['pending', null, null, null, null, 160],
    );
    assert.equal(await ok('list', 'vm', '-q'), '');
    assert.equal((await hyper('kill', 'idle')).code, 1);
    await ok('rm', 'idle');
    assert.equal(await ok('list', '-q'), '');
  });

  it('refuses a name that is taken, and takes it again when the pod is gone', async () => {
    await ok('create', '--name', 'taken', 'busybox');
    const second = await hyper('create', '--name', 'taken', 'busybox');
    assert.notEqual(second.code, 0);
    assert.match(second.stderr, /^hyper: the name taken is taken: choose another, or remove that pod$/m);
    const other = await ok('create', 'busybox');
    assert.match((await hyperd.client.podInspect(other.trim())).name, /^busybox-\d{10}$/);
    await ok('rm', 'taken', other.trim());
    await ok('create', '--name', 'taken', 'busybox');
    await ok('rm', 'taken');
  });

  describe('while it runs', () => {
    let id: string;
    before(async () => {
      id = (await ok('run', '-d', '--name', 'one', '--label', 'tier=web', 'busybox', 'sh', '-c', polite)).trim();
      await untilLogged(hyperd, id, 'ready');
    });

    it('is listed with the first Hyper’s columns, -q and --format', async () => {
      const vm = await vmOf('one');
      const vmId = vm.id;
      assert.match(vmId, /^vm-[A-Za-z]{10}$/);
      const { containers } = await hyperd.client.podInspect(id);
      const container = containers[0]?.id ?? '';
      assert.match(container, /^[0-9a-f]{64}$/);
      const header = '         POD ID                      POD Name             VM name    Status';
      assert.equal(await ok('list'), `${header}\n ${id}${' '.repeat(27)}one       ${vmId}   running\n`);
      assert.equal(await ok('list', 'pod', '-q'), `${id}\n`);
      assert.equal(await ok('list', 'container', '-q'), `${container}\n`);
      assert.equal(await ok('list', 'vm', '-q'), `${vmId}\n`);
      const [title, line] = (await ok('list', 'container')).split('\n');
      assert.match(title ?? '', /^Container ID +Name +POD ID +Status$/);
      assert.match(line ?? '', new RegExp(`^${container} +one +${id} +running$`));
      assert.match(await ok('list', 'vm'), new RegExp(`VM name +Status\n +${vmId} +associated\n$`));
      assert.equal(
        await ok('list', '--format', '{{.ID}} {{.Names}} {{.Status}} {{.VM}}'),
        `${id} one running ${vmId}\n`,
      );
      const json: unknown = JSON.parse(await ok('list', '--format', 'json'));
      assert.partialDeepStrictEqual(json, { ID: id, Name: 'one', Status: 'running', Image: 'busybox' });
      assert.match(await ok('list', '--format', 'table {{.Names}}\t{{.Image}}'), /^NAMES +IMAGE\none +busybox\n$/);
      assert.match(await ok('list', 'vm', '--format', '{{.Pod}} {{.PID}}'), new RegExp(`^${id} ${vm.pid}\n$`));
    });

    it('is inspected as JSON or by a template, by pod and by container', async () => {
      const [pod] = JSON.parse(await ok('inspect', 'one')) as [{ containers: [{ id: string }] }];
      assert.partialDeepStrictEqual(pod, {
        ...{ id, name: 'one', hostname: 'one', state: 'running', vcpus: 1, memoryMiB: 128, storageMiB: 10240 },
        ...{ exitCode: null, reason: null, finishedAt: null, autoRemove: false },
        containers: [{ podId: id, image: 'busybox', state: 'running', args: ['sh', '-c', polite], workdir: '/' }],
      });
      assert.equal(await ok('inspect', '-f', '{{.state}} {{.name}}', id.slice(0, 8)), 'running one\n');
      const container = pod.containers[0].id;
      const [found] = JSON.parse(await ok('inspect', '--type', 'container', container.slice(0, 12))) as [object];
      assert.partialDeepStrictEqual(found, { id: container, podId: id });
      const missing = await hyper('inspect', 'nowhere');
      assert.equal(missing.code, 1);
      assert.match(missing.stderr, /^hyper: no such pod, container, image or exec: nowhere: see/m);
    });

    it('is found by the beginning of its id while no other begins so', async () => {
      await ok('create', '--name', 'two', 'busybox');
      const several = await hyper('kill', 'pod-');
      assert.equal(several.code, 1);
      assert.match(several.stderr, /^hyper: pod- fits 2 pods/m);
      assert.equal(await ok('inspect', '-f', '{{.name}}', id.slice(0, 9)), 'one\n');
      assert.equal(await ok('inspect', '-f', '{{.name}}', id.slice(4, 9)), 'one\n');
      await ok('rm', 'two');
    });

    it('gets signals by name and number', async () => {
      assert.equal(await ok('kill', '-s', 'HUP', 'one'), 'one\n');
      await untilLogged(hyperd, id, 'heard');
      await ok('kill', '-s', 'SIGHUP', id);
      await untilLogged(hyperd, id, 'heard', 2);
      await ok('kill', '-s', '1', id);
      await untilLogged(hyperd, id, 'heard', 3);
      const wrong = await hyper('kill', '-s', 'NOPE', 'one');
      assert.equal(wrong.code, 1);
      assert.match(wrong.stderr, /^hyper: .*NOPE/m);
    });

    it('is neither started again nor removed', async () => {
      assert.equal(await ok('start', 'one'), 'one\n');
      await assert.rejects(hyperd.client.podStart('one'), { code: 'conflict', message: 'pod one runs already' });
      const removed = await hyper('rm', 'one');
      assert.equal(removed.code, 1);
      assert.match(removed.stderr, /^hyper: pod one runs: stop it first, or remove it by force \(-f\)$/m);
    });

    it('has a log: all of it, its tail, since a time, with times, and what comes', async () => {
      await ok(
        'exec',
        'one',
        'sh',
        '-c',
        'for i in 1 2 3; do echo line $i >/proc/1/fd/1; done; echo error >/proc/1/fd/2',
      );
      await untilLogged(hyperd, id, 'error');
      const all = await hyper('logs', 'one');
      assert.deepEqual([all.stdout, all.stderr], ['ready\nheard\nheard\nheard\nline 1\nline 2\nline 3\n', 'error\n']);
      const tail = await hyper('logs', '--tail', '2', 'one');
      assert.deepEqual([tail.stdout, tail.stderr], ['line 3\n', 'error\n']);
      assert.deepEqual(await hyper('logs', '--tail', '0', 'one'), { code: 0, stdout: '', stderr: '' });
      const stamped = (await ok('logs', '-t', 'one')).trimEnd().split('\n');
      const times = stamped.map((line) => Date.parse(line.split(' ')[0] ?? ''));
      assert.match(stamped[0] ?? '', /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{9}Z ready$/);
      assert.ok(
        times.every((time, at) => time <= Date.now() && time >= (times[at - 1] ?? 0)),
        stamped.join('\n'),
      );
      assert.equal(await ok('logs', '--until', stamped[4]?.split(' ')[0] ?? '', 'one'), 'ready\nheard\nheard\nheard\n');
      const before = await ok('logs', '--until', stamped[4]?.split(' ')[0] ?? '', '--tail', '1', 'one');
      assert.equal(before, 'heard\n');
      const since = await hyper('logs', '--since', stamped[4]?.split(' ')[0] ?? '', 'one');
      assert.equal(since.stdout, 'line 1\nline 2\nline 3\n');
      assert.equal(await ok('logs', '--since', '1h', 'one'), all.stdout);
      assert.equal(await ok('logs', '--since', '2100-01-01', 'one'), '');
    });

    it('stops when asked, tells whoever waits and follows, and keeps its exit code', async () => {
      const following = hyper('logs', '-f', '--tail', '1', 'one');
      const waiting = hyper('wait', 'one');
      assert.equal(await ok('stop', 'one'), 'one\n');
      assert.deepEqual(await waiting, { code: 0, stdout: '3\n', stderr: '' });
      assert.equal((await following).stdout, 'bye\n');
      assert.equal(await ok('wait', 'one'), '3\n');
      const pod = await hyperd.client.podInspect('one');
      assert.deepEqual([pod.state, pod.exitCode, pod.vmId, pod.reason], ['failed', 3, null, null]);
      assert.match(await ok('list'), new RegExp(`^ ${id} {27}one {24}failed$`, 'm'));
      assert.equal(await ok('list', 'vm', '-q'), '');
      assert.equal(await ok('stop', 'one'), 'one\n');
      await assert.rejects(hyperd.client.podStop('one'), { code: 'conflict' });
    });

    it('starts again, with an attached client if wanted, on the disk that it left', async () => {
      const [file, args, env] = hyperd.command(['start', '-a', 'one']);
      const child = spawn(file, args, { env, stdio: ['ignore', 'pipe', 'inherit'] });
      const closed = once(child, 'close');
      const began = once(child.stdout, 'data');
      let out = '';
      child.stdout.on('data', (chunk: Buffer) => (out += chunk.toString()));
      await began;
      assert.equal((await hyperd.client.podInspect('one')).exitCode, null);
      await ok('stop', 'one');
      await closed;
      assert.deepEqual([child.exitCode, out], [3, 'ready\nbye\n']);
    });

    it('is removed by force while it runs, with all that it had', async () => {
      await ok('restart', 'one');
      await untilLogged(hyperd, id, 'ready', 3);
      assert.equal(await ok('restart', 'one'), 'one\n');
      await untilLogged(hyperd, id, 'ready', 4);
      assert.equal((await ok('logs', 'one')).match(/bye/g)?.length, 3);
      const vm = await vmOf('one');
      assert.equal(await ok('rm', '-f', 'one'), 'one\n');
      assert.equal(existsSync(`/proc/${vm.pid}`), false);
      assert.equal(await ok('list', '-q'), '');
      assert.deepEqual(traces(hyperd), { taps: [], pods: [], vms: [] });
    });
  });

  it('is killed when it does not stop in time', async () => {
    await ok('run', '-d', '--name', 'stubborn', 'busybox', 'sh', '-c', stubborn);
    await untilLogged(hyperd, 'stubborn', 'ready');
    const began = performance.now();
    await ok('stop', '-s', 'HUP', '-t', '1', 'stubborn');
    const took = performance.now() - began;
    assert.ok(took >= 1000 && took < 8000, `${took} ms`);
    assert.equal(await ok('wait', 'stubborn'), '137\n');
    assert.equal(await ok('logs', 'stubborn'), 'ready\nignored\n');
    await ok('rm', 'stubborn');
  });

  it('fails with a reason when its VM dies, and its client says so', async () => {
    const [file, args, env] = hyperd.command([
      'run',
      '--name',
      'lost',
      'busybox',
      'sh',
      '-c',
      'echo ready; sleep 1000',
    ]);
    const child = spawn(file, args, { env, stdio: ['ignore', 'pipe', 'pipe'] });
    let stderr = '';
    child.stderr.on('data', (chunk: Buffer) => (stderr += chunk.toString()));
    await once(child.stdout, 'data');
    const vm = await vmOf('lost');
    const closed = once(child, 'close');
    const killed = performance.now();
    process.kill(vm.pid, 'SIGKILL');
    await closed;
    assert.ok(performance.now() - killed < 3000, `${performance.now() - killed} ms`);
    assert.equal(child.exitCode, 125);
    assert.match(stderr, /^hyper: QEMU ended by itself or was killed from outside/m);
    const pod = await hyperd.client.podInspect('lost');
    assert.equal(pod.state, 'failed');
    assert.match(pod.reason ?? '', /^QEMU ended by itself or was killed from outside/);
    assert.match(pod.containers[0]?.error ?? '', /QEMU ended/);
    await ok('rm', 'lost');
    assert.deepEqual(traces(hyperd), { taps: [], pods: [], vms: [] });
  });

  it('goes on without hyperd: the next one finds it, its log and its exit', async () => {
    const script = 'i=0; echo ready; while read x; do i=$((i+1)); echo $i; done <>/tmp/pipe';
    await ok('run', '-d', '--name', 'lasting', 'busybox', 'sh', '-c', `mkfifo /tmp/pipe; ${script}`);
    await untilLogged(hyperd, 'lasting', 'ready');
    await ok('exec', 'lasting', 'sh', '-c', 'echo x >/tmp/pipe');
    await untilLogged(hyperd, 'lasting', '1');
    const before = await vmOf('lasting');
    // What is written while no hyperd is there must be in the log as well: it waits in the guest.
    await ok('exec', '-d', 'lasting', 'sh', '-c', 'until [ -e /tmp/go ]; do usleep 100000; done; echo x >/tmp/pipe');
    await ok('exec', '-d', 'lasting', 'sh', '-c', 'sleep 1; touch /tmp/go');
    await hyperd.signal('SIGHUP');
    assert.ok(existsSync(`/proc/${before.pid}`), 'the VM is gone');
    await hyperd.start();
    assert.deepEqual(await hyperd.client.vmList(), [before]);
    assert.equal(await ok('exec', 'lasting', 'echo', 'found'), 'found\n');
    await untilLogged(hyperd, 'lasting', '2');
    await ok('exec', 'lasting', 'sh', '-c', 'echo x >/tmp/pipe');
    await untilLogged(hyperd, 'lasting', '3');
    // The same when hyperd dies.
    await hyperd.signal('SIGKILL');
    await hyperd.start();
    assert.deepEqual(await hyperd.client.vmList(), [before]);
    await ok('kill', 'lasting');
    assert.equal(await ok('wait', 'lasting'), '137\n');
    assert.equal(await ok('logs', 'lasting'), 'ready\n1\n2\n3\n');
    await ok('rm', 'lasting');
  });

  it('that died while no hyperd was there is found failed, and cleaned up', async () => {
    await ok('run', '-d', '--name', 'orphan', 'busybox', 'sleep', '1000');
    const vm = await vmOf('orphan');
    await hyperd.signal('SIGHUP');
    process.kill(vm.pid, 'SIGKILL');
    await hyperd.start();
    const pod = await hyperd.client.podInspect('orphan');
    assert.deepEqual([pod.state, pod.vmId, pod.reason], ['failed', null, 'its VM ended while hyperd was away']);
    await ok('rm', 'orphan');
    assert.deepEqual(traces(hyperd), { taps: [], pods: [], vms: [] });
  });

  it('does not touch another hyperd’s', async () => {
    await using other = await TestHyperd.start();
    const both = await Promise.all(
      [hyperd, other].map((each) =>
        each.hyper(['run', '-d', '--name', 'same', '--stop-signal', 'KILL', 'busybox', 'sleep', '1000']),
      ),
    );
    assert.deepEqual(
      both.map(({ code }) => code),
      [0, 0],
      both.map(({ stderr }) => stderr).join(),
    );
    const vm = await vmOf('same', other);
    assert.notEqual((await vmOf('same')).pid, vm.pid);
    assert.notEqual(await idOf('same'), (await other.client.podInspect('same')).id);
    await other.signal('SIGTERM');
    assert.equal(existsSync(`/proc/${vm.pid}`), false);
    assert.equal(await ok('exec', 'same', 'echo', 'here'), 'here\n');
    await ok('rm', '-f', 'same');
  });

  it('is stopped in order at hyperd’s SIGTERM, and nothing of it is left', async () => {
    await ok('run', '-d', '--name', 'ordered', 'busybox', 'sh', '-c', polite);
    await untilLogged(hyperd, 'ordered', 'ready');
    const vm = await vmOf('ordered');
    assert.notDeepEqual(traces(hyperd).taps, []);
    await hyperd.signal('SIGTERM');
    assert.equal(existsSync(`/proc/${vm.pid}`), false);
    const links = execFileSync('ip', ['-n', hyperd.namespace, '-o', 'link'], { encoding: 'utf8' });
    assert.deepEqual(
      links
        .trim()
        .split('\n')
        .map((line) => line.split(': ')[1]),
      ['lo'],
    );
    assert.equal(existsSync(hyperd.socket), false);
    assert.deepEqual(traces(hyperd).vms, []);
    await hyperd.start();
    const pod = await hyperd.client.podInspect('ordered');
    assert.deepEqual([pod.state, pod.exitCode, pod.reason], ['failed', 3, 'hyperd was stopped']);
    assert.equal(await ok('logs', 'ordered'), 'ready\nbye\n');
    await ok('rm', 'ordered');
  });

  it('that is only starting at hyperd’s SIGTERM leaves nothing either', async () => {
    // One that takes its ten seconds to stop: the other has started before hyperd has ended.
    await ok('run', '-d', '--name', 'slow', 'busybox', 'sleep', '1000');
    const starting = hyper('run', '-d', '--name', 'early', 'busybox', 'sleep', '1000');
    const deadline = Date.now() + 20_000;
    while (traces(hyperd).vms.length < 2) {
      assert.ok(Date.now() < deadline, 'no VM is started');
      await new Promise((resolve) => setTimeout(resolve, 10)); // a folder tells nobody when it appears
    }
    await hyperd.signal('SIGTERM');
    assert.notEqual((await starting).code, 0);
    const left = execFileSync('ip', ['netns', 'pids', hyperd.namespace], { encoding: 'utf8' });
    assert.equal(left, '', 'a QEMU runs on');
    assert.deepEqual(traces(hyperd).vms, []);
    await hyperd.start();
    assert.equal((await hyperd.client.podInspect('early')).state, 'failed');
    await ok('rm', 'early', 'slow');
  });
});
