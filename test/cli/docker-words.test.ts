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

  it('what can mean nothing here is refused by its name, with the reason', async () => {
    for (const [words, why] of [
      ['create --stop-timeout 5 busybox', /^hyper: --stop-timeout: no pod keeps one: give --timeout to 'hyper stop'$/m],
      ['run --log-opt max-size=1m busybox', /^hyper: --log-opt: logs are kept whole/m],
      ['run --log-driver syslog busybox', /^hyper: --log-driver is 'syslog': hyperd keeps all output itself/m],
      ['load -n name', /^hyper: --name: images have the names that are in their archive/m],
      ['load -r x', /^hyper: --references: all images of an archive are loaded/m],
      ['network create -d overlay net', /^hyper: --driver is 'overlay': there is no network driver but bridge$/m],
      ['exec -a -d web true', /give one of --attach and --detach/],
      ['run -v x:/f:ro,rw busybox', /^hyper: -v is 'x:\/f:ro,rw': give one of ro and rw$/m],
      ['run -p 80:80 -p 80:80 busybox', /the port 80\/tcp of this host is given twice/],
      ['ports add web', /missing required argument 'port'/],
      ['logs -f --until 1s web', /give one of them/],
      ['list -f color=red', /invalid filter 'color': give id, name, label, status, exited, network/],
      ['list vm -n 1', /are of pods and containers/],
      ['images -f dangling=maybe', /give true or false/],
    ] as const) {
      await refused(words.split(' '), why);
    }
  });

  it('flags go by docker’s and by the first Hyper’s names', async () => {
    await using fake = await FakeHyperd.start();
    const words =
      '--net back --mac-address 02:42:00:00:00:09 --log-driver json-file -p tcp:8081:80 -p 0:81/UDP busybox';
    assert.deepEqual(await hyperInProcess(fake, 'create', ...words.split(' ')), {
      ...{ code: 0, stdout: 'pod-abcdefghiA\n', stderr: '' },
    });
    const [spec] = fake.bodies;
    assert.ok(typeof spec === 'object' && spec !== null && 'networks' in spec && 'ports' in spec);
    assert.deepEqual(spec.networks, [{ network: 'back', mac: '02:42:00:00:00:09' }]);
    assert.deepEqual(spec.ports, [
      { guestPort: 80, protocol: 'tcp', hostPort: 8081 },
      { guestPort: 81, protocol: 'udp' },
    ]);
    const port = { protocol: 'tcp', hostIp: '*', hostPort: 8080, guestPort: 80 };
    fake.answers.set('POST /v1/pods/web/ports', { body: { ports: [port] } });
    assert.equal((await hyperInProcess(fake, 'ports', 'add', '-p', '8080:80', 'web')).code, 0);
    assert.deepEqual(fake.bodies.at(-1), { ports: [{ guestPort: 80, protocol: 'tcp', hostPort: 8080 }] });
    for (const flag of ['-t', '--time', '--timeout']) {
      fake.answers.set('POST /v1/pods/web/stop', { body: {} });
      assert.equal((await hyperInProcess(fake, 'stop', flag, '3', '-s', 'INT', 'web')).stdout, 'web\n');
      assert.deepEqual(fake.bodies.at(-1), { timeoutSeconds: 3, signal: 'INT' });
    }
    fake.answers.set('POST /v1/pods/vm-abcdefghij/kill', { body: {} });
    assert.equal((await hyperInProcess(fake, 'kill', '-p', 'vm-abcdefghij')).code, 0);
    fake.answers.set('DELETE /v1/images?reference=one', { body: { untagged: ['one'], deleted: [] } });
    assert.equal((await hyperInProcess(fake, 'rmi', '--no-prune', 'one')).stdout, 'Untagged: one\n');
  });

  it('what is so already is no failure of start and stop; restart starts what does not run', async () => {
    await using fake = await FakeHyperd.start();
    await hyperInProcess(fake, 'create', 'busybox');
    const pod = 'pod-abcdefghiA';
    const conflict = { status: 409, body: { code: 'conflict', message: 'it is so' } };
    fake.answers.set(`POST /v1/pods/${pod}/stop`, conflict);
    assert.deepEqual(await hyperInProcess(fake, 'stop', pod), { code: 0, stdout: `${pod}\n`, stderr: '' });
    assert.deepEqual(await hyperInProcess(fake, 'restart', pod), { code: 0, stdout: `${pod}\n`, stderr: '' });
    assert.equal(fake.requests.at(-1), `POST /v1/pods/${pod}/start`);
    fake.answers.set(`POST /v1/pods/${pod}/start`, conflict);
    assert.deepEqual(await hyperInProcess(fake, 'start', pod), { code: 1, stdout: '', stderr: 'hyper: it is so\n' });
    fake.setRunning(pod);
    assert.deepEqual(await hyperInProcess(fake, 'start', pod), { code: 0, stdout: `${pod}\n`, stderr: '' });
    assert.equal((await hyperInProcess(fake, 'stop', pod)).code, 1, 'it runs still');
    assert.equal((await hyperInProcess(fake, 'restart', pod)).code, 1);
  });

  it('list shows one pod’s, the newest, and what a filter fits', async () => {
    await using fake = await FakeHyperd.start();
    for (const name of ['one', 'two']) await hyperInProcess(fake, 'create', '--name', name, 'busybox');
    const ids = async (...words: readonly string[]): Promise<string> =>
      (await hyperInProcess(fake, 'list', '-q', ...words)).stdout.trim();
    fake.setRunning('pod-abcdefghiB');
    assert.equal(await ids('-f', 'status=running'), 'pod-abcdefghiB');
    assert.equal(await ids('-f', 'status=created', '-f', 'status=running'), 'pod-abcdefghiA\npod-abcdefghiB');
    assert.equal(await ids('-f', 'name=on'), 'pod-abcdefghiA');
    assert.equal(await ids('-p', 'pod-abcdefghiB'), 'pod-abcdefghiB');
    assert.equal((await ids('-l')).length, 'pod-abcdefghiA'.length);
    assert.equal((await hyperInProcess(fake, 'list', '-p', 'none')).code, 1);
    const images = async (filter: string): Promise<string> =>
      (await hyperInProcess(fake, 'images', '--format', '{{.Repository}}', '-f', filter)).stdout;
    assert.equal(await images('reference=busy*'), 'busybox\n');
    assert.equal(await images('reference=other'), '');
    assert.equal(await images('dangling=true'), '');
  });

  it('networks have ids, drivers and filters', async () => {
    await using fake = await FakeHyperd.start();
    const network = (id: string, name: string, labels: object): object => ({
      ...{ id: id.repeat(64), name, labels, bridge: 'hy', subnet: '10.0.0.0/24', gateway: '10.0.0.1', range: null },
      ...{ ipv6: null, mtu: null, internal: false, egress: null, createdAt: null, state: 'up', reason: '', guests: [] },
    });
    fake.answers.set('GET /v1/networks', { body: [network('a', 'hyper0', {}), network('b', 'back', { of: 'test' })] });
    const ls = async (...words: readonly string[]): Promise<string> =>
      (await hyperInProcess(fake, 'network', 'ls', '-q', ...words)).stdout;
    assert.equal(await ls(), `${'a'.repeat(12)}\n${'b'.repeat(12)}\n`);
    assert.equal(await ls('--no-trunc', '-f', 'name=hyper'), `${'a'.repeat(64)}\n`);
    assert.equal(await ls('-f', 'id=bb', '-f', 'label=of=test', '-f', 'driver=bridge'), `${'b'.repeat(12)}\n`);
    assert.equal(await ls('-f', 'driver=overlay'), '');
  });
});
