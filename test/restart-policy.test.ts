import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { type Finished, outputOf, TestHyperd } from './support/hyperd.ts';
import { untilLogged } from './support/logs.ts';
import { until } from './support/refusal.ts';

describe('a restart policy', () => {
  let hyperd: TestHyperd;
  before(async () => {
    hyperd = await TestHyperd.start();
  });
  after(async () => await hyperd[Symbol.asyncDispose]());

  const hyper = (...args: string[]): Promise<Finished> => hyperd.hyper(args);
  const ok = (...args: string[]): Promise<string> => outputOf(hyperd, args);
  const start = (name: string, policy: string, script: string): Promise<string> =>
    ok('run', '-d', '--name', name, '--restart', policy, 'busybox', 'sh', '-c', script);
  const inspect = async (name: string): ReturnType<TestHyperd['client']['podInspect']> =>
    await hyperd.client.podInspect(name);
  /** As `untilLogged`, of a pod that may be between two VMs, where nobody can follow its log. */
  const untilLoggedAgain = async (name: string, line: string, times: number): Promise<void> => {
    for (const until = Date.now() + 60_000; Date.now() < until;) {
      if ((await inspect(name)).state !== 'running') continue;
      await untilLogged(hyperd, name, line, times);
      return;
    }
    assert.fail(`${name} was not started again`);
  };
  /** A container, by its name, has ended so often, and waits for another start. */
  const untilWaiting = (name: string, restarts = 0): Promise<void> =>
    until(async () => {
      const { restarting, ...container } = await hyperd.client.containerInspect(name);
      return restarting && container.restarts >= restarts;
    });
  const onlyVm = (): number => {
    const [qemu, ...others] = hyperd.vmProcesses();
    assert.ok(qemu !== undefined);
    assert.deepEqual(others, [], 'an earlier test has left a pod');
    return qemu;
  };
  /** Something was sent to a process by a unix socket, and it has not read it. */
  const hasUnread = async (pid: number): Promise<boolean> => {
    const sockets = (await hyperd.network.run('ss', '-xpH')).split('\n');
    return sockets.some((line) => line.includes(`pid=${pid},`) && !/^\S+ +\S+ +0 /.test(line));
  };
  const untilDied = async (pod: string): Promise<void> => {
    for await (const { type, action, id } of hyperd.client.eventList({ since: '0', follow: true })) {
      if (id === pod && type === 'pod' && action === 'die') return;
    }
    assert.fail(`nobody was told of the end of ${pod}`);
  };
  /** Counts in the writable layer, which a restart leaves as it is. */
  const count = 'n=$(cat /n 2>/dev/null || echo 0); n=$((n+1)); echo $n > /n; echo run $n';

  it('starts what failed again, in the same VM, until it succeeds', async () => {
    await start('flaky', 'onFailure', `${count}; [ $n -ge 3 ]`);
    assert.equal((await hyperd.client.podWait('flaky')).exitCode, 0);
    const pod = await inspect('flaky');
    assert.deepEqual([pod.state, pod.restarts, pod.containers[0]?.restarts], ['succeeded', 0, 2]);
    assert.equal(await ok('logs', 'flaky'), 'run 1\nrun 2\nrun 3\n');
    await ok('rm', 'flaky');
  });

  it('gives up after as many restarts as it may make', async () => {
    await start('hopeless', 'on-failure:2', `${count}; exit 6`);
    assert.equal((await hyperd.client.podWait('hopeless')).exitCode, 6);
    assert.deepEqual(
      [(await inspect('hopeless')).state, await ok('logs', 'hopeless')],
      ['failed', 'run 1\nrun 2\nrun 3\n'],
    );
    await ok('rm', 'hopeless');
  });

  it('of always starts also what succeeded, and ends with stop, also between two starts', async () => {
    await start('steady', 'always', count);
    await untilWaiting('steady', 5);
    assert.match(await ok('list'), / steady .* Restarting \(0\) .* ago$/m);
    const refused = await hyper('kill', '-s', 'HUP', 'steady');
    assert.deepEqual(
      [refused.code, refused.stderr],
      [1, 'hyper: container steady has ended, and waits for its restart\n'],
    );
    await untilWaiting('steady', 5);
    await ok('stop', 'steady');
    const pod = await inspect('steady');
    assert.deepEqual([pod.state, pod.containers[0]?.restarting], ['succeeded', false]);
    const log = await ok('logs', 'steady');
    await ok('start', 'steady');
    await untilLogged(hyperd, 'steady', `run ${log.trim().split('\n').length + 2}`);
    await ok('kill', 'steady');
    await hyperd.client.podWait('steady');
    await ok('rm', 'steady');
    assert.deepEqual(hyperd.vmProcesses(), []);
  });

  it('starts a pod whose VM went away in another one, and says why meanwhile', async () => {
    await start('victim', 'always', 'echo ready; exec sleep 1000');
    await untilLogged(hyperd, 'victim', 'ready');
    const ended = hyperd.client.podWait('victim');
    const killedAt = performance.now();
    process.kill(onlyVm(), 'SIGKILL');
    const { error } = await ended;
    assert.ok(performance.now() - killedAt < 1000, 'the pod’s failure was told late');
    assert.match(error ?? '', /QEMU ended by itself or was killed/);
    await untilLoggedAgain('victim', 'ready', 2);
    const pod = await inspect('victim');
    assert.deepEqual([pod.state, pod.restarts], ['running', 1]);
    assert.equal(hyperd.vmProcesses().length, 1);
    await ok('rm', '-f', 'victim');
  });

  it('is kept by the next hyperd: what waits is started, what was stopped is not', async () => {
    await start('waits', 'always', 'echo ready; exec sleep 1000');
    await start('stopped', 'always', 'echo ready; exec sleep 1000');
    await untilLogged(hyperd, 'waits', 'ready');
    await ok('stop', '-t', '0', 'stopped');
    await hyperd.signal('SIGTERM'); // ends the VMs, as a host that shuts down does
    assert.deepEqual(hyperd.vmProcesses(), []);
    await hyperd.start();
    await untilLoggedAgain('waits', 'ready', 2);
    assert.deepEqual([(await inspect('stopped')).state, (await inspect('stopped')).restarting], ['failed', false]);
    await hyperd.signal('SIGKILL');
    for (const pid of hyperd.vmProcesses()) process.kill(pid, 'SIGKILL'); // a host that lost its power
    await hyperd.start();
    await untilLoggedAgain('waits', 'ready', 3);
    await ok('rm', '-f', 'waits', 'stopped');
  });

  it('goes on through a hyperd that is killed between an end and the next start', async () => {
    await start('patient', 'always', `${count}; [ $n -lt 6 ] || exec sleep 1000`);
    await untilWaiting('patient', 4); // for 1.6 s
    await hyperd.signal('SIGKILL');
    await hyperd.start();
    // Its log is followed though none of it runs.
    await untilLogged(hyperd, 'patient', 'run 6');
    assert.equal(await ok('logs', 'patient'), [1, 2, 3, 4, 5, 6].map((n) => `run ${n}\n`).join(''));
    await ok('rm', '-f', 'patient');
  });

  it('leaves the others alone where the container that waits is stopped, killed or removed', async () => {
    const crash = { image: 'busybox', command: ['sh', '-c', 'sleep 0; exit 9'] };
    const main = { name: 'stays', image: 'busybox', command: ['sleep', '1000'] };
    const names = ['one', 'two', 'three'];
    const containers = [main, ...names.map((name) => ({ ...crash, name }))];
    await hyperd.client.podCreate({ name: 'mixed', restartPolicy: 'always', containers });
    await hyperd.client.podStart('mixed');
    for (const name of names) await untilWaiting(name);
    const ended = hyperd.client.podWait('one');
    await ok('stop', '-c', 'one');
    assert.equal((await ended).exitCode, 9);
    await untilWaiting('two', 5);
    // Nothing is there that takes a signal; its pod runs by another one.
    const refused = await hyper('kill', '-s', 'HUP', 'mixed/two');
    assert.deepEqual([refused.code, refused.stdout], [1, '']);
    assert.match(refused.stderr, /^hyper: container two has ended, and waits for its restart\n$/);
    assert.match(await ok('list', '--format', '{{.Name}} {{.Status}}'), /^mixed running$/m);
    await untilWaiting('two', 5);
    const shown = await ok('list', 'container', '--format', '{{.Name}} {{.Status}} {{.State}}');
    assert.match(shown, /^two Restarting \(9\) .* ago failed$/m);
    await untilWaiting('two');
    await ok('kill', 'mixed/two');
    await untilWaiting('three');
    await ok('rm', '-f', '-c', 'three');
    assert.equal(await ok('exec', 'mixed', 'echo', 'here'), 'here\n');
    const states = (await inspect('mixed')).containers.map(({ name, state, restarting }) => [name, state, restarting]);
    assert.deepEqual(states, [
      ['stays', 'running', false],
      ['one', 'failed', false],
      ['two', 'failed', false],
    ]);
    await ok('rm', '-f', 'mixed');
  });

  it('is told also of a VM that goes while nothing runs in it, and ends with rm -f between two starts', async () => {
    await start('between', 'always', 'exit 1');
    await untilWaiting('between', 4); // by now it waits for most of a second
    const { id } = await inspect('between');
    process.kill(onlyVm(), 'SIGKILL');
    await untilDied(id);
    await untilWaiting('between', 4);
    await ok('rm', '-f', 'between');
    assert.deepEqual(hyperd.vmProcesses(), []);
  });

  it('is told of a VM that goes with the end of its process, of which hyperd hears at the same time', async () => {
    await start('together', 'always', 'until [ -e /go ]; do usleep 10000; done; sleep 1; exit 1');
    const { id } = await inspect('together');
    const { pid } = hyperd;
    await ok('exec', 'together', 'touch', '/go');
    process.kill(pid, 'SIGSTOP');
    try {
      await until(async () => await hasUnread(pid)); // the end of the process
      process.kill(onlyVm(), 'SIGKILL');
      await until(() => hyperd.vmProcesses().length === 0);
    } finally {
      process.kill(pid, 'SIGCONT');
    }
    await untilDied(id);
    await ok('rm', '-f', 'together');
  });

  it('waits while its pod is paused', async () => {
    await start('held', 'always', `${count}; exit 1`);
    await untilWaiting('held', 3);
    await ok('pause', 'held');
    const before = await ok('logs', 'held');
    await new Promise((resolve) => setTimeout(resolve, 1500)); // that nothing happens has no event
    assert.equal(await ok('logs', 'held'), before);
    await ok('unpause', 'held');
    await untilLogged(hyperd, 'held', `run ${before.trim().split('\n').length + 1}`);
    await ok('rm', '-f', 'held');
  });

  it('is refused where it contradicts', async () => {
    const { code, stderr } = await hyper('run', '--rm', '--restart', 'always', 'busybox', 'true');
    assert.deepEqual([code, /removed when it has ended cannot be started again/.test(stderr)], [125, true]);
    assert.equal((await hyper('run', '--restart', 'sometimes', 'busybox', 'true')).code, 2);
  });
});
