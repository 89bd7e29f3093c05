import assert from 'node:assert/strict';
import { after, before, it } from 'node:test';
import { addIpv6, type Namespace } from './network/namespaces.ts';
import type { Room } from './network/room.ts';
import type { TestHyperd } from './support/hyperd.ts';
import { untilLogged } from './support/logs.ts';
import { hostAndInternet, podCommands } from './support/network-pods.ts';
import { untilPoolHas } from './support/warm.ts';
import { inBothWays } from './support/ways.ts';

/**
 * What test/network-ipv6.test.ts shows of the host's side is not shown again. A user's pods have no IPv6 beyond hyperd's
 * namespace: the outside and the host's ports are there by IPv4 alone.
 */
inBothWays('pods on networks with IPv6', { timeout: 900_000 }, (way) => {
  let host: Namespace;
  let outside: Namespace;
  let hyperd: TestHyperd;
  let internet: Room;
  let here: Room;

  before(async () => {
    ({ host, outside, internet, here } = await hostAndInternet());
    await addIpv6({ host, outside });
    await internet.call('serve', '2001:db8:9::2', 80, 'hello from outside');
    hyperd = await way.start({}, { host });
    await run('network', 'create', '--subnet', '10.81.0.0/24', '--subnet', 'fd00:81::/64', 'six');
    await run('network', 'create', '--subnet', '10.82.0.0/24', 'four');
    await serve('web', '--network', 'six', '--ip6', 'fd00:81::77', '-p', '8080:80');
  });
  after(async () => {
    for (const thing of [hyperd, here, internet, outside, host]) await thing[Symbol.asyncDispose]();
  });

  const { run, refused, serve, inPod, remove } = podCommands(() => hyperd);
  const ask = async (pod: string, to: string, port = 80): Promise<string> =>
    (await hyperd.hyper(['exec', pod, 'nc', '-w', '3', to, String(port)])).stdout;
  const outside6 = way.rootless ? '' : 'hello from outside';
  const hostAddress = way.rootless ? '203.0.113.1' : '2001:db8:9::1';
  const address6 = async (pod: string): Promise<string> => (await hyperd.client.podInspect(pod)).address6 ?? '';

  it('a network takes a subnet of IPv6 by itself, or the one that it is given, and shows it', async () => {
    await run('network', 'create', '--ipv6', 'own');
    const [own] = JSON.parse(await run('network', 'inspect', 'own')) as [
      { ipv6: { subnet: string; gateway: string }; subnet: string },
    ];
    assert.match(own.ipv6.subnet, /^fd[0-9a-f]{2}:.*\/64$/);
    assert.match(own.ipv6.gateway, /::1$/);
    assert.match(own.subnet, /^192\.168\.\d+\.0\/24$/);
    assert.match(await run('network', 'ls'), /six +hy-[0-9a-f]{12} +10\.81\.0\.0\/24, fd00:81::\/64 +up/);
    const format = '{{.Name}} {{.IPv6}} {{.Subnet6}}';
    assert.match(await run('network', 'ls', '--format', format), /^six true fd00:81::\/64\nfour false $/m);
    const options = ['--ip-range', 'fd00:83::8/126', '--gateway', 'fd00:83::9'];
    await run('network', 'create', '--subnet', 'fd00:83::/64', ...options, 'ranged');
    await serve('one', '--network', 'ranged');
    assert.equal(await address6('one'), 'fd00:83::8');
    await remove('one');
    await run('network', 'rm', 'own', 'ranged');
    await refused(1, /fd00:81::\/64 is another network's/, 'network', 'create', '--subnet', 'fd00:81::/64', 'x');
    await refused(
      2,
      /--subnet is given twice for IPv6/,
      'network',
      'create',
      '--subnet',
      'a::/64',
      '--subnet',
      'b::/64',
      'x',
    );
  });

  it('a pod has one address, the link-local one and a default route of it, at once, and hears no router', async () => {
    await serve('app', '--network', 'six');
    // The kernel looks at links once a second at most: where it has just looked, the link-local address comes late.
    const linked =
      'n=0; until ip -6 address show eth0 | grep -q "scope link" || [ $n = 200 ]; do n=$((n+1)); usleep 10000; done';
    const shown = await inPod('app', `${linked}; ip -6 address show eth0; ip -6 route; cat /etc/hosts`);
    const addresses = shown.match(/(?<=inet6 )\S+ scope \w+/g)?.toSorted();
    assert.equal(addresses?.length, 2, shown);
    assert.equal(addresses[0], `${await address6('app')}/64 scope global`);
    assert.match(addresses[1] ?? '', /^fe80::68:.*\/64 scope link$/);
    assert.doesNotMatch(shown, /tentative|dadfailed/);
    assert.match(shown, /^default via fd00:81::1 dev eth0/m);
    assert.match(shown, new RegExp(`^${await address6('app')}\tapp$`, 'm'));
    const conf = '/proc/sys/net/ipv6/conf/eth0';
    assert.equal(await inPod('app', `cat ${conf}/accept_ra ${conf}/autoconf`), '0\n0\n');
    await serve('old', '--network', 'four');
    assert.equal(await inPod('old', `cat ${conf}/disable_ipv6; ip -6 address show eth0`), '1\n');
    assert.equal(await address6('old'), '');
    await remove('app', 'old');
  });

  it('pods reach each other by address and name, and what is outside', async () => {
    await serve('app', '--network', 'six', '--add-host', 'far:2001:db8:9::2');
    for (const to of ['fd00:81::77', 'web']) assert.equal(await ask('app', to), 'web\n', to);
    assert.match(await inPod('app', 'nslookup -type=aaaa web'), /fd00:81::77/);
    assert.match(await inPod('app', 'nslookup fd00:81::77'), /name = web/);
    for (const to of ['2001:db8:9::2', 'far']) assert.equal(await ask('app', to), outside6, to);
    await serve('stranger', '--network', 'four');
    for (const to of ['fd00:81::77', '2001:db8:9::2']) assert.equal(await ask('stranger', to), '', to);
    await remove('app', 'stranger');
  });

  it('a published port is one of both families', async () => {
    for (const address of [hostAddress, '203.0.113.1']) {
      for (const room of [here, internet]) assert.equal(await room.call('ask', address, 8080), 'web\n', address);
    }
    const wrong = ['--rm', '--network', 'four', '-p', '[::1]:8082:80', 'busybox', 'true'];
    await refused(125, /\[::1\]:8082\/tcp leads to a pod without an IPv6 address/, 'run', ...wrong);
    if (way.rootless) {
      assert.match(await run('ports', 'ls', 'web'), /^tcp +0\.0\.0\.0 +8080 +80$/m);
      assert.doesNotMatch(await run('ports', 'ls', 'web'), /::/);
      const why = /\[2001:db8:9::1\]:8081\/tcp cannot be had: .* on IPv4 addresses alone .*: leave out 2001:db8:9::1/;
      await refused(1, why, 'ports', 'add', 'web', '[2001:db8:9::1]:8081:80');
      return;
    }
    for (const address of ['::1', '127.0.0.1']) assert.equal(await here.call('ask', address, 8080), 'web\n', address);
    assert.match(await run('ports', 'ls', 'web'), /^tcp +0\.0\.0\.0 +8080 +80\ntcp +:: +8080 +80$/m);
    assert.equal(await run('ports', 'add', 'web', '[2001:db8:9::1]:8081:80'), '80/tcp -> [2001:db8:9::1]:8081\n');
    assert.equal(await internet.call('ask', '2001:db8:9::1', 8081), 'web\n');
    assert.equal(await here.call('ask', '::1', 8081), 'ECONNREFUSED');
    await run('ports', 'delete', 'web', '[2001:db8:9::1]:8081:80');
    assert.equal(await internet.call('ask', '2001:db8:9::1', 8081), 'ECONNREFUSED');
  });

  it('what a pod may reach is bounded for IPv6 too', async () => {
    await serve('free', '--network', 'six', '--egress', '[2001:db8:9::2]:80');
    await serve('bounded', '--network', 'six', '--egress', '0.0.0.0/0');
    assert.equal(await ask('free', '2001:db8:9::2'), outside6);
    assert.deepEqual([await ask('free', '203.0.113.2'), await ask('bounded', '2001:db8:9::2')], ['', '']);
    assert.equal(await ask('bounded', '203.0.113.2'), 'hello from outside');
    await remove('free', 'bounded');
  });

  it('is given and given back: what is asked for is had once, by whom it can be', async () => {
    const trial = (address: string, network = 'six') => [
      'run',
      '--rm',
      '--network',
      network,
      '--ip6',
      address,
      'busybox',
      'true',
    ];
    await refused(125, /the address fd00:81::77 is taken/, ...trial('fd00:81::77'));
    await refused(125, /cannot be given to a guest: the network has fd00:81::1 to/, ...trial('fd00:82::7'));
    await refused(125, /the network has no IPv6: make one with/, ...trial('fd00:81::7', 'four'));
    await refused(2, /--ip6 is '10\.81\.0\.9': give an IPv6 address/, ...trial('10.81.0.9'));
    for (let count = 0; count < 2; count += 1) {
      await serve('app', '--network', 'six', '--ip6', 'fd00:81::8');
      assert.equal(await ask('web', 'fd00:81::8'), 'app\n');
      await remove('app');
    }
  });

  it('outlives hyperd, and is the same at the next start', async () => {
    await hyperd.signal('SIGKILL');
    assert.equal(await internet.call('ask', hostAddress, 8080), 'web\n');
    await hyperd.start();
    assert.equal(await address6('web'), 'fd00:81::77');
    await refused(125, /is taken/, 'run', '--network', 'six', '--ip6', 'fd00:81::77', 'busybox');
    for (const room of [here, internet]) assert.equal(await room.call('ask', hostAddress, 8080), 'web\n');
    await run('kill', 'web');
    await run('wait', 'web');
    await run('start', 'web');
    await untilLogged(hyperd, 'web', 'ready', 2);
    assert.equal(await address6('web'), 'fd00:81::77');
    assert.equal(await internet.call('ask', hostAddress, 8080), 'web\n');
  });

  it('comes and goes with a network that a pod is put on while it runs, and its default route with it', async () => {
    await serve('app', '--network', 'four');
    await run('network', 'connect', '--ip6', 'fd00:81::9', 'six', 'app');
    assert.deepEqual([await ask('app', 'web'), await ask('web', 'fd00:81::9')], ['web\n', 'app\n']);
    assert.match(
      await inPod('app', 'ip route; ip -6 route'),
      /^default via 10\.82\.0\.1 dev eth0[^]*^default via fd00:81::1 dev eth1/m,
    );
    assert.equal(await ask('app', '2001:db8:9::2'), outside6);
    await run('network', 'create', '--subnet', 'fd00:85::/64', 'more');
    await run('network', 'connect', 'more', 'app');
    await run('network', 'disconnect', 'six', 'app');
    assert.match(
      await inPod('app', 'ip -6 route; cat /etc/hosts'),
      /^default via fd00:85::1 dev eth2[^]*^fd00:85::2\tapp$/m,
    );
    assert.equal(await ask('app', '2001:db8:9::2'), outside6);
    assert.equal(await ask('app', 'fd00:81::77'), '');
    await run('network', 'disconnect', 'more', 'app');
    assert.doesNotMatch(await inPod('app', 'ip -6 route; ip -6 address; cat /etc/hosts'), /fd00:/);
    await remove('app');
    await run('network', 'rm', 'more');
  });

  it('leads out by the first network that can, also where a pod is put on that later', async () => {
    await run('network', 'create', '--internal', '--subnet', 'fd00:86::/64', 'closed');
    await serve('app', '--network', 'closed');
    const ways = async () => (await inPod('app', 'ip -6 route')).match(/^default via \S+ dev \S+/gm);
    assert.deepEqual(await ways(), ['default via fd00:86::1 dev eth0']);
    assert.equal(await ask('app', '2001:db8:9::2'), '');
    await run('network', 'connect', 'six', 'app');
    assert.deepEqual(await ways(), ['default via fd00:81::1 dev eth1']);
    assert.equal(await ask('app', '2001:db8:9::2'), outside6);
    await run('network', 'disconnect', 'six', 'app');
    assert.deepEqual(await ways(), ['default via fd00:86::1 dev eth0']);
    await remove('app');
    await run('network', 'rm', 'closed');
  });

  it('is had by the default network where it is configured', async () => {
    await using own = await way.start({ subnet6: 'fd00:99::/64' });
    const script = 'ip -6 address show eth0; ip -6 route; nslookup -type=aaaa me';
    const { stdout, stderr } = await own.hyper(['run', '--rm', '--name', 'me', 'busybox', 'sh', '-c', script]);
    assert.match(stdout, /inet6 fd00:99::2\/64[^]*default via fd00:99::1 dev eth0[^]*Address: fd00:99::2/, stderr);
    const [network] = JSON.parse((await own.hyper(['network', 'inspect', 'default'])).stdout) as [{ ipv6: unknown }];
    assert.deepEqual(network.ipv6, { subnet: 'fd00:99::/64', gateway: 'fd00:99::1', range: null });
    await own.signal('SIGTERM');
    own.configure({ pool: { size: 0 }, templates: { maxMiB: 0 }, subnet6: '10.0.0.0/24' });
    await assert.rejects(own.start(), /10\.0\.0\.0\/24 is no IPv6 network/);
    own.configure({ pool: { size: 0 }, templates: { maxMiB: 0 } });
    await own.start();
    assert.equal((await own.client.networkInspect('default')).ipv6, null);
  });

  it('is had by a pod of the pool', async () => {
    hyperd.configure({ pool: { size: 1 }, templates: { maxMiB: 2048 } });
    await untilPoolHas(hyperd, 1);
    const script = 'ip -6 address show eth0; nc fd00:81::77 80 </dev/null; nc 2001:db8:9::2 80 </dev/null || :';
    const options = ['--rm', '--timing', '--network', 'six', '--ip6', 'fd00:81::10'];
    const { stdout, stderr } = await hyperd.hyper(['run', ...options, 'busybox', 'sh', '-c', script]);
    assert.match(stderr, /a VM of the pool/);
    assert.match(stdout, new RegExp(`inet6 fd00:81::10/64[^]*\\nweb\\n${outside6}$`));
  });
});
