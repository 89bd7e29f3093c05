import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { after, before, describe, it } from 'node:test';
import { skipUnlessRoot } from './network/namespaces.ts';
import { TestHyperd } from './support/hyperd.ts';
import { podCommands } from './support/network-pods.ts';
import { until } from './support/refusal.ts';

const MiB = 2 ** 20;

describe('what is stored of a pod', { skip: skipUnlessRoot, timeout: 600_000 }, () => {
  let hyperd: TestHyperd;
  const { run, refused, serve, inPod, remove } = podCommands(() => hyperd);

  before(async () => {
    hyperd = await TestHyperd.start();
    await serve('web', '-p', '8080:80', '-p', '127.0.0.1:5300:53/udp', '--label', 'tier=front');
    await run('run', '-d', '--name', 'asker', '--stop-signal', 'KILL', 'busybox', 'sleep', '100000');
  });
  after(async () => await hyperd[Symbol.asyncDispose]());

  const ask = async (name: string): Promise<string> =>
    (await hyperd.hyper(['exec', 'asker', 'nc', '-w', '3', name, '80'])).stdout;
  const eventsOf = async (action: string): Promise<string[]> => {
    const format = '{{.Type}} {{.Name}} {{json .Attributes}}';
    return (await run('events', '--since', '1h', '--until', '0s', '-f', `event=${action}`, '--format', format))
      .split('\n')
      .filter((line) => line !== '');
  };

  it('a name: others find a pod that runs by its new one alone, also after a restart of hyperd', async () => {
    assert.equal(await ask('web'), 'web\n');
    assert.equal(await run('rename', 'web', 'old'), '');
    assert.deepEqual([await ask('old'), await ask('web')], ['web\n', '']);
    // Another takes the name that is free now: it alone is found by it.
    await serve('web');
    assert.deepEqual([await ask('old'), await ask('web')], ['web\n', 'web\n']);
    assert.match(await inPod('asker', 'nslookup -type=a web'), /^Name:\tweb\nAddress: [\d.]+\n+$/m);
    await refused(1, /^hyper: the name web is taken: choose another, or remove that pod\n$/, 'rename', 'old', 'web');
    await refused(1, /no such pod or container: nope/, 'rename', 'nope', 'other');
    await refused(1, /name: must be letters, digits/, 'rename', 'old', 'x/y');
    assert.equal(await inPod('old', 'hostname; cat /etc/hostname'), 'web\nweb\n');
    assert.deepEqual(await eventsOf('rename'), [
      'pod old {"oldName":"web"}',
      'container old {"podName":"old","oldName":"web"}',
    ]);
    await hyperd.signal('SIGKILL');
    await hyperd.start();
    assert.equal(await ask('old'), 'web\n');
    await remove('web');
    assert.equal(await ask('web'), '');
    await run('rename', 'old', 'web');
    assert.equal(await ask('web'), 'web\n');
  });

  it('its labels: set, replaced by --overwrite alone, and taken away', async () => {
    const list = (...options: string[]): Promise<string> => run('labels', 'web', ...options);
    assert.equal(await list('--format', '{{.Name}}={{.Value}}'), 'tier=front\n');
    assert.equal(await list('owner=ann', 'note=a=b c'), 'web\n');
    const words = /^hyper: pod web has the label tier=front already: --overwrite replaces it\n$/;
    await refused(1, words, 'labels', 'web', 'tier=back', 'more=1');
    await run('labels', '--overwrite', 'web', 'tier=back', 'note-', 'nope-');
    assert.deepEqual((await hyperd.client.podInspect('web')).labels, { tier: 'back', owner: 'ann' });
    assert.equal(await list('--format', 'json'), '{"Name":"tier","Value":"back"}\n{"Name":"owner","Value":"ann"}\n');
    assert.match(await list(), /^NAME +VALUE\ntier +back\nowner +ann\n$/);
    assert.deepEqual(await eventsOf('update'), Array(2).fill('pod web {"changed":"labels"}'));
    await refused(2, /the label 'x': give NAME=VALUE to set it, or NAME- to take it away/, 'labels', 'web', 'x');
    await refused(1, /no such pod or container: nope/, 'labels', 'nope');
  });

  it('its ports are printed in docker’s words, all or those of one', async () => {
    assert.match(await run('port', 'web'), /^80\/tcp -> 0\.0\.0\.0:8080\n53\/udp -> 127\.0\.0\.1:5300\n$/);
    assert.equal(await run('port', 'web', '80'), '0.0.0.0:8080\n');
    assert.equal(await run('port', 'web', '53/udp'), '127.0.0.1:5300\n');
    assert.match(await run('port', 'web', '--format', 'json'), /"HostPort":"8080","ContainerPort":80\}\n/);
    assert.equal(await run('port', 'asker'), '');
    await refused(1, /^hyper: no public port '53' published for web: see 'hyper port web'\n$/, 'port', 'web', '53');
    await refused(2, /the port is 'x'/, 'port', 'web', 'x');
  });
});

describe('what a pod may use', { skip: skipUnlessRoot, timeout: 600_000 }, () => {
  let hyperd: TestHyperd;
  const { run, refused, inPod, remove } = podCommands(() => hyperd);

  before(async () => {
    hyperd = await TestHyperd.start();
    const untilTold = 'until [ -e /end ]; do sleep 0.1; done; rm /end';
    await run(
      'run',
      '-d',
      '--name',
      'app',
      '--storage',
      '96m',
      '--stop-signal',
      'KILL',
      'busybox',
      'sh',
      '-c',
      untilTold,
    );
  });
  after(async () => await hyperd[Symbol.asyncDispose]());

  const cgroup = (...files: string[]): Promise<string> => inPod('app', `cd /sys/fs/cgroup; cat ${files.join(' ')}`);
  const onHost = (...command: string[]): string =>
    execFileSync('ip', ['netns', 'exec', hyperd.namespace, ...command], { encoding: 'utf8' });
  const shaped = (): readonly [string | undefined, string | undefined] => {
    const tap = /: (hy[\w-]+):/.exec(onHost('ip', '-o', 'link', 'show', 'type', 'tun'))?.[1] ?? '';
    const [into] = /tbf .* rate \S+/.exec(onHost('tc', 'qdisc', 'show', 'dev', tap)) ?? [];
    const [out] = /limit rate over \d+ \w+\/second/.exec(onHost('nft', 'list', 'ruleset')) ?? [];
    return [into?.replace(/.* rate/, 'rate'), out];
  };
  /** Writes 8 MiB to the pod's own disk: how long that takes, in seconds. */
  const writing = async (): Promise<number> => {
    const began = performance.now();
    await inPod('app', 'dd if=/dev/zero of=/written bs=1M count=8 conv=fsync 2>/dev/null; rm /written');
    return (performance.now() - began) / 1000;
  };
  const holds = async (withDisk: boolean): Promise<void> => {
    assert.equal(await cgroup('cpu.max', 'pids.max', 'memory.max'), `50000 100000\n30\n${48 * MiB}\n`);
    assert.deepEqual(shaped(), ['rate 8Mbit', 'limit rate over 500000 bytes/second']);
    const took = withDisk ? await writing() : Infinity;
    assert.ok(took > 3, `8 MiB at 2 MiB a second took ${took} s`);
  };

  it('changes while it runs, and is kept by the next hyperd and at the next start', async () => {
    assert.equal(await run('update', '--cpus', '0.5', '--pids-limit', '30', '--disk-rate', '2m', 'app'), 'app\n');
    await run('update', '--net-rate', '8mbit:4mbit', '--restart', 'onFailure:3', 'app');
    await run('update', '-c', '--memory', '48m', 'app');
    await holds(true);
    await hyperd.signal('SIGKILL');
    await hyperd.start();
    await holds(false);
    await run('stop', 'app');
    await run('start', 'app');
    await holds(true);
    const { diskBytesPerSecond, rate, restartPolicy, maxRestarts, containers } = await hyperd.client.podInspect('app');
    assert.deepEqual([diskBytesPerSecond, rate], [2 * MiB, { in: 8e6, out: 4e6 }]);
    assert.deepEqual([restartPolicy, maxRestarts], ['onFailure', 3]);
    const [container] = containers;
    assert.deepEqual([container?.cpus, container?.pidsLimit, container?.memoryLimitMiB], [0.5, 30, 48]);
    const format = '{{.Type}} {{json .Attributes}}';
    assert.equal(
      await run('events', '--since', '1h', '--until', '0s', '-f', 'event=update', '--format', format),
      [
        'pod {"changed":"diskBytesPerSecond"}',
        'container {"podName":"app","changed":"cpus,pidsLimit"}',
        'pod {"changed":"rate,restartPolicy,maxRestarts"}',
        'container {"podName":"app","changed":"memoryLimitMiB"}\n',
      ].join('\n'),
    );
  });

  it('is set again by a hyperd whose predecessor died while it changed', async () => {
    await hyperd.signal('SIGKILL');
    const database = new DatabaseSync(join(hyperd.root, 'hyper.db'));
    database.exec(
      `UPDATE pods SET record = json_set(record, '$.limitsChanging', json('true'), '$.containers[0].cpus', 0.4)`,
    );
    database.close();
    await hyperd.start();
    assert.equal(await cgroup('cpu.max'), '40000 100000\n');
    assert.deepEqual(shaped(), ['rate 8Mbit', 'limit rate over 500000 bytes/second']);
  });

  it('is taken away', async () => {
    const limited = await writing();
    await run('update', '--cpus', 'none', '--pids-limit', '-1', '--disk-rate', 'none', '--net-rate', 'none', 'app');
    await run('update', '-c', '--memory', 'none', 'app');
    const free = await cgroup('cpu.max', 'pids.max', 'memory.max');
    const [, most = 0] = /^max 100000\nmax\n(\d+)\n$/.exec(free)?.map(Number) ?? [];
    assert.ok(most > 48 * MiB && most < 128 * MiB, free);
    assert.deepEqual(shaped(), [undefined, undefined]);
    const took = await writing();
    assert.ok(took < limited, `${took} s, and with a limit ${limited} s`);
  });

  it('of its restart policy holds for the process that runs', async () => {
    await run('update', '--restart', 'always', 'app');
    await inPod('app', 'touch /end');
    await until(async () => (await hyperd.client.podInspect('app')).containers[0]?.restarts === 1);
    await run('update', '--restart', 'never', 'app');
    await inPod('app', 'touch /end');
    assert.equal((await hyperd.client.podWait('app')).exitCode, 0);
    await run('start', 'app');
  });

  it('that cannot be changed is refused, and the message says what can', async () => {
    const runs = (what: string): RegExp =>
      new RegExp(
        `^hyper: pod app runs, and its VM keeps its ${what}: 'hyper stop app' first; a container can be bound`,
      );
    await refused(1, runs('vcpus'), 'update', '--cpu', '2', 'app');
    await refused(1, runs('memoryMiB, storageMiB'), 'update', '--memory', '192m', '--storage', '1g', 'app');
    await refused(1, /cpus: 2 is more than the VM has: give 0\.01 to 1/, 'update', '--cpus', '2', 'app');
    await refused(1, /memoryLimitMiB: 500 is more than the VM has: give at most 128/, 'update', '-cm', '500m', 'app');
    await inPod('app', 'head -c 20m /dev/zero >/dev/shm/full');
    await refused(1, /container app uses 2\d MiB of memory: give more than that/, 'update', '-c', '-m', '10m', 'app');
    await refused(2, /say what is to change, as --cpus 0\.5/, 'update', 'app');
    await refused(2, /-c names containers, and diskIops is their pod's/, 'update', '-c', '--disk-iops', '20', 'app');
    await refused(2, /--memory none is of containers: give -c/, 'update', '--memory', 'none', 'app');
    await refused(1, /no such pod or container: nope/, 'update', '--cpus', '1', 'nope');
  });

  it('of the VM changes where it does not run: what it has written is there in a larger disk', async () => {
    await inPod('app', 'echo kept >/kept; sync');
    await run('stop', 'app');
    await refused(
      1,
      /the writable layer of app has 96 MiB, and cannot be made smaller/,
      'update',
      '--storage',
      '64m',
      'app',
    );
    await run('update', '--cpu', '2', '--memory', '192m', '--storage', '256m', 'app');
    await run('start', 'app');
    const seen = await inPod('app', 'nproc; cat /kept; grep MemTotal /proc/meminfo; df -m / | tail -1');
    const [, memory = 0, disk = 0] = /^2\nkept\nMemTotal: +(\d+) kB\n\S+ +(\d+) /.exec(seen)?.map(Number) ?? [];
    assert.ok(memory > 140 * 1024 && memory < 192 * 1024, seen);
    assert.ok(disk > 180, seen);
    await remove('app');
  });
});
