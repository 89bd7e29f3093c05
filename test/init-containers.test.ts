import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import type { Container, PodSpec } from '../src/contract/index.ts';
import { outputOf, TestHyperd } from './support/hyperd.ts';
import { untilLogged } from './support/logs.ts';
import { until } from './support/refusal.ts';

const shell = (script: string): { image: string; command: string[] } => ({
  image: 'busybox',
  command: ['sh', '-c', script],
});
const shared = (name: string, script: string): object => ({
  name,
  ...shell(script),
  volumes: [{ path: '/shared', volume: 'shared' }],
});

describe('init containers', () => {
  let hyperd: TestHyperd;
  before(async () => {
    hyperd = await TestHyperd.start();
  });
  after(async () => await hyperd[Symbol.asyncDispose]());

  const ok = (...args: string[]): Promise<string> => outputOf(hyperd, args);
  const containers = async (pod: string): Promise<readonly Container[]> =>
    (await hyperd.client.podInspect(pod)).containers;
  const statesOf = async (pod: string): Promise<unknown[]> =>
    (await containers(pod)).map(({ name, state, waiting }) => [name, state, waiting]);
  const saved = (name: string, content: object): string => {
    const file = join(hyperd.folder, name);
    writeFileSync(file, JSON.stringify(content));
    return file;
  };
  const start = async (spec: PodSpec): Promise<void> => {
    const { id } = await hyperd.client.podCreate(spec);
    await hyperd.client.podStart(id);
  };

  it('run one after the other before the containers, with the pod’s volumes; stdin and exit code are the main one’s', async () => {
    const file = {
      id: 'ordered',
      volumes: [{ name: 'shared' }],
      containers: [
        { stdin: true, ...shared('main', 'echo main >> /shared/order; cat /shared/order; cat; exit 7') },
        shared('beside', 'true'),
      ],
      initContainers: [
        shared('first', 'echo said by first; sleep 1; echo first >> /shared/order'),
        shared('second', 'echo second >> /shared/order'),
      ],
    };
    const { code, stdout, stderr } = await hyperd.hyper(['run', '-a', '-i', '-p', saved('ordered.json', file)], {
      input: 'typed early\n',
    });
    assert.deepEqual([code, stdout], [7, 'first\nsecond\nmain\ntyped early\n'], stderr);
    assert.equal(await ok('logs', 'ordered/first'), 'said by first\n');
    assert.deepEqual(
      (await containers('ordered')).map(({ name, init, state, exitCode }) => [name, init, state, exitCode]),
      [
        ['main', false, 'failed', 7],
        ['beside', false, 'succeeded', 0],
        ['first', true, 'succeeded', 0],
        ['second', true, 'succeeded', 0],
      ],
    );
    assert.match(await ok('list', 'container'), /first .*succeeded/);
    assert.equal(
      await ok('list', 'container', '--format', '{{.Name}} {{.Init}}'),
      'main false\nbeside false\nfirst true\nsecond true\n',
    );
    await ok('rm', 'ordered');
  });

  it('fail their pod, whose containers never start, with a message that says where to look', async () => {
    const file = {
      id: 'broken',
      containers: [{ name: 'main', ...shell('echo never') }],
      initContainers: [
        { name: 'bad', ...shell('echo why >&2; exit 3') },
        { name: 'later', ...shell('echo never') },
      ],
    };
    const { code, stdout, stderr } = await hyperd.hyper(['run', '-a', '-p', saved('broken.json', file)]);
    assert.deepEqual([code, stdout], [125, '']);
    assert.match(stderr, /hyper: init container bad ended with exit code 3: see 'hyper logs broken\/bad'\n$/);
    const pod = await hyperd.client.podInspect('broken');
    assert.deepEqual([pod.state, pod.exitCode], ['failed', 125]);
    assert.match(pod.reason ?? '', /^init container bad ended/);
    assert.deepEqual(
      pod.containers.map(({ name, state, exitCode, startedAt }) => [name, state, exitCode, startedAt === null]),
      [
        ['main', 'failed', 125, true],
        ['bad', 'failed', 3, false],
        ['later', 'failed', 125, true],
      ],
    );
    const { code: again } = await hyperd.hyper(['start', '-a', 'broken']);
    assert.equal(again, 125);
    assert.equal((await hyperd.client.podWait('broken/bad')).exitCode, 3);
    await ok('rm', 'broken');
  });

  it('are tried again where the restart policy says so', async () => {
    const count = 'n=$(cat /n 2>/dev/null || echo 0); n=$((n+1)); echo $n > /n; echo run $n; [ $n -ge 3 ]';
    await start({
      name: 'patient',
      restartPolicy: 'onFailure',
      containers: [{ name: 'main', ...shell('echo main') }],
      initContainers: [{ name: 'flaky', ...shell(count) }],
    });
    assert.equal((await hyperd.client.podWait('patient')).exitCode, 0);
    assert.equal(await ok('logs', 'patient/flaky'), 'run 1\nrun 2\nrun 3\n');
    assert.equal(await ok('logs', 'patient'), 'main\n');
    assert.deepEqual(
      (await containers('patient')).map(({ restarts }) => restarts),
      [0, 2],
    );
    await ok('rm', 'patient');
    await start({
      name: 'hopeless',
      restartPolicy: 'onFailure',
      maxRestarts: 1,
      containers: [shell('echo never')],
      initContainers: [{ name: 'bad', ...shell('echo tried; exit 4') }],
    });
    assert.match((await hyperd.client.podWait('hopeless')).error ?? '', /init container bad ended with exit code 4/);
    assert.equal(await ok('logs', 'hopeless/bad'), 'tried\ntried\n');
    await until(async () => (await hyperd.client.podInspect('hopeless')).vmId === null);
    assert.equal((await hyperd.client.podInspect('hopeless')).restarting, false);
    await ok('rm', 'hopeless');
  });

  it('end with stop, and wait while their pod is paused', async () => {
    await start({
      name: 'stopped',
      restartPolicy: 'always',
      containers: [{ name: 'main', ...shell('echo never') }],
      initContainers: [{ name: 'long', ...shell('trap "exit 0" TERM; echo on; while :; do sleep 0.1; done') }],
    });
    await untilLogged(hyperd, 'stopped/long', 'on');
    assert.deepEqual(await statesOf('stopped'), [
      ['main', 'pending', true],
      ['long', 'running', false],
    ]);
    const { stderr } = await hyperd.hyper(['exec', 'stopped', 'true']);
    assert.match(stderr, /container main waits for init containers, which run before it/);
    const early = await hyperd.hyper(['start', '-c', 'stopped/main']);
    assert.deepEqual([early.code, /starts when the init containers have succeeded/.test(early.stderr)], [1, true]);
    const killed = await hyperd.hyper(['kill', 'stopped/main']);
    assert.deepEqual([killed.code, /waits for init containers/.test(killed.stderr)], [1, true]);
    await ok('update', '-c', '--memory', '64m', 'stopped/main');
    const limit = ['cat', '/sys/fs/cgroup/pod/container-1/memory.max'];
    assert.equal(await ok('exec', '--vm', 'stopped', ...limit), `${64 << 20}\n`);
    assert.equal((await containers('stopped'))[0]?.waiting, true);
    await ok('stop', 'stopped');
    assert.match(
      (await hyperd.client.podInspect('stopped')).reason ?? '',
      /stopped before its init containers had ended/,
    );
    await ok('rm', 'stopped');
    await start({
      name: 'held',
      containers: [{ name: 'main', ...shell('echo main') }],
      initContainers: [{ name: 'long', ...shell('echo on; read line < /pipe 2>/dev/null; sleep 1') }],
    });
    await untilLogged(hyperd, 'held/long', 'on');
    await ok('pause', 'held');
    await new Promise((resolve) => setTimeout(resolve, 1200)); // that nothing happens has no event
    assert.deepEqual((await statesOf('held'))[0], ['main', 'pending', true]);
    await ok('unpause', 'held');
    assert.equal((await hyperd.client.podWait('held')).exitCode, 0);
    await ok('rm', 'held');
  });

  it('go on with the next hyperd, whether they run or have ended when it comes', async () => {
    const inits = ['one', 'two', 'three'].map((name) => ({ name, ...shell(`echo ${name}; sleep 2`) }));
    await start({ name: 'kept', containers: [shell('echo main; exec sleep 1000')], initContainers: inits });
    await untilLogged(hyperd, 'kept/one', 'one');
    await hyperd.signal('SIGKILL');
    await hyperd.start(); // while it runs
    await untilLogged(hyperd, 'kept/two', 'two');
    await hyperd.signal('SIGKILL');
    await new Promise((resolve) => setTimeout(resolve, 2500)); // it ends while nobody hears
    await hyperd.start();
    await untilLogged(hyperd, 'kept', 'main');
    for (const { name } of inits) assert.equal(await ok('logs', `kept/${name}`), `${name}\n`);
    assert.deepEqual(
      (await containers('kept')).map(({ state, restarts }) => [state, restarts]),
      [['running', 0], ...inits.map(() => ['succeeded', 0])],
    );
    assert.equal(await ok('exec', 'kept', 'echo', 'here'), 'here\n');
    await ok('rm', '-f', 'kept');
    assert.deepEqual(hyperd.vmProcesses(), []);
  });

  it('come from a Kubernetes manifest too, as do probes', async () => {
    const manifest = {
      apiVersion: 'v1',
      kind: 'Pod',
      metadata: { name: 'manifest' },
      spec: {
        volumes: [{ name: 'site', emptyDir: {} }],
        initContainers: [
          {
            name: 'writer',
            image: 'busybox',
            command: ['sh', '-c', 'echo hello > /site/index.html'],
            volumeMounts: [{ name: 'site', mountPath: '/site' }],
          },
        ],
        containers: [
          {
            name: 'web',
            image: 'busybox',
            command: ['httpd', '-f', '-h', '/site', '-p', '8080'],
            ports: [{ name: 'http', containerPort: 8080 }],
            readinessProbe: { httpGet: { port: 'http' }, periodSeconds: 1, timeoutSeconds: 10 },
            livenessProbe: { tcpSocket: { port: 8080 }, timeoutSeconds: 10 },
            volumeMounts: [{ name: 'site', mountPath: '/site', readOnly: true }],
          },
        ],
      },
    };
    await ok('run', '-d', '--wait', '--wait-timeout', '120', '-k', saved('manifest.json', manifest));
    const [web] = await containers('manifest');
    assert.deepEqual([web?.name, web?.ready, web?.restarts], ['web', true, 0]);
    assert.equal(await ok('exec', 'manifest', 'wget', '-qO-', '127.0.0.1:8080'), 'hello\n');
    await ok('rm', '-f', 'manifest');
  });
});
