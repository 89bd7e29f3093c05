import assert from 'node:assert/strict';
import { statSync } from 'node:fs';
import { after, before, it } from 'node:test';
import type { Namespace } from './network/namespaces.ts';
import { Room } from './network/room.ts';
import type { TestHyperd } from './support/hyperd.ts';
import { untilLogged } from './support/logs.ts';
import { hostAndInternet, podCommands } from './support/network-pods.ts';
import { until, untilTakenApart } from './support/refusal.ts';
import { inBothWays } from './support/ways.ts';

inBothWays('pods on networks', { timeout: 600_000 }, (way) => {
  let host: Namespace;
  let outside: Namespace;
  let hyperd: TestHyperd;
  let internet: Room;
  let here: Room;

  before(async () => {
    ({ host, outside, internet, here } = await hostAndInternet());
    hyperd = await way.start({}, { host });
  });
  after(async () => {
    for (const thing of [hyperd, here, internet, outside, host]) await thing[Symbol.asyncDispose]();
  });

  const { run, refused, serve, inPod, remove } = podCommands(() => hyperd);
  /** slirp4netns, which has the ports of a user's pods, does not say why it cannot have one. */
  const taken = (port: string): RegExp => {
    const why = way.rootless ? 'cannot be had \\(it is taken, or not of this host\\)' : 'is taken on this host';
    return new RegExp(`the port ${port.replaceAll('.', '\\.')} ${why}`);
  };

  it('a published port is reached from the host, its loopback and outside, and from pods by the host, itself too', async () => {
    await serve('web', '-p', '8080:80', '-p', '127.0.0.1:8081:80', '-p', '80');
    const { ports } = await hyperd.client.podInspect('web');
    const any = ports[2]?.hostPort ?? 0;
    assert.ok(any > 1023);
    // The gateway of a user's pods is in hyperd's own namespace.
    for (const address of ['127.0.0.1', '203.0.113.1', ...(way.rootless ? [] : ['192.168.123.1'])]) {
      for (const port of [8080, any]) assert.equal(await here.call('ask', address, port), 'web\n');
    }
    assert.equal(await here.call('ask', '127.0.0.1', 8081), 'web\n');
    assert.equal(await internet.call('ask', '203.0.113.1', 8080), 'web\n');
    assert.notEqual(await internet.call('ask', '203.0.113.1', 8081), 'web\n');
    await serve('other');
    for (const pod of ['other', 'web']) {
      for (const address of ['203.0.113.1', '192.168.123.1']) {
        assert.equal(await inPod(pod, `nc ${address} 8080 </dev/null`), 'web\n', `${pod}: ${address}`);
      }
    }
    assert.match(await run('ports', 'ls', 'web'), /^tcp +0\.0\.0\.0 +8080 +80$/m);
    await remove('web', 'other');
    assert.equal(await here.call('ask', '127.0.0.1', 8080), 'ECONNREFUSED');
  });

  it('curl has a page by a published port, is told of one that is not there, and uploads', async () => {
    const size = 3_000_000;
    const cgi = '#!/bin/sh\nprintf "Content-Type: text/plain\\r\\n\\r\\n"; head -c $CONTENT_LENGTH | wc -c';
    const script = [
      `mkdir -p /www/cgi-bin && printf '%s' '${cgi}' > /www/cgi-bin/count && chmod +x /www/cgi-bin/count`,
      `head -c ${size} /dev/zero > /www/page && exec httpd -f -p 80 -h /www`,
    ].join(' && ');
    await run('run', '-d', '--name', 'pages', '--stop-signal', 'KILL', '-p', '8082:80', 'busybox', 'sh', '-c', script);
    const curl = (...args: string[]): Promise<string> => outside.run('curl', '-sS', '--max-time', '20', ...args);
    const page = 'http://203.0.113.1:8082/page';
    const shown = ['-o', '/dev/null', '-w', '%{http_code} %{size_download}\n'];
    // Until the server listens.
    const got = await curl('--retry', '20', '--retry-all-errors', '--retry-delay', '1', ...shown, page);
    assert.equal(got, `200 ${size}\n`);
    assert.match(await curl(...shown, `${page}s`), /^404 \d+\n$/);
    const uploaded = await curl('--data-binary', '@/bin/sh', 'http://203.0.113.1:8082/cgi-bin/count');
    assert.equal(Number(uploaded), statSync('/bin/sh').size);
    await remove('pages');
  });

  it('ports are opened and closed while the pod runs, and hold over its next start', async () => {
    await serve('web');
    assert.equal(
      await run('ports', 'add', 'web', '8080:80', '5300:53/udp'),
      '80/tcp -> 0.0.0.0:8080\n53/udp -> 0.0.0.0:5300\n',
    );
    assert.equal(await here.call('ask', '127.0.0.1', 8080), 'web\n');
    await run('ports', 'delete', 'web', '53/udp');
    await run('kill', 'web');
    await run('wait', 'web');
    await run('start', 'web');
    await untilLogged(hyperd, 'web', 'ready', 2);
    assert.equal(await here.call('ask', '127.0.0.1', 8080), 'web\n');
    await run('ports', 'delete', 'web', '8080:80');
    assert.equal(await here.call('ask', '127.0.0.1', 8080), 'ECONNREFUSED');
    await refused(1, /does not publish 80\/tcp: see 'hyper ports ls web'/, 'ports', 'delete', 'web', '80');
    await remove('web');
  });

  it('a port that is taken is refused, by whom it may be, and leaves nothing', async () => {
    await here.call('serve', '127.0.0.1', 9090, 'not a pod');
    await refused(125, taken('0.0.0.0:9090/tcp'), 'run', '--rm', '-p', '9090:80', 'busybox', 'true');
    await serve('first', '-p', '8080-8081:80-81');
    await refused(125, taken('0.0.0.0:8081/tcp'), 'run', '--rm', '-p', '8081:80', 'busybox', 'true');
    await refused(
      125,
      way.rootless ? taken('9.9.9.9:8082/tcp') : /9\.9\.9\.9 is no address of this host/,
      'run',
      '--rm',
      '-p',
      '9.9.9.9:8082:80',
      'busybox',
      'true',
    );
    await refused(2, /3 and 2 ports/, 'run', '-p', '1-3:1-2', 'busybox');
    await remove('first');
    assert.equal(await here.call('ask', '127.0.0.1', 9090), 'not a pod');
  });

  it('are the first free one of a range', async () => {
    await serve('one', '-p', '9100:80');
    await serve('two', '-p', '9100-9102:80');
    assert.equal(await run('port', 'two'), '80/tcp -> 0.0.0.0:9101\n');
    assert.equal(await here.call('ask', '127.0.0.1', 9101), 'two\n');
    assert.equal(await run('ports', 'add', 'two', '9101-9102:81'), '81/tcp -> 0.0.0.0:9102\n');
    const none =
      /none of the ports 9100-9102\/tcp of this host is free: the port 0\.0\.0\.0:9102\/tcp (cannot be had|is taken)/;
    await refused(125, none, 'run', '--rm', '-p', '9100-9102:80', 'busybox', 'true');
    await refused(1, /does not publish 80\/tcp/, 'ports', 'delete', 'two', '9100:80');
    await run('ports', 'delete', 'two', '9100-9102:80');
    assert.equal(await run('port', 'two'), '81/tcp -> 0.0.0.0:9102\n');
    await run('stop', 'two');
    await untilTakenApart(hyperd);
    await until(async () => (await run('port', 'two')) === '81/tcp -> *:9101-9102\n'); // its NIC goes a moment after its VM
    await refused(1, /does not publish 81\/tcp/, 'ports', 'delete', 'two', '9101:81');
    // One that is asked for by its number is not taken by a range, which is gone when the one that it has is closed.
    await remove('one');
    await serve('both', '-p', '9100-9102:80', '-p', '9100:81');
    assert.equal(await run('port', 'both'), '81/tcp -> 0.0.0.0:9100\n80/tcp -> 0.0.0.0:9101\n');
    await run('ports', 'add', 'both', '9102:80');
    await run('ports', 'delete', 'both', '9101:80');
    assert.deepEqual(
      (await hyperd.client.podInspect('both')).ports.map(({ hostPort }) => hostPort),
      [9100, 9102],
    );
    await run('ports', 'add', 'both', '9101-9103:80');
    await run('ports', 'delete', 'both', '9101-9103:80');
    assert.equal(await run('port', 'both'), '81/tcp -> 0.0.0.0:9100\n80/tcp -> 0.0.0.0:9102\n');
    await remove('both', 'two');
  });

  it('published ports go on while hyperd is away and after it has come back', async () => {
    await serve('web', '-p', '8080:80');
    await hyperd.signal('SIGKILL');
    assert.equal(await here.call('ask', '127.0.0.1', 8080), 'web\n');
    await hyperd.start();
    for (const room of [here, internet]) assert.equal(await room.call('ask', '203.0.113.1', 8080), 'web\n');
    await refused(125, taken('0.0.0.0:8080/tcp'), 'run', '--rm', '-p', '8080:80', 'busybox', 'true');
    await remove('web');
    assert.equal(await here.call('ask', '127.0.0.1', 8080), 'ECONNREFUSED');
  });

  it('pods of a network find each other by name, alias and address, those of others neither', async () => {
    await run('network', 'create', 'backend');
    const options = ['--network-alias', 'database', '--hostname', 'store', '-p', '127.0.0.1:8080:80', '-p', '8081:80'];
    await serve('db', '--network', 'backend', ...options);
    await serve('app', '--network', 'backend');
    await serve('stranger');
    const { address } = await hyperd.client.podInspect('db');
    assert.match(address ?? '', /^192\.168\.124\.\d+$/);
    for (const name of ['db', 'database', 'store', 'DB', address]) {
      assert.equal(await inPod('app', `nc ${name} 80 </dev/null`), 'db\n', name ?? '');
    }
    assert.match(await inPod('app', `nslookup ${address}`), /name = db/);
    assert.match(await inPod('app', 'nc 203.0.113.2 80 </dev/null'), /hello from outside/);
    await refused(1, /bad address|timed out/, 'exec', 'stranger', 'nc', '-w', '2', 'db', '80');
    await refused(1, /./, 'exec', 'stranger', 'nc', '-w', '2', String(address), '80');
    assert.equal(await inPod('stranger', 'nc 203.0.113.1 8081 </dev/null'), 'db\n', 'but for a port of the host');
    await refused(1, /./, 'exec', 'stranger', 'nc', '-w', '2', '203.0.113.1', '8080');
    const [inspected] = JSON.parse(await run('network', 'inspect', 'backend')) as { guests: { pod: string }[] }[];
    assert.deepEqual(inspected?.guests.map(({ pod }) => pod).sort(), ['app', 'db']);
    await refused(1, /is the pod (db|app)'s: remove that first/, 'network', 'rm', 'backend');
    await remove('db', 'app', 'stranger');
    assert.equal(await run('network', 'rm', 'backend'), 'backend\n');
    assert.doesNotMatch(await hyperd.network.ip('link'), /hy-/);
  });

  it('a network is what it was asked to be, and is there again after a restart', async () => {
    const options = ['--subnet', '10.88.0.0/24', '--gateway', '10.88.0.254', '--ip-range', '10.88.0.64/30'];
    await run('network', 'create', ...options, '--mtu', '1400', '--internal', '--label', 'a=b', 'closed');
    await serve('one', '--network', 'closed', '--ip', '10.88.0.9', '--mac', '02:42:00:00:00:09');
    await serve('two', '--network', 'closed');
    const idOf = (network: string): Promise<string> => run('network', 'inspect', '-f', '{{.id}}', network);
    const standard = await idOf('default');
    assert.match(standard, /^[0-9a-f]{64}\n$/);
    assert.match(await inPod('one', 'ip address show eth0'), /mtu 1400[^]*02:42:00:00:00:09[^]*inet 10\.88\.0\.9\/24/);
    assert.match(
      await inPod('two', 'ip route; cat /etc/resolv.conf'),
      /via 10\.88\.0\.254[^]*nameserver 10\.88\.0\.254/,
    );
    await hyperd.signal('SIGKILL');
    await hyperd.start();
    assert.equal(await idOf(standard.slice(0, 12)), standard, 'the default network keeps its id');
    assert.equal(await run('network', 'ls', '-q', '-f', 'label=a=b', '--no-trunc'), await idOf('closed'));
    assert.equal(await inPod('two', 'nc one 80 </dev/null'), 'one\n');
    await refused(1, /./, 'exec', 'two', 'nc', '-w', '2', '203.0.113.2', '80');
    assert.match(await run('network', 'ls'), /closed +hy-[0-9a-f]{12} +10\.88\.0\.0\/24 +up, internal/);
    await refused(
      125,
      /the address 10\.88\.0\.9 is taken/,
      'run',
      '--network',
      'closed',
      '--ip',
      '10.88.0.9',
      'busybox',
    );
    await refused(125, /cannot be given to a guest/, 'run', '--network', 'closed', '--ip', '10.88.0.254', 'busybox');
    await refused(
      1,
      /the subnet 10\.88\.0\.0\/24 is another network's/,
      'network',
      'create',
      '--subnet',
      '10.88.0.0/24',
      'x',
    );
    const used = way.rootless ? '10.0.2.0/23' : '203.0.0.0/16';
    await refused(1, /overlaps/, 'network', 'create', '--subnet', used, 'x');
    await refused(1, /the name closed is taken/, 'network', 'create', 'closed');
    await refused(125, /no such network: nowhere/, 'run', '--network', 'nowhere', 'busybox');
    await run('rm', '-f', ...(await run('list', '-q')).trim().split('\n'));
    assert.equal(await run('network', 'prune', '-f'), 'Deleted Networks:\nclosed\n\n');
  });

  it('a pod may have no network, servers of its own for names, and hosts of its own', async () => {
    const none = await run('run', '--rm', '--network', 'none', 'busybox', 'ip', '-o', 'link');
    assert.doesNotMatch(none, /eth0/);
    await refused(2, /cannot share this host's network/, 'run', '--network', 'host', 'busybox');
    await refused(125, /publishes no ports/, 'run', '--network', 'none', '-p', '80', 'busybox');
    await internet.call('serveDns', '203.0.113.2', { 'of.example': '198.51.100.9' });
    await here.call('serve', '0.0.0.0', 9091, 'the host');
    const options = ['--dns', '203.0.113.2', '--dns-search', 'example', '--add-host', 'db:10.9.9.9'];
    const script = 'nslookup -type=a of | tail -n 2; ping -c 1 -W 1 db | head -n 1; nc -w 5 me 9091 </dev/null';
    const said = await run('run', '--rm', ...options, '--add-host', 'me:host-gateway', 'busybox', 'sh', '-c', script);
    assert.match(said, /198\.51\.100\.9[^]*\(10\.9\.9\.9\)[^]*the host/);
    await refused(1, /./, 'run', '--rm', '--add-host', 'me:192.168.123.1', 'busybox', 'nc', '-w', '2', 'me', '9091');
    const friend = ['run', '--rm', '--add-host', 'me:host-gateway', '--egress', 'none', 'busybox', 'nc', '-w', '2'];
    assert.equal(await run(...friend, 'me', '9091'), 'the host', 'whatever else is closed');
    await refused(1, /./, ...friend, '203.0.113.1', '9091');
    await run('network', 'create', '--internal', 'walled');
    const [, ...rest] = friend;
    assert.equal(await run('run', '--network', 'walled', ...rest, 'me', '9091'), 'the host');
    await untilTakenApart(hyperd);
    await run('network', 'rm', 'walled');
  });

  it('a pod reaches beyond its network what its egress names and nothing else', async () => {
    for (const address of ['203.0.113.7', '203.0.113.8', '169.254.169.254']) {
      await outside.ip('address', 'add', `${address}/32`, 'dev', 'lo');
      await internet.call('serve', address, 81, `from ${address}`);
      await host.ip('route', 'replace', address, 'via', '203.0.113.2');
    }
    await outside.ip('address', 'add', '203.0.113.53/32', 'dev', 'lo');
    await internet.call('serveDns', '203.0.113.53', { 'open.example': '203.0.113.8', 'other.example': '203.0.113.7' });
    await serve('neighbour');
    const ask = async (egress: string, to: string, port = 81): Promise<string> => {
      const options = ['--rm', '--dns', '203.0.113.53', '--egress', egress];
      const { stdout } = await hyperd.hyper(['run', ...options, 'busybox', 'nc', '-w', '3', to, String(port)]);
      return stdout;
    };
    assert.equal(await ask('203.0.113.7:81', '203.0.113.7'), 'from 203.0.113.7');
    assert.equal(await ask('203.0.113.7:80', '203.0.113.7'), '');
    assert.equal(await ask('203.0.113.7/32', '203.0.113.8'), '');
    assert.equal(await ask('none', '203.0.113.7'), '');
    assert.equal(await ask('none', 'neighbour', 80), 'neighbour\n');
    assert.equal(await ask('*.example:81', 'open.example'), 'from 203.0.113.8');
    assert.equal(await ask('open.example', 'other.example'), '');
    assert.equal(await ask('open.example', '203.0.113.8'), '', 'an address that no answer gave');
    assert.equal(await ask('0.0.0.0/0', '169.254.169.254'), '', 'what is closed to all must be named');
    assert.equal(await ask('169.254.169.254:81', '169.254.169.254'), 'from 169.254.169.254');
    await refused(2, /--egress is 'a:b'/, 'run', '--egress', 'a:b', 'busybox');
    await refused(125, /10\.0\.0\.1\/8 is an address in a network/, 'run', '--egress', '10.0.0.1/8', 'busybox');
    assert.doesNotMatch(await hyperd.network.run('nft', 'list', 'ruleset'), /egress_hy/);
    await remove('neighbour');
  });

  it('a network’s egress bounds all its pods, and what a pod’s own says more is still closed', async () => {
    await run('network', 'create', '--egress', '203.0.113.7,*.example:81,203.0.113.2:80', 'bounded');
    await run('network', 'create', '--egress', '0.0.0.0/0,169.254.169.254', 'wide');
    await serve('neighbour', '--network', 'bounded');
    const ask = async (network: string, own: readonly string[], to: string, port = 81): Promise<string> => {
      const options = ['--rm', '--network', network, '--dns', '203.0.113.53', ...own.map((each) => `--egress=${each}`)];
      const { stdout } = await hyperd.hyper(['run', ...options, 'busybox', 'nc', '-w', '3', to, String(port)]);
      return stdout;
    };
    assert.equal(await ask('bounded', [], '203.0.113.7'), 'from 203.0.113.7');
    assert.equal(await ask('bounded', [], '203.0.113.8'), '');
    assert.equal(await ask('bounded', [], 'open.example'), 'from 203.0.113.8');
    assert.equal(await ask('bounded', [], 'neighbour', 80), 'neighbour\n');
    assert.equal(await ask('bounded', ['203.0.113.7'], '203.0.113.7'), 'from 203.0.113.7');
    assert.equal(await ask('bounded', ['203.0.113.7'], '203.0.113.2', 80), '', 'the pod’s own is the narrower');
    assert.equal(await ask('bounded', ['203.0.113.53'], '203.0.113.53', 53), '', 'the network’s is the narrower');
    assert.equal(await ask('bounded', ['other.example'], 'open.example'), '');
    assert.equal(await ask('wide', [], '169.254.169.254'), 'from 169.254.169.254');
    assert.equal(await ask('wide', ['0.0.0.0/0'], '169.254.169.254'), '', 'both must name what is closed to all');
    assert.equal(await ask('bounded', ['169.254.169.254'], '169.254.169.254'), '');
    await hyperd.signal('SIGKILL');
    await hyperd.start();
    assert.equal(await ask('bounded', [], '203.0.113.7'), 'from 203.0.113.7');
    assert.equal(await ask('bounded', [], '203.0.113.2'), '');
    const inspected = await run('network', 'inspect', '-f', '{{json .egress}}', 'bounded');
    assert.match(inspected, /^\[\{"to":"203\.0\.113\.7"\}/);
    await refused(1, /10\.0\.0\.1\/8 is an address in a network/, 'network', 'create', '--egress', '10.0.0.1/8', 'x');
    await remove('neighbour');
    await run('network', 'rm', 'bounded', 'wide');
  });

  it('a restart of hyperd opens no way that egress has closed', async () => {
    const options = ['-d', '--name', 'bounded', '--egress', '203.0.113.2:80'];
    await run('run', ...options, 'busybox', 'sleep', '1000');
    for (const when of ['before', 'after']) {
      assert.equal(await inPod('bounded', 'nc 203.0.113.2 80 </dev/null'), 'hello from outside', when);
      await refused(1, /./, 'exec', 'bounded', 'nc', '-w', '2', '203.0.113.7', '81');
      if (when === 'after') continue;
      await hyperd.signal('SIGKILL');
      await hyperd.start();
    }
    await remove('bounded');
  });

  it('a bounded pod gets nothing of the flows of one that had its address before', async () => {
    const nc = 'nc -l -p 4000 >/dev/null & nc -p 5000 203.0.113.2 80 </dev/null';
    assert.equal(await run('run', '--rm', '--ip', '192.168.123.200', 'busybox', 'sh', '-c', nc), 'hello from outside');
    const bounded = ['--rm', '--ip', '192.168.123.200', '--egress', 'none', 'busybox'];
    const { code } = await hyperd.hyper(['run', ...bounded, 'nc', '-w', '3', '-p', '5000', '203.0.113.2', '80']);
    assert.notEqual(code, 0);
  });

  it('a network that a killed hyperd was making is removed, and one that cannot be is refused', async () => {
    await hyperd.network.ip('link', 'add', 'hy-000000000000', 'type', 'bridge');
    await hyperd.network.ip('link', 'set', 'hy-000000000000', 'alias', `hyper:${hyperd.root}`);
    await hyperd.signal('SIGKILL');
    await hyperd.start();
    assert.doesNotMatch(await hyperd.network.ip('link'), /hy-0000/);
    const wrong: readonly (readonly [RegExp, ...string[]])[] = [
      [/the name none is taken/, 'none'],
      [/10\.9\.0\.255 is no address for a gateway/, '--subnet', '10.9.0.0/24', '--gateway', '10.9.0.255', 'x'],
      [/all addresses of 10\.9\.0\.1\/32 are taken/, '--subnet', '10.9.0.0/24', '--ip-range', '10.9.0.1/32', 'x'],
    ];
    for (const [words, ...args] of wrong) await refused(1, words, 'network', 'create', ...args);
  });

  it('a pod’s traffic stays below its rate, both ways', async () => {
    const bytes = 600_000;
    await internet.call('serve', '203.0.113.2', 82, 'x'.repeat(bytes));
    await run('run', '-d', '--name', 'slow', '--net-rate', '1mbit:800kbit', 'busybox', 'sleep', '1000');
    const seconds = async (script: string): Promise<number> => {
      const began = performance.now();
      await inPod('slow', script);
      return (performance.now() - began) / 1000;
    };
    // What passes at once is taken off: 131 kB.
    const least = ((bytes - 150_000) * 8) / 1e6;
    const took = await seconds(`[ $(nc 203.0.113.2 82 </dev/null | wc -c) = ${bytes} ]`);
    assert.ok(took > least && took < 4 * least + 5, `${took} s for what takes ${least} s at least`);
    const { address } = await hyperd.client.podInspect('slow');
    await run('exec', '-d', 'slow', 'sh', '-c', `head -c ${bytes} /dev/zero | nc -l -p 9000`);
    const began = performance.now();
    await using inside = await Room.start({ by: hyperd.network.by });
    let got = '';
    while (got.length !== bytes) got = String(await inside.call('ask', String(address), 9000));
    const out = (performance.now() - began) / 1000;
    const leastOut = ((bytes - 150_000) * 8) / 8e5;
    assert.ok(out > leastOut, `${out} s for what takes ${leastOut} s at least`);
    await refused(2, /--net-rate is '10'/, 'run', '--net-rate', '10', 'busybox');
    await remove('slow');
  });
});
