import assert from 'node:assert/strict';
import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { after, before, describe, it } from 'node:test';
import { promisify } from 'node:util';
import type { ContainerSpec, PodSpec } from '../src/contract/index.ts';
import { busyboxTar, makeOciImage } from './images/index.ts';
import { file, folder, tar } from './images/tar-maker.ts';
import { outputOf, TestHyperd } from './support/hyperd.ts';
import { untilLogged } from './support/logs.ts';

const run = promisify(execFile);
const base64 = (text: string): string => Buffer.from(text).toString('base64');

/** A process that says that it is ready, and at TERM which signal came and ends with this code. */
const server = (code: number): string[] => [
  'sh',
  '-c',
  `trap "echo term; exit ${code}" TERM; echo ready; while :; do sleep 1000 & wait; done`,
];
const shell = (script: string): string[] => ['sh', '-c', script];

describe('a pod of several containers', () => {
  let hyperd: TestHyperd;
  const scraps = mkdtempSync(join(tmpdir(), 'hyper-pods-'));
  const hyper = (...args: string[]): Promise<string> => outputOf(hyperd, args);
  const inside = (container: string, script: string): Promise<string> => hyper('exec', container, ...shell(script));
  const create = async (name: string, containers: ContainerSpec[], more: Partial<PodSpec> = {}): Promise<void> => {
    await hyperd.client.podCreate({ name, containers, ...more });
  };
  const start = async (...args: Parameters<typeof create>): Promise<void> => {
    await create(...args);
    await hyperd.client.podStart(args[0]);
  };
  const states = async (pod: string): Promise<string[]> =>
    (await hyperd.client.podInspect(pod)).containers.map(({ name, state, exitCode }) => `${name} ${state} ${exitCode}`);

  before(async () => {
    hyperd = await TestHyperd.start();
    const layer = join(scraps, 'layer.tar');
    writeFileSync(
      layer,
      tar(
        folder('etc/'),
        file('etc/passwd', 'root:x:0:0::/root:/bin/sh\napp:x:1234:2345::/:/bin/sh\n'),
        file('etc/group', 'web:x:3456:\n'),
        file('other', 'another image'),
      ),
    );
    const layout = join(scraps, 'other');
    await makeOciImage(layout, { layers: [await busyboxTar(), layer], env: ['PATH=/bin:/usr/bin'] });
    const archive = join(scraps, 'other.tar');
    await run('skopeo', ['copy', '-q', `oci:${layout}:latest`, `docker-archive:${archive}:other:latest`]);
    await hyper('load', '-q', '-i', archive);
  });
  after(async () => {
    await hyperd[Symbol.asyncDispose]();
    rmSync(scraps, { recursive: true, force: true });
  });

  it('is one VM, whose containers share network, host name, IPC and a volume, and have roots and processes of their own', async () => {
    const mounts = [{ type: 'volume', source: 'shared', target: '/shared', ofPod: true }] as const;
    const [web, db] = [
      { name: 'web', image: 'busybox', command: server(0), mounts: [...mounts] },
      { name: 'db', image: 'other', command: server(0), mounts: [...mounts] },
    ];
    await start('two', [web, db], { hostname: 'both' });
    assert.equal((await hyperd.client.vmList()).length, 1);
    assert.deepEqual(await states('two'), ['web running null', 'db running null']);
    assert.equal(await inside('db', 'cat /other; hostname'), 'another imageboth\n');
    assert.equal(await inside('web', 'ls /other 2>&1; hostname'), 'ls: /other: No such file or directory\nboth\n');
    await inside('web', '(echo hello | nc -lp 81 >/dev/null) >/dev/null 2>&1 & echo from web > /shared/file');
    assert.equal(
      await inside('db', 'until nc 127.0.0.1 81 2>/dev/null; do :; done; cat /shared/file'),
      'hello\nfrom web\n',
    );
    assert.equal(await inside('web', 'echo x > /dev/shm/x; cat /proc/1/comm; id -u'), 'sh\n0\n');
    assert.equal(await inside('db', 'cat /dev/shm/x; ls -d /proc/[0-9]* | wc -l'), 'x\n5\n');
    const ipc = async (container: string): Promise<string> => await inside(container, 'readlink /proc/self/ns/ipc');
    assert.equal(await ipc('web'), await ipc('db'));
    assert.equal(await inside('two/db', 'cat /other'), 'another image');
    assert.match(await hyper('list', 'container'), /web[\s\S]*db/);
    await hyper('stop', 'two');
    assert.deepEqual(await states('two'), ['web succeeded 0', 'db succeeded 0']);
    for (const container of ['web', 'db']) assert.equal(await hyper('logs', container), 'ready\nterm\n');
    const volume = (await hyperd.client.volumeList()).map(({ name }) => name);
    assert.equal(volume.length, 1);
    await hyper('rm', 'two');
    assert.deepEqual(await hyperd.client.volumeList(), []);
  });

  it('ends with its last container, and fails with any that fails; its exit code is the first one’s', async () => {
    const gate = 'while [ ! -e /dev/shm/go ]; do usleep 10000; done';
    await start('mixed', [
      { name: 'first', image: 'busybox', command: shell('echo first; exit 0') },
      { name: 'second', image: 'busybox', command: shell(`${gate}; exit 7`) },
    ]);
    assert.equal((await hyperd.client.podWait('first')).exitCode, 0);
    assert.equal((await hyperd.client.podInspect('mixed')).state, 'running');
    assert.deepEqual(await states('mixed'), ['first succeeded 0', 'second running null']);
    const refused = await hyperd.hyper(['exec', 'first', 'true']);
    assert.deepEqual([refused.code, refused.stderr], [125, 'hyper: container first does not run\n']);
    await inside('second', 'touch /dev/shm/go');
    assert.equal((await hyperd.client.podWait('mixed')).exitCode, 0);
    assert.equal((await hyperd.client.podWait('second')).exitCode, 7);
    const pod = await hyperd.client.podInspect('mixed');
    assert.deepEqual([pod.state, pod.exitCode], ['failed', 0]);
    await hyper('start', 'mixed'); // anew, all of them
    assert.equal((await hyperd.client.podWait('first')).exitCode, 0);
    await hyper('rm', '-f', 'mixed');
  });

  it('gives containers files with mode and owner, in place of the image’s', async () => {
    await start('files', [
      {
        image: 'other',
        command: server(0),
        files: [
          { path: '/etc/app/conf', content: base64('secret\n'), mode: 0o640, user: 'app', group: 'web' },
          { path: '/other', content: base64('mine\n') },
          { path: '/run/tool', content: base64('#!/bin/sh\necho tool\n'), mode: 0o755, user: '7' },
        ],
      },
    ]);
    const listed = await inside('files', "stat -c '%a %u %g' /etc/app/conf /other /run/tool; cat /other; /run/tool");
    assert.equal(listed, '640 1234 3456\n644 0 0\n755 7 0\nmine\ntool\n');
    await hyper('rm', '-f', 'files');
    const nobody = hyperd.client.podCreate({
      name: 'nobody',
      containers: [{ image: 'other', command: ['true'], files: [{ path: '/x', content: '', user: 'missing' }] }],
    });
    await nobody;
    await assert.rejects(hyperd.client.podStart('nobody'), /missing/);
    await hyper('rm', 'nobody');
  });

  it('bounds the memory of one container, and the others go on', async () => {
    await start('bounded', [
      { name: 'eater', image: 'busybox', command: shell('tail /dev/zero'), memoryLimitMiB: 16 },
      { name: 'calm', image: 'busybox', command: server(0) },
    ]);
    assert.equal((await hyperd.client.podWait('eater')).exitCode, 137);
    const [eater, calm] = (await hyperd.client.podInspect('bounded')).containers;
    assert.deepEqual([eater?.oomKilled, eater?.memoryLimitMiB, calm?.state], [true, 16, 'running']);
    assert.equal(await inside('calm', 'echo alive'), 'alive\n');
    await hyper('rm', '-f', 'bounded');
    await assert.rejects(
      create('too-much', [{ image: 'busybox', memoryLimitMiB: 512 }]),
      /memoryLimitMiB: 512 is more than the VM has/,
    );
  });

  it('is paused and goes on, whole; what cannot be done meanwhile is refused', async () => {
    const count = 'i=0; while :; do i=$((i+1)); echo $i > /dev/shm/count; usleep 10000; done';
    await start('still', [
      { name: 'counter', image: 'busybox', command: shell(`echo ready; ${count}`) },
      { name: 'other-one', image: 'busybox', command: server(0) },
    ]);
    await untilLogged(hyperd, 'counter', 'ready');
    const early = await hyperd.client.execCreate('still', { args: ['true'] });
    await hyper('pause', 'still');
    await assert.rejects(hyperd.client.execStart(early.id), /is paused: unpause it first/);
    assert.match(await hyper('list', 'pod'), /still .* paused/);
    assert.match(await hyper('list', 'vm'), /paused/);
    const read = (): Promise<string> => hyper('exec', '--vm', 'still', 'cat', '/dev/shm/count');
    const refused = await hyperd.hyper(['exec', 'still', 'true']);
    assert.deepEqual([refused.code, /is paused: unpause it first/.test(refused.stderr)], [125, true]);
    assert.equal((await hyperd.hyper(['pause', 'still'])).code, 1);
    await hyperd.signal('SIGKILL');
    await hyperd.start();
    assert.equal((await hyperd.client.podInspect('still')).state, 'paused');
    await hyper('unpause', 'still');
    const [one, two] = [await read(), await inside('counter', 'usleep 200000; cat /dev/shm/count')];
    assert.ok(Number(two) > Number(one), `${one} ${two}`);
    assert.equal((await hyperd.hyper(['unpause', 'still'])).code, 1);
    await hyper('pause', 'still');
    await hyper('stop', '-t', '0', 'still');
    await hyper('rm', 'still');
  });

  it('is found whole by the next hyperd: output, exits and execs of each container', async () => {
    const gate = (name: string): string => `until [ -e /dev/shm/${name} ]; do usleep 10000; done`;
    await start('kept', [
      { name: 'one', image: 'busybox', command: shell(`echo 1a; ${gate('go')}; echo 1b; exit 3`) },
      { name: 'two-b', image: 'other', command: shell(`echo 2a; ${gate('go')}; echo 2b; ${gate('end')}; exit 4`) },
    ]);
    await untilLogged(hyperd, 'two-b', '2a');
    await hyper('exec', '-d', 'two-b', ...shell('usleep 500000; touch /dev/shm/go'));
    await hyperd.signal('SIGKILL');
    await hyperd.start();
    assert.equal((await hyperd.client.podWait('one')).exitCode, 3);
    await inside('two-b', 'touch /dev/shm/end');
    assert.equal((await hyperd.client.podWait('two-b')).exitCode, 4);
    assert.equal(await hyper('logs', 'one'), '1a\n1b\n');
    assert.equal(await hyper('logs', 'two-b'), '2a\n2b\n');
    await hyper('rm', '-f', 'kept');
  });

  it('leaves nothing where one of its containers cannot be started', async () => {
    await create('half', [
      { name: 'good', image: 'busybox', command: server(0) },
      { name: 'bad', image: 'busybox', command: ['no-such-program'] },
    ]);
    await assert.rejects(hyperd.client.podStart('half'), /no-such-program/);
    assert.deepEqual(await states('half'), ['good failed 127', 'bad failed 127']);
    await hyper('rm', 'half');
    assert.deepEqual(hyperd.vmProcesses(), []);
    assert.deepEqual(readdirSync(join(hyperd.root, 'pods')), []);
  });

  it('takes containers in while it runs, of other images too, and lets them go', async () => {
    await start('grows', [{ name: 'main', image: 'busybox', command: server(0) }]);
    const id = (await hyper('create', '-c', 'grows', '--name', 'side', 'other', ...server(5))).trim();
    assert.deepEqual(await states('grows'), ['main running null', 'side pending null']);
    await hyper('start', '-c', 'side');
    assert.equal(await inside('side', 'cat /other'), 'another image');
    assert.equal(await inside(id.slice(0, 12), 'hostname'), 'grows\n');
    assert.equal(await hyper('inspect', '-f', '{{.name}} {{.image}}', 'side'), 'side other\n');
    assert.equal((await hyperd.hyper(['inspect', '--type', 'pod', 'side'])).code, 1);
    await hyper('exec', '-d', 'main', 'sleep', '1000'); // no number of a process is taken twice
    await untilLogged(hyperd, 'side', 'ready');
    await hyper('stop', '-c', 'side');
    assert.deepEqual(await states('grows'), ['main running null', 'side failed 5']);
    await hyper('start', '-c', 'side');
    await untilLogged(hyperd, 'side', 'ready', 2);
    assert.equal((await hyperd.hyper(['start', '-c', 'side'])).code, 0); // as docker's
    assert.equal((await hyperd.hyper(['rm', '-c', 'side'])).code, 1);
    assert.match((await hyperd.hyper(['rm', '-c', 'main'])).stderr, /first container of grows, and goes with it/);
    await hyperd.signal('SIGKILL');
    await hyperd.start();
    assert.equal(await inside('side', 'cat /other'), 'another image');
    await inside('side', 'touch /left');
    await hyper('rm', '-f', '-c', 'side');
    assert.deepEqual(await states('grows'), ['main running null']);
    const folder = join(hyperd.root, 'pods', (await hyperd.client.podInspect('grows')).id);
    assert.deepEqual(
      readdirSync(folder).filter((name) => name.startsWith(id)),
      [],
    );
    // What it has written is removed behind the user's back.
    const patience = 'n=0; while [ -e /run/scratch/*/container-2 ] && [ $n -lt 100000 ]; do n=$((n+1)); done';
    const script = `${patience}; cd /run/scratch/*/ && echo container-*`;
    assert.equal(await hyper('exec', '--vm', 'grows', 'sh', '-c', script), 'container-1\n');
    // One that comes after it has nothing of it, also where it could not even start.
    await hyper('create', '-c', 'grows', '--name', 'bad', 'busybox', 'no-such-program');
    assert.equal((await hyperd.hyper(['start', '-c', 'bad'])).code, 1);
    await hyper('rm', '-f', '-c', 'bad');
    await hyper('create', '-c', 'grows', '--name', 'fresh', 'other', ...server(0));
    await hyper('start', '-c', 'fresh');
    assert.equal(await inside('fresh', 'cat /other; ls /left 2>/dev/null; true'), 'another image');
    await hyper('rm', '-f', '-c', 'fresh');
    await hyper('create', '-c', 'grows', '--name', 'late', '-v', '/tmp:/host', 'busybox', 'true');
    assert.match((await hyperd.hyper(['start', '-c', 'late'])).stderr, /given folders and volumes when it starts/);
    await hyper('kill', 'grows');
    await hyperd.client.podWait('grows');
    assert.deepEqual(await states('grows'), ['main failed 137', 'late pending null']);
    await hyper('start', 'grows');
    assert.equal((await hyperd.client.podWait('late')).exitCode, 0);
    await hyper('rm', '-f', 'grows');
    assert.equal((await hyperd.hyper(['create', '-c', 'grows', '--cpu', '2', 'busybox'])).code, 2);
  });

  it('tells of each change in order, each once, also of what was before', async () => {
    const heard: string[] = [];
    const done = new AbortController();
    const listening = Promise.withResolvers<void>();
    const following = (async () => {
      for await (const { type, action, name } of hyperd.client.eventList({
        since: '0',
        follow: true,
        signal: done.signal,
      })) {
        listening.resolve();
        if (name !== 'told' && name !== 'inner') continue;
        heard.push(`${type} ${action} ${name}`);
        if (action === 'destroy' && type === 'pod') done.abort();
      }
    })().catch((error: unknown) => {
      if (!done.signal.aborted) throw error;
    });
    await listening.promise;
    await start('told', [{ name: 'inner', image: 'busybox', command: shell('exit 4') }]);
    await hyperd.client.podWait('told');
    await hyper('rm', 'told');
    await following;
    assert.deepEqual(heard, [
      ...['pod create told', 'container create inner', 'container start inner', 'pod start told'],
      ...['container die inner', 'pod die told', 'container destroy inner', 'pod destroy told'],
    ]);
    await hyperd.signal('SIGKILL');
    await hyperd.start();
    const lines = await hyper(
      'events',
      '--since',
      '0',
      '--until',
      '0s',
      '-f',
      'pod=told',
      '-f',
      'type=container',
      '-f',
      'event=die',
    );
    assert.match(
      lines,
      /^\S+Z container die [0-9a-f]{64} \(name=inner, pod=pod-\w+, podName=told, exitCode=4, restarting=false\)\n$/,
    );
  });

  it('shows what its containers use, and what runs in them', async () => {
    const busy = 'dd if=/dev/zero of=/dev/shm/eight bs=1M count=8 2>/dev/null; echo ready; while :; do :; done';
    await start('used', [
      { name: 'busy', image: 'busybox', command: shell(busy) },
      { name: 'idle', image: 'busybox', command: ['sleep', '1000'], user: '1234' },
    ]);
    await untilLogged(hyperd, 'busy', 'ready');
    const top = await hyper('top', 'used');
    assert.match(top, /^UID +PID +PPID +STATE +MEMORY +TIME +CMD\n/);
    assert.match(top, /^1234 .* sleep 1000$/m);
    assert.match(top, /^0 .* sh -c dd if/m);
    assert.equal((await hyper('top', '--format', '{{.UID}} {{.Command}}', 'idle')).trim(), '1234 sleep 1000');
    const lines = (await hyper('stats', '--no-stream', '--format', 'json', 'used')).trim().split('\n');
    const [one, two] = lines.map((line) => JSON.parse(line) as Record<string, string>);
    assert.deepEqual([one?.['Name'], two?.['Name'], two?.['PIDs']], ['busy', 'idle', 1]);
    assert.ok(parseFloat(one?.['CPUPerc'] ?? '') > 20, lines.join('\n'));
    assert.ok(parseFloat(two?.['CPUPerc'] ?? '') < 20, lines.join('\n'));
    const stats = await hyperd.client.podStats('used');
    assert.ok((stats.containers[0]?.memoryBytes ?? 0) > 8 << 20, JSON.stringify(stats));
    await hyper('create', '--name', 'resting', 'busybox', 'true');
    const [file, args, env] = hyperd.command(['stats', '--format', '{{.Name}} {{.ID}}', 'used']);
    const live = spawn(file, args, { env, stdio: ['ignore', 'pipe', 'inherit'] });
    const ended = once(live, 'exit');
    const samples: string[] = [];
    for await (const line of createInterface(live.stdout)) if (samples.push(line) === 4) break; // two of each container
    live.kill();
    await ended;
    assert.deepEqual(samples.slice(0, 2), samples.slice(2));
    assert.match((await hyper('stats', '--no-stream', 'used')).split('\n')[1] ?? '', /^[0-9a-f]{12} +busy /);
    const all = await hyper('stats', '-a', '--no-stream', '--no-trunc', '--format', '{{.Name}} {{.CPUPerc}}');
    assert.match(all, /^resting --$/m);
    assert.match(all, /^idle \d+\.\d+%$/m);
    await hyper('rm', 'resting');
    await hyper('exec', 'busy', 'ping', '-c', '3', '-s', '1000', '192.168.123.1');
    assert.ok((await hyperd.client.podStats('used')).sentBytes > stats.sentBytes + 3000);
    await hyper('rm', '-f', 'used');
    assert.equal((await hyperd.hyper(['stats', '--no-stream', 'used'])).code, 1);
  });

  it('refuses names that are taken in it', async () => {
    const twice = [
      { name: 'same', image: 'busybox' },
      { name: 'same', image: 'busybox' },
    ];
    await assert.rejects(create('names', twice), /two containers are called same/);
  });
});
