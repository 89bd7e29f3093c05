import assert from 'node:assert/strict';
import { connect } from 'node:net';
import { text } from 'node:stream/consumers';
import { after, before, it } from 'node:test';
import type { Namespace } from './network/namespaces.ts';
import type { Room } from './network/room.ts';
import type { TestHyperd } from './support/hyperd.ts';
import { keepersOf } from './support/keepers.ts';
import { untilLogged } from './support/logs.ts';
import { hostAndInternet, podCommands, sayingAtPort80 } from './support/network-pods.ts';
import { ofOrdinaryUser } from './support/ways.ts';

/** What test/networks.test.ts shows is shown there of both. */
ofOrdinaryUser('published ports', { timeout: 200_000 }, (way) => {
  let host: Namespace;
  let outside: Namespace;
  let internet: Room;
  let here: Room;
  let hyperd: TestHyperd;
  before(async () => {
    ({ host, outside, internet, here } = await hostAndInternet());
    hyperd = await way.start({}, { host });
  });
  after(async () => {
    for (const thing of [hyperd, here, internet, outside, host]) await thing[Symbol.asyncDispose]();
  });

  const { run, refused, serve, inPod, remove } = podCommands(() => hyperd);

  /** Has slirp4netns listen on a port of the host, past hyperd. */
  async function forward(port: number): Promise<void> {
    const socket = connect(keepersOf(hyperd.run)?.outside?.apiSocket ?? '');
    const args = { proto: 'tcp', host_addr: '0.0.0.0', host_port: port, guest_port: 9 };
    socket.end(JSON.stringify({ execute: 'add_hostfwd', arguments: args }));
    assert.match(await text(socket), /"return"/);
  }

  it('are there for the next hyperd, and those that nobody knows are given back', async () => {
    await serve('web', '-p', '8080:80');
    await forward(8099); // as a hyperd that is killed before it has made its record
    assert.notEqual(await here.call('ask', '127.0.0.1', 8099), 'ECONNREFUSED');
    await hyperd.signal('SIGKILL');
    await hyperd.start();
    assert.equal(await here.call('ask', '127.0.0.1', 8099), 'ECONNREFUSED');
    assert.equal(await here.call('ask', '127.0.0.1', 8080), 'web\n');
    await remove('web');
  });

  it('come back where the tool that has them was lost with its namespaces', async () => {
    await serve('web', '-p', '8080:80');
    await hyperd.signal('SIGTERM');
    await hyperd.endKeepers();
    assert.equal(await here.call('ask', '127.0.0.1', 8080), 'ECONNREFUSED');
    await hyperd.start();
    await run('start', 'web');
    await untilLogged(hyperd, 'web', 'ready', 2);
    assert.equal(await here.call('ask', '127.0.0.1', 8080), 'web\n');
    await remove('web');
  });

  it('are refused below 1024, which are root’s', async () => {
    const words = /the port 0\.0\.0\.0:80\/tcp cannot be had \(ports below 1024 are not for ordinary users\)/;
    await refused(125, words, 'run', '--rm', '-p', '80:80', 'busybox', 'true');
  });

  it('with white lists tell pods apart, and know who comes by a port by its own address, or the tool’s for the loopback', async () => {
    await serve('friend', '--ip', '192.168.123.50');
    await serve('stranger', '--ip', '192.168.123.51');
    await hyperd.client.podCreate({
      ...{ name: 'guarded', ports: [{ hostPort: 8090, guestPort: 80 }] },
      whiteLists: { internal: ['192.168.123.50'], external: ['10.0.2.2'] },
      containers: [{ image: 'busybox', command: sayingAtPort80('guarded') }],
    });
    await run('start', 'guarded');
    await untilLogged(hyperd, 'guarded', 'ready');
    assert.equal(await inPod('friend', 'nc guarded 80 </dev/null'), 'guarded\n');
    assert.equal(await inPod('stranger', 'nc -w 2 guarded 80 </dev/null || echo no'), 'no\n');
    assert.equal(await here.call('ask', '127.0.0.1', 8090), 'guarded\n');
    assert.notEqual(await internet.call('ask', '203.0.113.1', 8090).catch(() => ''), 'guarded\n');
    await hyperd.client.podCreate({
      ...{ name: 'outer', ports: [{ hostPort: 8091, guestPort: 80 }] },
      whiteLists: { internal: [], external: ['203.0.113.2'] },
      containers: [{ image: 'busybox', command: sayingAtPort80('outer') }],
    });
    await run('start', 'outer');
    await untilLogged(hyperd, 'outer', 'ready');
    assert.equal(await internet.call('ask', '203.0.113.1', 8091), 'outer\n');
    await remove('friend', 'stranger', 'guarded', 'outer');
  });

  it('are on no subnet that has an address of the host in it', async () => {
    const words = /the subnet 203\.0\.113\.0\/24 of .* has the host's own address 203\.0\.113\.1 in it/;
    await refused(1, words, 'network', 'create', '--subnet', '203.0.113.0/24', 'lan');
  });
});
