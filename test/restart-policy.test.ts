import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { type Finished, TestHyperd } from './support/hyperd.ts';
import { untilLogged } from './support/logs.ts';

describe('a restart policy', () => {
  let hyperd: TestHyperd;
  before(async () => {
    hyperd = await TestHyperd.start();
  });
  after(async () => await hyperd[Symbol.asyncDispose]());

  const hyper = (...args: string[]): Promise<Finished> => hyperd.hyper(args);
  const ok = async (...args: string[]): Promise<string> => {
    const { code, stdout, stderr } = await hyper(...args);
    assert.equal(code, 0, `hyper ${args.join(' ')}: ${stderr}`);
    return stdout;
  };
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
    await untilLogged(hyperd, 'steady', 'run 3');
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
    const [qemu] = hyperd.vmProcesses();
    assert.ok(qemu !== undefined);
    const ended = hyperd.client.podWait('victim');
    const killedAt = performance.now();
    process.kill(qemu, 'SIGKILL');
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
    await untilLogged(hyperd, 'patient', 'run 5');
    await hyperd.signal('SIGKILL');
    await hyperd.start();
    await untilLogged(hyperd, 'patient', 'run 6');
    assert.equal(await ok('logs', 'patient'), [1, 2, 3, 4, 5, 6].map((n) => `run ${n}\n`).join(''));
    await ok('rm', '-f', 'patient');
  });

  it('is refused where it contradicts', async () => {
    const { code, stderr } = await hyper('run', '--rm', '--restart', 'always', 'busybox', 'true');
    assert.deepEqual([code, /removed when it has ended cannot be started again/.test(stderr)], [125, true]);
    assert.equal((await hyper('run', '--restart', 'sometimes', 'busybox', 'true')).code, 2);
  });
});
