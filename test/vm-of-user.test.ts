import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import type { Namespace } from './network/namespaces.ts';
import { skipUnlessRoot } from './network/namespaces.ts';
import type { Room } from './network/room.ts';
import { TestHyperd } from './support/hyperd.ts';
import { hostAndInternet, podCommands } from './support/network-pods.ts';
import { until } from './support/refusal.ts';

describe(
  'VMs that a user makes, and pods that take another’s place',
  { skip: skipUnlessRoot, timeout: 400_000 },
  () => {
    let host: Namespace;
    let outside: Namespace;
    let hyperd: TestHyperd;
    let internet: Room;
    let here: Room;
    before(async () => {
      ({ host, outside, internet, here } = await hostAndInternet());
      hyperd = await TestHyperd.start({ pool: { size: 0 } }, process.env, { host });
    });
    after(async () => {
      for (const thing of [hyperd, here, internet, outside, host]) await thing[Symbol.asyncDispose]();
    });

    const { run, refused, serve, inPod, remove } = podCommands(() => hyperd);
    const makeVm = async (...options: string[]): Promise<string> => (await run('vm', ...options)).trim();
    const vmIds = async (): Promise<string[]> => (await hyperd.client.vmList()).map(({ id }) => id);
    const reserved = async (): Promise<number> => (await hyperd.client.info()).vmMemory.reservedMiB;

    it('a VM waits, is listed as idle, counts, and a pod starts in it', async () => {
      const before = await reserved();
      const vm = await makeVm();
      assert.match(vm, /^vm-[A-Za-z]{10}$/);
      assert.match(await run('list', 'vm'), new RegExp(`${vm} +idle`));
      assert.equal((await reserved()) - before, 128 + 112);
      await run('create', '--name', 'guest', '--hostname', 'own', 'busybox', 'sleep', '1000');
      assert.equal(await run('start', 'guest', vm), 'guest\n');
      assert.equal((await hyperd.client.podInspect('guest')).vmId, vm);
      assert.match(await run('list', 'vm'), new RegExp(`${vm} +associated`));
      assert.equal(await inPod('guest', 'hostname'), 'own\n');
      assert.equal((await reserved()) - before, 128 + 112);
      await remove('guest');
      await until(async () => (await vmIds()).length === 0);
      assert.equal(await reserved(), before);
    });

    it('a pod of another shape, with folders or without a network is refused, and the VM waits on', async () => {
      const vm = await makeVm('-c', '2', '-m', '192');
      const create = (...options: string[]): Promise<string> => run('create', ...options, 'busybox', 'true');
      await create('--name', 'small');
      await refused(
        1,
        /has 2 CPUs and 192 MiB, the pod is to have others: .*'hyper vm -c 1 -m 128'/,
        'start',
        'small',
        vm,
      );
      await create('--name', 'shares', '--cpu', '2', '-m', '192', '-v', '/srv:/srv');
      await refused(1, /cannot be given folders of the host/, 'start', 'shares', vm);
      await create('--name', 'alone', '--cpu', '2', '-m', '192', '--network', 'none');
      await refused(1, /and the pod no network/, 'start', 'alone', vm);
      await refused(1, /no VM vm-aaaaaaaaaa waits/, 'start', 'small', 'vm-aaaaaaaaaa');
      assert.equal((await hyperd.client.podInspect('small')).state, 'pending');
      assert.deepEqual(await vmIds(), [vm]);
      assert.equal(await run('vm', 'rm', vm), `${vm}\n`);
      const other = await makeVm();
      assert.equal(await run('kill', other), `${other}\n`);
      assert.deepEqual(await vmIds(), []);
      await refused(1, /no VM .* waits for its user's pod/, 'vm', 'rm', other);
      await remove('small', 'shares', 'alone');
    });

    it('a VM goes with its hyperd, whether that is stopped or killed', async () => {
      await makeVm();
      await hyperd.signal('SIGKILL');
      await hyperd.start();
      assert.deepEqual(await vmIds(), []);
      await makeVm();
      await hyperd.signal('SIGHUP');
      assert.deepEqual(hyperd.vmProcesses(), []);
      await hyperd.start();
      assert.deepEqual(await vmIds(), []);
    });

    it('a pod takes the place of another: its address and its ports', async () => {
      await serve('old', '-p', '8080:80');
      const { address } = await hyperd.client.podInspect('old');
      await run(
        'create',
        '--name',
        'new',
        '--stop-signal',
        'KILL',
        'busybox',
        'nc',
        '-ll',
        '-p',
        '80',
        '-e',
        'echo',
        'new',
      );
      assert.equal(await here.call('ask', '127.0.0.1', 8080), 'old\n');
      assert.equal(await run('replace', '-o', 'old', '-n', 'new'), 'new\n');
      await until(async () => (await here.call('ask', '127.0.0.1', 8080)) === 'new\n');
      const pod = await hyperd.client.podInspect('new');
      assert.deepEqual([pod.address, (await hyperd.client.podInspect('old')).state], [address, 'failed']);
    });

    it('where the new one cannot start, the old one is there again', async () => {
      await run('create', '--name', 'broken', 'busybox', 'no-such-command');
      await refused(1, /no-such-command/, 'replace', '-o', 'new', '-n', 'broken');
      await until(async () => (await here.call('ask', '127.0.0.1', 8080)) === 'new\n');
      const { ports, networks } = await hyperd.client.podInspect('broken');
      assert.deepEqual([ports, networks[0]?.address], [[], null]);
      await refused(1, /does not run: start it first/, 'replace', '-o', 'old', '-n', 'broken');
      await refused(2, /give the new pod by -n, or its file by -f/, 'replace', '-o', 'new');
    });

    it('only one takes its place at a time, and the old one stays ended where its user stops it meanwhile', async () => {
      const script = "trap 'echo asked' TERM; echo ready; while :; do usleep 50000; done";
      await run('run', '-d', '--name', 'firm', 'busybox', 'sh', '-c', script);
      const logged = async (line: string): Promise<void> =>
        await until(async () => (await run('logs', 'firm')).split('\n').includes(line));
      await logged('ready');
      const replacing = hyperd.hyper(['replace', '-t', '100', '-o', 'firm', '-n', 'broken']);
      await logged('asked');
      await refused(
        1,
        /^hyper: pod firm is being replaced by broken: wait for that\n$/,
        'replace',
        '-o',
        'firm',
        '-n',
        'old',
      );
      await run('stop', '-t', '0', 'firm');
      const { code, stderr } = await replacing;
      assert.deepEqual([code === 0, /no-such-command/.test(stderr)], [false, true], stderr);
      const { state, restarts } = await hyperd.client.podInspect('firm');
      assert.deepEqual([state, restarts], ['failed', 0]);
      await remove('firm');
    });

    it('the new one may come from a file, and is gone where it cannot start', async () => {
      const file = (command: string): string =>
        JSON.stringify({ id: 'filed', containers: [{ image: 'busybox', command: [command, '1000'] }] });
      const broken = await hyperd.hyper(['replace', '-o', 'new', '-f', '-'], { input: file('no-such-command') });
      assert.deepEqual([broken.code === 0, /no-such-command/.test(broken.stderr)], [false, true], broken.stderr);
      assert.deepEqual(
        (await hyperd.client.podList()).filter(({ name }) => name === 'filed'),
        [],
      );
      await until(async () => (await here.call('ask', '127.0.0.1', 8080)) === 'new\n');
      const done = await hyperd.hyper(['replace', '-o', 'new', '-f', '-'], { input: file('sleep') });
      assert.equal(done.code, 0, done.stderr);
      const pod = await hyperd.client.podInspect('filed');
      assert.deepEqual([pod.state, pod.ports.length], ['running', 1]);
      await remove('filed');
      await run('start', 'new');
    });

    it('where hyperd dies in between, one of the two runs', async () => {
      await run('create', '--name', 'late', 'busybox', 'sleep', '1000');
      const old = await hyperd.client.podInspect('new');
      const ended = Promise.withResolvers<void>();
      const follows = new AbortController();
      const follower = (async () => {
        for await (const { action, id } of hyperd.client.eventList({ follow: true, signal: follows.signal })) {
          if (action === 'die' && id === old.id) ended.resolve();
        }
      })().catch(() => undefined);
      const replacing = hyperd.hyper(['replace', '-o', 'new', '-n', 'late']);
      await ended.promise;
      await hyperd.signal('SIGKILL');
      follows.abort();
      await Promise.all([follower, replacing]);
      await hyperd.start();
      const running = async (): Promise<string[]> =>
        (await hyperd.client.podList()).filter(({ state }) => state === 'running').map(({ name }) => name);
      await until(async () => (await running()).length === 1);
      const [name = ''] = await running();
      assert.match(name, /^(new|late)$/);
      const { address } = await hyperd.client.podInspect(name);
      assert.equal(address, old.address);
      await remove('new', 'late', 'broken', 'old');
    });
  },
);
