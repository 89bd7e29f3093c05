import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { linkLocalOf } from '../src/network/link-names.ts';
import { addIpv6, type Namespace, skipUnlessRoot } from './network/namespaces.ts';
import type { Room } from './network/room.ts';
import { TestHyperd } from './support/hyperd.ts';
import { untilLogged } from './support/logs.ts';
import { hostAndInternet, podCommands } from './support/network-pods.ts';

/** As long as a packet that is dropped is waited for. */
const ask = (address: string, port: number): string => `nc -w 2 ${address} ${port} </dev/null || echo no`;

/** Prints what a server says, or `no`. */
const connect = `
import socket, sys
source, address, port = sys.argv[1:]
try: print(socket.create_connection((address, int(port)), 2, (source, 0)).makefile().read(), end='')
except OSError: print('no')`;

describe('white lists of a pod', { skip: skipUnlessRoot, timeout: 400_000 }, () => {
  let host: Namespace;
  let outside: Namespace;
  let hyperd: TestHyperd;
  let internet: Room;
  let here: Room;
  let guarded = '';
  let guarded6 = '';

  const { run, refused, serve, inPod } = podCommands(() => hyperd);
  /** From one of the addresses of the world outside. */
  const from = (source: string, address: string, port: number): Promise<string> =>
    outside.run('python3', '-c', connect, source, address, String(port));

  before(async () => {
    ({ host, outside, internet, here } = await hostAndInternet());
    await addIpv6({ host, outside });
    for (const more of ['203.0.113.3/24', '203.0.113.4/24', '2001:db8:9::3/64', '2001:db8:9::4/64']) {
      await outside.ip('address', 'add', more, 'dev', 'uplink', ...(more.includes(':') ? ['nodad'] : []));
    }
    hyperd = await TestHyperd.start({ subnet6: 'fd00:123::/64' }, process.env, { host });
    const file = join(hyperd.folder, 'guarded.json');
    const listens = [80, 81].map((port) => `nc -ll -p ${port} -e echo ${port} &`).join(' ');
    const spec = {
      id: 'guarded',
      portmappings: [{ containerPort: 80, hostPort: 8080 }],
      portmappingWhiteLists: {
        internalNetworks: ['192.168.123.40/32', '203.0.113.2/32', 'fd00:123::40/128', '2001:db8:9::2/128'],
        externalNetworks: ['192.168.123.41/32', '203.0.113.3/32', 'fd00:123::41/128', '2001:db8:9::3/128'],
      },
      containers: [
        {
          image: 'busybox',
          command: ['sh', '-c', `${listens} until nc 127.0.0.1 81 </dev/null; do :; done; echo ready; wait`],
        },
      ],
    };
    writeFileSync(file, JSON.stringify(spec));
    await run('run', '-p', file);
    await untilLogged(hyperd, 'guarded', 'ready');
    const pod = await hyperd.client.podInspect('guarded');
    [guarded, guarded6] = [pod.address ?? '', pod.address6 ?? ''];
    await serve('inner', '--ip', '192.168.123.40', '--ip6', 'fd00:123::40');
    await serve('outer', '--ip', '192.168.123.41', '--ip6', 'fd00:123::41');
    await serve('other', '--ip', '192.168.123.42', '--ip6', 'fd00:123::42');
    // The world outside knows the way to pods: what keeps it out are rules.
    await outside.ip('route', 'add', '192.168.123.0/24', 'via', '203.0.113.1');
  });
  after(async () => {
    for (const thing of [hyperd, here, internet, outside, host]) await thing[Symbol.asyncDispose]();
  });

  /** What each of the three says of the port 80, which is published, and of 81, which is not. */
  const seen = async (address: string): Promise<Record<string, string>> => {
    const pods = ['inner', 'outer', 'other'];
    const said = await Promise.all(pods.map((pod) => inPod(pod, `${ask(address, 80)}; ${ask(address, 81)}`)));
    return Object.fromEntries(pods.map((pod, at) => [pod, said[at] ?? '']));
  };
  const bounded = { inner: '80\n81\n', outer: '80\nno\n', other: 'no\nno\n' };

  it('let pods of the network reach all ports, those that are published, or none, by IPv4 and IPv6', async () => {
    assert.deepEqual(await seen(guarded), bounded);
    assert.deepEqual(await seen(guarded6), bounded);
    assert.equal(await inPod('other', `ping -c 1 -W 1 ${guarded} >/dev/null && echo yes || echo no`), 'no\n');
    assert.equal(await inPod('inner', `ping -c 1 -W 5 ${guarded} >/dev/null && echo yes || echo no`), 'yes\n');
  });

  it('are about the address that a client outside has, and the host is bound by them as well', async () => {
    for (const [ending, answer] of Object.entries({ 2: '80\n', 3: '80\n', 4: 'no\n' })) {
      assert.equal(await from(`203.0.113.${ending}`, '203.0.113.1', 8080), answer, ending);
      assert.equal(await from(`2001:db8:9::${ending}`, '2001:db8:9::1', 8080), answer, ending);
    }
    assert.equal(await from('203.0.113.2', guarded, 80), 'no\n'); // pods are reached by ports alone
    assert.equal(await inPod('outer', ask('203.0.113.1', 8080)), '80\n');
    assert.equal(await inPod('other', ask('203.0.113.1', 8080)), 'no\n'); // its own address, though by the host's
    assert.equal(await here.run('python3', '-c', connect, '0.0.0.0', guarded, '80'), 'no\n');
    for (const [pod, answer] of [
      ['guarded', 'no\n'],
      ['inner', 'inner\n'],
    ] as const) {
      const { mac } = await hyperd.client.podInspect(pod);
      const onLink = `${linkLocalOf(mac ?? '')}%hyper0`;
      assert.equal(await here.run('python3', '-c', connect, '::', onLink, '80'), answer, onLink);
    }
  });

  it('bound nothing that the pod begins itself: TCP, DNS, pings', async () => {
    assert.equal(await inPod('guarded', ask('192.168.123.42', 80)), 'other\n');
    assert.equal(await inPod('guarded', ask('fd00:123::42', 80)), 'other\n');
    assert.equal(await inPod('guarded', ask('203.0.113.2', 80)), 'hello from outside');
    assert.match(await inPod('guarded', 'nslookup -type=a other.'), /192\.168\.123\.42/);
    await inPod('guarded', 'ping -c 1 -W 10 192.168.123.42');
  });

  it('follow the ports that the pod publishes, and hold after hyperd was killed', async () => {
    await run('ports', 'add', 'guarded', '8081:81');
    assert.equal(await inPod('outer', ask(guarded, 81)), '81\n');
    await hyperd.signal('SIGKILL');
    await hyperd.start();
    assert.equal(await inPod('outer', ask(guarded, 81)), '81\n');
    await run('ports', 'delete', 'guarded', '8081:81');
    assert.deepEqual(await seen(guarded), bounded);
    assert.deepEqual((await hyperd.client.podInspect('guarded')).whiteLists?.external.length, 4);
  });

  it('leave no rule behind, and are refused where they name no network', async () => {
    await run('rm', '-f', 'guarded');
    assert.doesNotMatch(await host.run('nft', 'list', 'ruleset'), /guard_hy/);
    const probed = { image: 'busybox', probes: { liveness: { tcpSocket: { port: 80 } } } };
    const create = (whiteLists: { internal: string[]; external: string[] }): Promise<unknown> =>
      hyperd.client.podCreate({ whiteLists, containers: [probed] });
    const keptOut = create({ internal: ['10.0.0.0/8'], external: [] });
    await assert.rejects(keptOut, /keep out: add 192\.168\.123\.1 to a list, or give the probe an exec/);
    await assert.rejects(create({ internal: [], external: [] }), /name those that may reach the pod/);
    await assert.rejects(create({ internal: ['10.0.0.1/8'], external: [] }), /the network is 10\.0\.0\.0\/8/);
    await refused(1, /no such pod/i, 'inspect', 'guarded');
  });
});
