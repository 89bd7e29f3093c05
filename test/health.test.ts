import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import type { Container, Event } from '../src/contract/index.ts';
import { busyboxTar, tarMaker } from './images/index.ts';
import { outputOf, TestHyperd } from './support/hyperd.ts';
import { untilLogged } from './support/logs.ts';
import { until } from './support/refusal.ts';

/** A container's command that does what it is told through its files. */
const server = 'touch /ok; echo ready; exec sleep 1000';
const quick = ['--health-interval', '200ms', '--health-retries', '2'];

describe('the health of containers', () => {
  let hyperd: TestHyperd;
  before(async () => {
    hyperd = await TestHyperd.start();
  });
  after(async () => await hyperd[Symbol.asyncDispose]());

  const ok = (...args: string[]): Promise<string> => outputOf(hyperd, args);
  const inspect = (name: string): Promise<Container> => hyperd.client.containerInspect(name);
  const inside = (pod: string, script: string): Promise<string> => ok('exec', pod, 'sh', '-c', script);
  /** The first such event of a container, by its name, after another one. */
  const untilEvent = async (name: string, wanted: (event: Event) => boolean, after = 0): Promise<Event> => {
    for await (const event of hyperd.client.eventList({ after, since: '0', follow: true })) {
      if (event.type === 'container' && event.name === name && wanted(event)) return event;
    }
    return assert.fail('hyperd ended');
  };
  const untilHealth = (name: string, health: string, after?: Event): Promise<Event> =>
    untilEvent(
      name,
      ({ action, attributes }) => action === 'health_status' && attributes['health'] === health,
      after?.sequence,
    );
  const untilAction = (name: string, wanted: string, after?: Event): Promise<Event> =>
    untilEvent(name, ({ action }) => action === wanted, after?.sequence);

  it('are told of a command: starting, healthy, unhealthy and healthy again, by inspect, list and events', async () => {
    const check = 'cat /ok && echo asked >> /asked';
    await ok('run', '-d', '--name', 'checked', '--health-cmd', check, ...quick, 'busybox', 'sh', '-c', server);
    const begun = await inspect('checked');
    assert.equal(begun.health?.status, 'starting');
    assert.match(await ok('list', '--format', '{{.Status}}'), /^running \((health: starting|healthy)\)\n$/);
    const healthy = await untilHealth('checked', 'healthy');
    assert.equal(await ok('list', '--format', '{{.Status}} {{.State}}'), 'running (healthy) running\n');
    assert.equal((await inspect('checked')).ready, true);
    await inside('checked', 'rm /ok');
    const unhealthy = await untilHealth('checked', 'unhealthy', healthy);
    const { health, ready, restarts, probeFailure } = await inspect('checked');
    const last = health?.log.at(-1);
    assert.deepEqual([health?.status, ready, restarts, probeFailure], ['unhealthy', false, 0, null]);
    assert.ok((health?.failingStreak ?? 0) >= 2);
    assert.deepEqual([last?.exitCode, last?.output], [1, "cat: can't open '/ok': No such file or directory\n"]);
    assert.ok(Date.parse(last?.end ?? '') >= Date.parse(last?.start ?? ''));
    assert.match(await ok('list', 'container'), /running \(unhealthy\)/);
    await inside('checked', 'touch /ok');
    await untilHealth('checked', 'healthy', unhealthy);
    await until(async () => (await inspect('checked')).health?.log.length === 5);
    const told = await ok(
      'events',
      '--since',
      '0',
      '--until',
      '0s',
      '-f',
      'health=unhealthy',
      '-f',
      'container=checked',
    );
    assert.match(
      told,
      /^\S+ container health_status \w+ \(name=checked, pod=pod-\w+, podName=checked, health=unhealthy\)\n$/,
    );
  });

  it('are asked as the image says, unless its user says otherwise', async () => {
    const layer = await readFile(await busyboxTar());
    const digest = createHash('sha256').update(layer).digest('hex');
    const config = {
      ...{ architecture: 'amd64', os: 'linux', rootfs: { type: 'layers', diff_ids: [`sha256:${digest}`] } },
      config: {
        ...{ Cmd: ['sleep', '1000'], Env: ['PATH=/bin'], Shell: ['/bin/ash', '-c'] },
        Healthcheck: { Test: ['CMD-SHELL', 'echo by $0; exit 1'], Interval: 200_000_000, Retries: 1 },
      },
    };
    const manifest = [{ Config: 'config.json', RepoTags: ['checked:latest'], Layers: ['layer.tar'] }];
    const archive = join(hyperd.folder, 'checked.tar');
    const { file, tar } = tarMaker;
    await writeFile(
      archive,
      tar(
        ...[file('manifest.json', JSON.stringify(manifest)), file('config.json', JSON.stringify(config))],
        file('layer.tar', layer),
      ),
    );
    await ok('load', '-i', archive);
    const awaited = await hyperd.hyper(['run', '-d', '--wait', '--name', 'imaged', 'checked']);
    assert.deepEqual([awaited.code, awaited.stderr], [125, 'hyper: container imaged is unhealthy: by /bin/ash\n']);
    assert.equal((await inspect('imaged')).health?.log[0]?.output, 'by /bin/ash\n');
    await ok('rm', '-f', 'imaged');
    await ok('run', '-d', '--name', 'unasked', '--no-healthcheck', 'checked');
    assert.deepEqual([(await inspect('unasked')).health, (await inspect('unasked')).ready], [null, true]);
    await ok('rm', '-f', 'unasked');
  });

  it('are not asked while their pod is paused, and again after that', async () => {
    await ok('pause', 'checked');
    const before = await inspect('checked');
    await new Promise((resolve) => setTimeout(resolve, 1000)); // that nothing happens has no event
    assert.deepEqual((await inspect('checked')).health, before.health);
    await ok('unpause', 'checked');
    const last = before.health?.log.at(-1)?.start;
    await until(async () => (await inspect('checked')).health?.log.at(-1)?.start !== last);
  });

  it('go on with the next hyperd, which stores nothing while nothing changes', async () => {
    const known = await inspect('checked');
    await hyperd.signal('SIGKILL');
    await hyperd.start();
    const back = await inspect('checked');
    assert.deepEqual([back.health?.status, back.ready], ['healthy', true]);
    await until(async () => ((await inspect('checked')).health?.log.length ?? 0) >= 3);
    await inside('checked', 'rm /ok');
    await untilHealth('checked', 'unhealthy');
    assert.equal((await inspect('checked')).startedAt, known.startedAt);
  });

  it('begin anew with another start, and end with the container', async () => {
    await ok('stop', '-t', '0', 'checked');
    assert.equal((await inspect('checked')).health?.status, 'unhealthy'); // as docker says of one that has ended
    assert.equal(await ok('list', '--format', '{{.Status}}'), 'failed\n');
    await ok('start', '--wait', 'checked');
    assert.equal((await inspect('checked')).health?.status, 'healthy');
    await ok('rm', '-f', 'checked');
  });

  it('leave no process behind when a command takes too long, nor when hyperd dies meanwhile', async () => {
    const slow = ['--health-cmd', 'echo slow; sleep 900 & sleep 901', '--health-interval', '100ms'];
    await ok('run', '-d', '--name', 'slow', ...slow, '--health-timeout', '500ms', 'busybox', 'sleep', '1000');
    await untilHealth('slow', 'unhealthy');
    const last = (await inspect('slow')).health?.log.at(-1);
    assert.deepEqual([last?.exitCode, last?.output], [-1, 'Health check exceeded timeout (0.5s): slow\n']);
    const sleeps = async (): Promise<number> => (await ok('top', 'slow')).match(/sleep 90[01]/g)?.length ?? 0;
    await until(async () => (await sleeps()) === 2);
    await hyperd.signal('SIGKILL');
    await hyperd.start();
    for (let round = 0; round < 5; round++) assert.ok((await sleeps()) <= 2);
    await ok('rm', '-f', 'slow');
  });

  it('are refused where they contradict, and a probe over the network where there is none', async () => {
    const refused = async (...args: string[]): Promise<string> => {
      const { code, stderr } = await hyperd.hyper(['create', ...args]);
      assert.ok(code === 1 || code === 2, stderr);
      return stderr;
    };
    assert.match(await refused('--health-interval', '1s', 'busybox'), /intervalSeconds .* give a command too/);
    assert.match(await refused('--no-healthcheck', '--health-cmd', 'true', 'busybox'), /give one of them/);
    assert.match(await refused('--health-timeout', 'soon', 'busybox'), /--health-timeout is 'soon': give a time/);
    const tcp = { probes: { readiness: { tcpSocket: { port: 80 } } } };
    const alone = { networks: [], containers: [{ image: 'busybox', ...tcp }] };
    await assert.rejects(hyperd.client.podCreate(alone), /has a probe over the network, and its pod has none/);
  });

  it('decide by probes: startup holds the others back, liveness ends what fails, readiness says what is ready', async () => {
    const page = 'mkdir -p /www; rm -f /www/up /www/well; httpd -h /www; echo run; exec sleep 1000';
    const often = { periodSeconds: 0.2, timeoutSeconds: 5 };
    const httpGet = (path: string): object => ({ httpGet: { port: 80, path }, ...often, failureThreshold: 2 });
    await hyperd.client.podCreate({
      name: 'probed',
      egress: [], // answers are no new connections
      restartPolicy: 'always',
      containers: [
        {
          image: 'busybox',
          command: ['sh', '-c', page],
          stopSignal: 'KILL',
          probes: {
            startup: { ...httpGet('/up'), failureThreshold: 1000 },
            liveness: httpGet('/well'),
            readiness: { exec: { command: ['test', '-e', '/www/ready'] }, ...often, failureThreshold: 1 },
          },
        },
      ],
    });
    await ok('start', 'probed');
    await untilLogged(hyperd, 'probed', 'run');
    await inside('probed', 'touch /www/ready'); // nobody looks yet
    await new Promise((resolve) => setTimeout(resolve, 1000)); // that nothing happens has no event
    const early = await inspect('probed');
    assert.deepEqual([early.restarts, early.ready, early.health], [0, false, null]);
    await inside('probed', 'touch /www/well /www/up');
    const ready = await untilAction('probed', 'ready');
    assert.equal((await inspect('probed')).ready, true);
    await inside('probed', 'rm /www/ready');
    const unready = await untilAction('probed', 'unready', ready);
    assert.equal((await inspect('probed')).restarts, 0);
    await inside('probed', 'rm /www/well');
    const die = await untilAction('probed', 'die', unready);
    assert.match(die.attributes['reason'] ?? '', /^its liveness probe has failed 2 times: HTTP 404/);
    assert.equal(die.attributes['restarting'], 'true');
    await untilLogged(hyperd, 'probed', 'run', 2);
    assert.equal((await inspect('probed')).restarts, 1);
    await ok('rm', '-f', 'probed');
  });
});
