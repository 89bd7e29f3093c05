import assert from 'node:assert/strict';
import { after, before, it } from 'node:test';
import type { Namespace } from './network/namespaces.ts';
import type { Room } from './network/room.ts';
import type { TestHyperd } from './support/hyperd.ts';
import { untilLogged } from './support/logs.ts';
import { hostAndInternet, podCommands } from './support/network-pods.ts';
import { untilPoolHas } from './support/warm.ts';
import { inBothWays } from './support/ways.ts';

inBothWays('a pod on several networks', { timeout: 900_000 }, (way) => {
  let host: Namespace;
  let outside: Namespace;
  let hyperd: TestHyperd;
  let internet: Room;
  let here: Room;

  before(async () => {
    ({ host, outside, internet, here } = await hostAndInternet());
    hyperd = await way.start({}, { host });
    await run('network', 'create', '--subnet', '10.81.0.0/24', 'front');
    await run('network', 'create', '--subnet', '10.82.0.0/24', 'back');
    await run('network', 'create', '--subnet', '10.83.0.0/24', '--internal', 'closed');
    await serve('web', '--network', 'front');
    await serve('db', '--network', 'back', '--network-alias', 'database');
    await serve('vault', '--network', 'closed');
  });
  after(async () => {
    for (const thing of [hyperd, here, internet, outside, host]) await thing[Symbol.asyncDispose]();
  });

  const { run, refused, serve, inPod, remove } = podCommands(() => hyperd);
  /** What a server says to a pod; nothing where it cannot be reached. */
  const ask = async (pod: string, to: string, port = 80): Promise<string> =>
    (await hyperd.hyper(['exec', pod, 'nc', '-w', '3', to, String(port)])).stdout;
  /** The taps of this host: of those three pods, and of what is left. */
  const taps = async (): Promise<number> =>
    (await hyperd.network.ip('-o', 'link')).match(/: hy\w{10}-\d+:/g)?.length ?? 0;
  /** In its guest, as the guest's root, who may do all that a program which broke out of its container can. */
  const inGuest = (pod: string, ...command: string[]): Promise<string> =>
    run('exec', '--vm', pod, '/run/containers/1/rootfs/bin/busybox', ...command);
  const ways = [
    ['eth0', '10.81.0.1'],
    ['eth1', '10.82.0.1'],
    ['eth2', '10.84.0.1'],
  ] as const;
  const addressOn = async (pod: string, network: string): Promise<string> => {
    const { networks } = await hyperd.client.podInspect(pod);
    return networks.find((each) => each.network === network)?.address ?? '';
  };

  it('has a NIC, an address and the names of each, and its default route and published ports by the first', async () => {
    const long = 'name=back,ip=10.82.0.99,alias=middle,mac-address=02:42:00:00:00:99';
    const options = ['--network', 'front', '--network', long, '--ip', '10.81.0.77', '--network-alias', 'both'];
    await serve('app', ...options, '-p', '8080:80');
    for (const name of ['web', 'db', 'database']) {
      assert.equal(await ask('app', name), `${name === 'web' ? 'web' : 'db'}\n`, name);
    }
    assert.equal(await ask('app', '203.0.113.2'), 'hello from outside');
    assert.deepEqual([await ask('web', 'both'), await ask('db', 'middle')], ['app\n', 'app\n']);
    assert.deepEqual([await ask('web', 'middle'), await ask('db', 'both'), await ask('web', 'db')], ['', '', '']);
    assert.match(await inPod('app', 'nslookup 10.82.0.99; nslookup 10.81.0.77'), /name = app[^]*name = app/);
    assert.match(await inPod('app', 'ip route'), /^default via 10\.81\.0\.1 dev eth0/m);
    assert.match(await inPod('app', 'ip address show eth1'), /02:42:00:00:00:99[^]*inet 10\.82\.0\.99\/24/);
    assert.equal(await inPod('app', 'cat /proc/sys/net/ipv4/conf/eth1/arp_ignore'), '1\n');
    assert.equal(await inPod('app', 'cat /etc/resolv.conf'), 'nameserver 10.81.0.1\n');
    assert.match(await inPod('app', 'cat /etc/hosts'), /^10\.81\.0\.77\tapp\n10\.82\.0\.99\tapp$/m);
    assert.equal(await internet.call('ask', '203.0.113.1', 8080), 'app\n');
    assert.equal(
      await run('list', '--format', '{{.Name}} {{.Networks}} {{.Addresses}}').then(lineOf('app')),
      'app front, back 10.81.0.77, 10.82.0.99',
    );
    const [back] = JSON.parse(await run('network', 'inspect', 'back')) as { guests: { pod: string }[] }[];
    assert.deepEqual(back?.guests.map(({ pod }) => pod).sort(), ['app', 'db']);
    await refused(1, /is the pod (app|db)'s: remove that first/, 'network', 'rm', 'back');
    await remove('app');
    assert.equal(await taps(), 3);
  });

  it('is put on networks and taken off them while it runs, and its next start knows', async () => {
    await serve('app', '--network', 'front', '-p', '8080:80');
    await run('network', 'connect', '--ip', '10.82.0.50', '--alias', 'extra', 'back', 'app');
    assert.deepEqual([await ask('app', 'db'), await ask('db', 'extra')], ['db\n', 'app\n']);
    assert.equal(await internet.call('ask', '203.0.113.1', 8080), 'app\n');
    await run('network', 'disconnect', 'front', 'app');
    assert.match(await inPod('app', 'ip route'), /^default via 10\.82\.0\.1 dev eth1/m);
    assert.match(
      await inPod('app', 'cat /etc/resolv.conf /etc/hosts'),
      /^nameserver 10\.82\.0\.1\n[^]*^10\.82\.0\.50\tapp$/m,
    );
    assert.doesNotMatch(await inPod('app', 'ip -o link; cat /etc/hosts'), /eth0|10\.81\./);
    assert.deepEqual([await ask('app', 'db'), await ask('app', '203.0.113.2')], ['db\n', 'hello from outside']);
    assert.equal(await ask('app', 'web'), '');
    for (const room of [here, internet]) assert.equal(await room.call('ask', '203.0.113.1', 8080), 'app\n');
    assert.equal(await taps(), 4);
    await inPod('app', 'echo 10.9.9.9 mine >>/etc/hosts');
    await run('network', 'connect', 'front', 'app'); // into the place of the one that went
    assert.match(await inPod('app', 'ip route'), /^default via 10\.82\.0\.1 dev eth1/m);
    assert.match(
      await inPod('app', 'cat /etc/hosts'),
      /^10\.82\.0\.50\tapp\n10\.9\.9\.9 mine\n$/m,
      'who wrote to it knows better',
    );
    assert.equal(await ask('app', 'web'), 'web\n');
    await run('kill', 'app');
    await run('wait', 'app');
    await run('network', 'connect', 'closed', 'app');
    await run('network', 'disconnect', 'front', 'app');
    await run('start', 'app');
    await untilLogged(hyperd, 'app', 'ready', 2);
    const { networks } = await hyperd.client.podInspect('app');
    assert.deepEqual(
      networks.map(({ network, interface: nic, main }) => [network, nic, main]),
      [
        ['back', 'eth0', true],
        ['closed', 'eth1', false],
      ],
    );
    assert.deepEqual([await ask('app', 'vault'), await ask('app', 'web')], ['vault\n', '']);
    await run('network', 'disconnect', 'back', 'app');
    await run('network', 'disconnect', 'closed', 'app');
    assert.doesNotMatch(await inPod('app', 'ip -o link'), /eth/);
    assert.equal(await here.call('ask', '127.0.0.1', 8080), 'ECONNREFUSED');
    await run('network', 'connect', 'front', 'app');
    assert.equal(await ask('app', 'web'), 'web\n');
    assert.equal(await internet.call('ask', '203.0.113.1', 8080), 'app\n');
    await remove('app');
    assert.equal(await taps(), 3);
  });

  it('leads out by the first network that has a way out, wherever an internal one stands', async () => {
    await serve('app', '--network', 'closed', '--network', 'back', '-p', '8080:80');
    assert.match(await inPod('app', 'ip route'), /^default via 10\.83\.0\.1|^default via 10\.82\.0\.1 dev eth1/m);
    assert.deepEqual(
      [await ask('app', 'vault'), await ask('app', 'db'), await ask('app', '203.0.113.2')],
      ['vault\n', 'db\n', 'hello from outside'],
    );
    assert.equal(await internet.call('ask', '203.0.113.1', 8080), 'app\n');
    assert.equal(await ask('vault', '203.0.113.2'), '');
    await run('network', 'disconnect', 'back', 'app');
    assert.deepEqual([await ask('app', 'vault'), await ask('app', '203.0.113.2')], ['vault\n', '']);
    await run('network', 'connect', 'front', 'app');
    assert.equal(await ask('app', '203.0.113.2'), 'hello from outside');
    assert.equal(await internet.call('ask', '203.0.113.1', 8080), 'app\n');
    await remove('app');
  });

  it('is bounded on each: its egress, its rate, and what it may call itself', async () => {
    await run('network', 'create', '--subnet', '10.84.0.0/24', 'third');
    const options = ['--network', 'front', '--network', 'back', '--egress', 'none', '--net-rate', '8mbit'];
    await serve('app', ...options);
    await run('network', 'connect', 'third', 'app');
    assert.deepEqual([await ask('app', 'web'), await ask('app', 'db')], ['web\n', 'db\n']);
    for (const [nic, gateway] of ways) {
      await inGuest('app', 'ip', 'route', 'replace', 'default', 'via', gateway, 'dev', nic);
      assert.equal(await ask('app', '203.0.113.2'), '', nic);
    }
    assert.equal(await ask('app', '203.0.113.2'), '');
    const qdiscs = await hyperd.network.run('tc', 'qdisc');
    assert.equal(qdiscs.match(/tbf .* rate 8Mbit/g)?.length, 3, qdiscs);
    assert.equal((await hyperd.network.run('nft', 'list', 'ruleset')).match(/chain rate_hy/g)?.length, 3);
    await run('network', 'disconnect', 'third', 'app');
    await run('network', 'rm', 'third');
    await remove('app');
    assert.doesNotMatch(await hyperd.network.run('nft', 'list', 'ruleset'), /egress_hy|rate_hy/);
  });

  it('leads packets of its root’s making nowhere but where each NIC may', async () => {
    await run('network', 'create', '--subnet', '10.84.0.0/24', 'third');
    await serve(
      'app',
      '--network',
      'front',
      '--network',
      'back',
      '--network',
      'third',
      '--sysctl',
      'net.ipv4.ip_forward=1',
    );
    for (const [nic, gateway] of ways) {
      await inGuest('app', 'ip', 'route', 'replace', 'default', 'via', gateway, 'dev', nic);
      assert.equal(await ask('app', '203.0.113.2'), 'hello from outside', nic);
    }
    const [front, back] = [await addressOn('app', 'front'), await addressOn('app', 'back')];
    // As another network's guest: from the address that it has there.
    await inGuest('app', 'ip', 'route', 'replace', '203.0.113.2', 'via', '10.82.0.1', 'dev', 'eth1', 'src', front);
    assert.equal(await ask('app', '203.0.113.2'), '');
    await inGuest('app', 'ip', 'route', 'replace', '203.0.113.2', 'via', '10.82.0.1', 'dev', 'eth1', 'src', back);
    assert.equal(await ask('app', '203.0.113.2'), 'hello from outside');
    // As a router: what it passes on is in another's name.
    const db = await addressOn('db', 'back');
    await inGuest('web', 'ip', 'route', 'replace', '10.82.0.0/24', 'via', front);
    assert.equal(await ask('web', db), '');
    await remove('app');
    await run('network', 'rm', 'third');
  });

  it('goes on with all of them under the next hyperd, which also takes back what a dead one had begun', async () => {
    await serve('app', '--network', 'front', '-p', '8080:80');
    const app = (await hyperd.client.podInspect('app')).id;
    await run('network', 'connect', 'back', 'app');
    await hyperd.signal('SIGKILL');
    assert.equal(await internet.call('ask', '203.0.113.1', 8080), 'app\n');
    await hyperd.start();
    assert.deepEqual([await ask('app', 'web'), await ask('app', 'db')], ['web\n', 'db\n']);
    await run('network', 'disconnect', 'front', 'app');
    await hyperd.signal('SIGKILL');
    await hyperd.start();
    assert.deepEqual([await ask('app', 'db'), await ask('app', '203.0.113.2')], ['db\n', 'hello from outside']);
    assert.equal(await internet.call('ask', '203.0.113.1', 8080), 'app\n');
    assert.equal(await taps(), 4);
    const [vm] = (await hyperd.client.vmList()).filter(({ podId }) => podId === app);
    assert.ok(vm);
    process.kill(vm.pid, 'SIGSTOP'); // it gets no further than to ask QEMU
    const begun = assert.rejects(hyperd.client.networkConnect('front', { pod: 'app' }));
    const knows = async (): Promise<boolean> =>
      (await hyperd.client.networkInspect('front')).guests.some(({ pod }) => pod === 'app');
    while (!(await knows())); // the record does
    await hyperd.signal('SIGKILL');
    await begun;
    process.kill(vm.pid, 'SIGCONT');
    await hyperd.start();
    assert.equal(await taps(), 4);
    assert.deepEqual([await ask('app', 'web'), await ask('app', 'db')], ['', 'db\n']);
    await run('network', 'connect', 'front', 'app');
    assert.equal(await ask('app', 'web'), 'web\n');
    await remove('app');
    assert.equal(await taps(), 3);
  });

  it('is refused what cannot be, and is then as it was', async () => {
    await serve('app', '--network', 'front');
    const before = await hyperd.client.podInspect('app');
    const dbAddress = await addressOn('db', 'back');
    const connect = ['network', 'connect'];
    await refused(1, /no such network: nowhere/, ...connect, 'nowhere', 'app');
    await refused(1, /no such pod or container: nobody/, ...connect, 'back', 'nobody');
    await refused(1, /is on the network front already/, ...connect, 'front', 'app');
    await refused(1, /the address \S+ is taken/, ...connect, '--ip', dbAddress, 'back', 'app');
    await refused(1, /cannot be given to a guest/, ...connect, '--ip', '10.9.9.9', 'back', 'app');
    await refused(1, /two NICs with the MAC address/, ...connect, '--mac', before.mac ?? '', 'back', 'app');
    await refused(1, /is not on the network back/, 'network', 'disconnect', 'back', 'app');
    await refused(2, /leave out the other networks/, 'run', '--network', 'none', '--network', 'front', 'busybox');
    await refused(125, /on the network front already/, 'run', '--network', 'front', '--network', 'front', 'busybox');
    await refused(125, /no such network: nowhere/, 'run', '--network', 'front', '--network', 'nowhere', 'busybox');
    const taken = ['--network', 'front', '--network', `name=back,ip=${dbAddress}`];
    await refused(125, /the address \S+ is taken/, 'run', '--rm', ...taken, 'busybox', 'true');
    assert.deepEqual(await hyperd.client.podInspect('app'), before);
    assert.deepEqual([await taps(), await ask('app', 'web')], [4, 'web\n']);
    await remove('app');
  });

  it('has its further NICs plugged into a VM of the pool', async () => {
    await using warm = await way.start({ pool: { size: 1 }, templates: {} });
    const ok = async (...args: string[]): Promise<string> => {
      const { code, stdout, stderr } = await warm.hyper(args);
      assert.equal(code, 0, stderr);
      return stdout + stderr;
    };
    await ok('template', 'create');
    await untilPoolHas(warm, 1);
    await ok('network', 'create', 'one');
    await ok('network', 'create', 'two');
    const options = ['--rm', '--timing', '--network', 'one', '--network', 'two', '--network', 'default'];
    const said = await ok('run', ...options, 'busybox', 'ip', '-o', '-4', 'address');
    assert.match(said, /a VM of the pool/);
    assert.match(said, /eth0 .*192\.168\.124\.\d+\/24[^]*eth1 .*192\.168\.125\.\d+\/24[^]*eth2 .*192\.168\.123\./);
  });
});

const lineOf =
  (pod: string) =>
  (text: string): string | undefined =>
    text.split('\n').find((line) => line.startsWith(`${pod} `));
