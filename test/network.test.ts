import assert from 'node:assert/strict';
import { mkdtemp, rm, symlink } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { setTimeout } from 'node:timers/promises';
import type { Endpoint, NetworkStatus } from '../src/network/index.ts';
import { findExecutable } from '../src/lib/find-executable.ts';
import { hostAndOutside, Namespace, skipUnlessRoot } from './network/namespaces.ts';
import { Room, startGuest } from './network/room.ts';
import { Site } from './network/site.ts';
import { inBothWays } from './support/ways.ts';

/** Whom QEMU would run as. */
const owner = 65_534;
const gateway = '192.168.123.1';

const connect = async (room: Room, vmId: string) => (await room.call('connect', vmId, owner)) as Endpoint;

inBothWays('a network', {}, (way) => {
  /** Of a host that others use too: a user's namespace is theirs alone. */
  const itOnHost = (what: string, test: () => Promise<void>): void => {
    if (!way.rootless) void it(what, test);
  };
  let host: Namespace;
  let site: Site;
  let here: Room;
  let outside: Namespace;
  let internet: Room;
  let room: Room;
  let endpoint: Endpoint;
  let guest: Room;

  before(async () => {
    ({ host, outside } = await hostAndOutside());
    internet = await Room.start({ by: outside.by });
    await internet.call('serve', '203.0.113.2', 80, 'hello from outside');
    await internet.call('serveDns', '203.0.113.2', { 'example.com': '198.51.100.7' });
    here = await Room.start({ by: host.by });
    site = await Site.on(host, way.user);
    room = await site.start();
    // What a host has: services for itself, for its neighbours, for all.
    await room.call('serve', '127.0.0.1', 8001, 'for the host alone');
    await room.call('serve', '0.0.0.0', 8002, 'for neighbours');
    await room.call('open', {
      upstreams: ['203.0.113.2'],
      forbiddenDestinations: ['203.0.113.66'],
    });
    endpoint = await connect(room, 'vm-EljQlbnRAP');
    await room.call('connect', 'vm-web', owner, { address: '192.168.123.77', names: ['web', 'www'] });
    guest = await startGuest(endpoint, owner, site.by);
  });

  after(async () => {
    for (const thing of [guest, room, site, here, internet, outside, host]) await thing[Symbol.asyncDispose]();
  });

  const dig = async (...args: string[]) => (await guest.run('dig', '+tries=1', '+time=3', ...args)).trim();

  it('gives a VM a tap, an address and a MAC that belong together', () => {
    assert.deepEqual(endpoint, {
      network: 'hyper0',
      tap: 'hyEljQlbnRAP-0',
      nic: 0,
      mac: '02:68:c0:a8:7b:02',
      address: '192.168.123.2',
      prefixLength: 24,
      gateway,
      ipv6: null,
      mtu: way.rootless ? 65_520 : 1500,
      internal: false,
      dns: [gateway],
      names: [],
      hostAccess: false,
      nameservers: [],
      egress: null,
      rate: {},
      whiteLists: null,
      ports: [],
    });
  });

  it('brings a guest to the outside, which knows no way back but to the host', async () => {
    assert.equal(await guest.call('ask', '203.0.113.2', 80), 'hello from outside');
  });

  it('resolves names upstream and of pods, both ways, over UDP and TCP', async () => {
    assert.equal(await dig('+short', `@${gateway}`, 'example.com'), '198.51.100.7');
    assert.equal(await dig('+short', '+tcp', `@${gateway}`, 'EXAMPLE.com'), '198.51.100.7');
    for (const name of ['web', 'WWW']) assert.equal(await dig('+short', `@${gateway}`, name), '192.168.123.77');
    assert.equal(await dig('+short', `@${gateway}`, '-x', '192.168.123.77'), 'web.');
    assert.match(await dig(`@${gateway}`, 'web', 'AAAA'), /status: NOERROR.*\n.*ANSWER: 0/);
    assert.match(await dig(`@${gateway}`, '-x', '192.168.123.78'), /status: NXDOMAIN/);
    assert.match(await dig(`@${gateway}`, 'nowhere.example'), /status: SERVFAIL/);
  });

  it('keeps a guest from every service of the host but DNS', async () => {
    assert.equal(await room.call('ask', '127.0.0.1', 8001), 'for the host alone');
    if (!way.rootless) assert.equal(await internet.call('ask', '203.0.113.1', 8002), 'for neighbours');
    assert.equal(await guest.call('ask', gateway, 8002), 'timeout');
    assert.equal(await guest.call('ask', '203.0.113.1', 8002), 'timeout');
    assert.equal(await guest.call('ask', gateway, 8001), 'timeout');
  });

  it("keeps a guest from the host's loopback, even when it puts it on the wire", async () => {
    await guest.run('ip', 'link', 'set', 'lo', 'down');
    await guest.run('ip', 'route', 'add', 'table', '10', '127.0.0.1', 'via', gateway, 'dev', 'eth0');
    await guest.run('ip', 'rule', 'add', 'pref', '0', 'to', '127.0.0.1', 'lookup', '10');
    await guest.run('ip', 'rule', 'delete', 'pref', '0', 'lookup', 'local');
    const said = await guest.call('ask', '127.0.0.1', 8001);
    await guest.run('ip', 'rule', 'add', 'pref', '0', 'lookup', 'local');
    await guest.run('ip', 'rule', 'delete', 'pref', '0', 'to', '127.0.0.1', 'lookup', '10');
    await guest.run('ip', 'link', 'set', 'lo', 'up');
    assert.notEqual(said, 'for the host alone');
  });

  it('keeps a guest from metadata services and forbidden destinations', async () => {
    for (const address of ['169.254.169.254', '203.0.113.66']) {
      await outside.ip('address', 'add', `${address}/32`, 'dev', 'lo');
      await internet.call('serve', address, 81, 'secret');
      await host.ip('route', 'add', address, 'via', '203.0.113.2');
      assert.equal(await room.call('ask', address, 81), 'secret');
      assert.equal(await guest.call('ask', address, 81), 'timeout');
    }
  });

  it('lets no neighbour of the host in to a guest or to its DNS', async () => {
    await guest.call('serve', '0.0.0.0', 9000, 'a guest');
    await outside.ip('route', 'add', '192.168.123.0/24', 'via', '203.0.113.1');
    assert.equal(await room.call('ask', endpoint.address, 9000), 'a guest');
    assert.equal(await internet.call('ask', endpoint.address, 9000), 'timeout');
    assert.equal(await internet.call('ask', gateway, 53), 'timeout');
  });

  it('lets guests speak with each other, but not in the name of another', async () => {
    const second = await connect(room, 'vm-second');
    {
      await using honest = await startGuest(second, owner, site.by);
      await guest.call('serve', '0.0.0.0', 9001, 'a neighbour');
      assert.equal(await honest.call('ask', endpoint.address, 9001), 'a neighbour');
    }
    {
      await using liar = await startGuest(second, owner, site.by, { address: '192.168.123.99' });
      assert.notEqual(await liar.call('ask', endpoint.address, 9001), 'a neighbour');
    }
    {
      await using liar = await startGuest(second, owner, site.by, { mac: '02:68:00:00:00:99' });
      assert.notEqual(await liar.call('ask', endpoint.address, 9001), 'a neighbour');
    }
    await room.call('disconnect', second);
  });

  it('leads a published port of the host to a guest, over UDP as over TCP, until it is taken back', async () => {
    await guest.call('serveDns', endpoint.address, { 'guest.example': '198.51.100.77' });
    const mapping = { protocol: 'udp', hostIp: '0.0.0.0', hostPort: 5300, guestPort: 53 } as const;
    const published = (await room.call('publish', endpoint, [mapping, { ...mapping, protocol: 'tcp' }])) as Endpoint;
    const ask = (from: Room, address: string, ...how: string[]) =>
      from.run('dig', '+short', '+tries=1', '+time=3', ...how, '-p', '5300', `@${address}`, 'guest.example');
    for (const how of ['+notcp', '+tcp']) {
      assert.equal(await ask(internet, '203.0.113.1', how), '198.51.100.77\n');
      for (const address of ['127.0.0.1', '203.0.113.1'])
        assert.equal(await ask(here, address, how), '198.51.100.77\n');
      assert.equal(await ask(guest, '203.0.113.1', how), '198.51.100.77\n');
    }
    await assert.rejects(room.call('publish', endpoint, [mapping]), {
      code: 'conflict',
      message: /5300\/udp (is taken|cannot be had)/,
    });
    await room.call('unpublish', published, [...published.ports]);
    await assert.rejects(ask(internet, '203.0.113.1', '+notcp'));
  });

  it('lets only the owner open a tap', async () => {
    const other = await connect(room, 'vm-other');
    await assert.rejects(startGuest(other, 12_345, site.by), /ended with 1/);
    await room.call('disconnect', other);
  });

  it('refuses a second NIC of the same name and leaves the first as it is', async () => {
    await assert.rejects(room.call('connect', 'vm-EljQlbnRAP', owner), { code: 'conflict' });
    assert.equal(await guest.call('ask', '203.0.113.2', 80), 'hello from outside');
  });

  it('survives a restart of hyperd: guests go on, left-overs are removed', async () => {
    const bounds = { egress: [{ to: '10.0.0.0/8' }, { to: 'example.com' }], rate: { out: 1e6 } };
    await room.call('connect', 'vm-leftover', owner, bounds);
    const gone: Endpoint = { ...endpoint, tap: 'hyGone-0', address: '192.168.123.9' };
    await room[Symbol.asyncDispose]();
    assert.equal(await guest.call('ask', '203.0.113.2', 80), 'hello from outside');

    room = await site.start();
    const status = await room.call('open', { upstreams: ['203.0.113.2'] });
    assert.deepEqual(status, { bridge: 'hyper0', subnet: '192.168.123.0/24', state: 'up', reason: '' });
    assert.deepEqual(await room.call('restore', [endpoint, gone]), { missing: [gone] });
    assert.deepEqual(await room.call('listTaps'), [endpoint.tap]);
    assert.doesNotMatch(await room.run('nft', 'list', 'ruleset'), /(?:chain|set) (?:egress|rate)_hy/);
    assert.equal(await guest.call('ask', '203.0.113.2', 80), 'hello from outside');
    assert.equal(await dig('+short', `@${gateway}`, 'example.com'), '198.51.100.7');
    const next = await connect(room, 'vm-next');
    assert.notEqual(next.address, endpoint.address);
    await room.call('disconnect', next);
  });

  itOnHost('keeps the addresses of running VMs while it is down, and their taps when it is up again', async () => {
    await room[Symbol.asyncDispose]();
    const place = await mkdtemp(join(tmpdir(), 'hyper-path-'));
    await symlink((await findExecutable('ip')) ?? '', join(place, 'ip'));
    room = await Room.start({ by: [...host.by, 'env', `PATH=${place}`] });
    assert.equal(((await room.call('open', { upstreams: ['203.0.113.2'] })) as NetworkStatus).state, 'unavailable');
    assert.deepEqual(await room.call('restore', [endpoint]), { missing: [] });
    await symlink((await findExecutable('nft')) ?? '', join(place, 'nft'));
    await setTimeout(2000); // it is tried again no more often
    for (let count = 0; count < 2; count += 1) {
      const next = await connect(room, `vm-after${count}`);
      assert.notEqual(next.address, endpoint.address);
      await room.call('disconnect', next);
    }
    await assert.rejects(connect(room, 'vm-EljQlbnRAP'), { code: 'conflict' });
    assert.deepEqual(await room.call('listTaps'), [endpoint.tap]);
    assert.doesNotMatch(await room.run('nft', 'list', 'ruleset'), /(?:chain|set) (?:egress|rate)_hy/);
    assert.equal(await guest.call('ask', '203.0.113.2', 80), 'hello from outside');
    await rm(place, { recursive: true });
  });

  itOnHost('lets go of an endpoint while it is down', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'hyper-path-'));
    await symlink((await findExecutable('ip')) ?? '', join(folder, 'ip'));
    await using closed = await Namespace.create();
    await using down = await Room.start({ by: [...closed.by, 'env', `PATH=${folder}`] });
    await down.call('open', {});
    await down.call('restore', [endpoint]);
    await down.call('disconnect', endpoint);
    await symlink((await findExecutable('nft')) ?? '', join(folder, 'nft'));
    await setTimeout(2000);
    assert.equal((await connect(down, 'vm-EljQlbnRAP')).address, endpoint.address);
    await rm(folder, { recursive: true });
  });

  it('goes on in another subnet beside VMs that have addresses of the one before', async () => {
    await using other = await Namespace.create();
    await using moved = await Site.on(other, way.user);
    const before = await moved.start();
    await before.call('open', {});
    const old = await connect(before, 'vm-old');
    await before[Symbol.asyncDispose]();
    await using later = await moved.start();
    await later.call('open', { subnet: '10.77.0.0/24' });
    assert.deepEqual(await later.call('restore', [old]), { missing: [] });
    assert.deepEqual(await later.call('listTaps'), [old.tap]);
    assert.equal((await connect(later, 'vm-new')).address, '10.77.0.2');
    await later.call('disconnect', old);
  });

  itOnHost("stands beside another hyperd's, and goes without touching it or the host's rules", async () => {
    await host.run('nft', 'add table inet mine; add chain inet mine c');
    await using other = await Room.start({ by: host.by });
    await other.call('open', { bridge: 'hyper1', subnet: '192.168.124.0/24', owner: '/other' });
    const before = await host.run('nft', 'list', 'table', 'inet', 'hyper_hyper0');
    const theirs = await connect(other, 'vm-theirs');
    {
      await using stranger = await startGuest(theirs, owner, host.by);
      assert.equal(await stranger.call('ask', '203.0.113.2', 80), 'hello from outside');
      assert.equal(await stranger.call('ask', endpoint.address, 9001), 'timeout');
    }
    await other.call('remove');
    assert.equal(await host.run('nft', 'list', 'table', 'inet', 'hyper_hyper0'), before);
    assert.doesNotMatch(await host.run('nft', 'list', 'tables'), /hyper_hyper1/);
    assert.match(await host.run('nft', 'list', 'tables'), /inet mine/);
    assert.doesNotMatch(await host.ip('link'), /hyper1/);
    assert.equal(await guest.call('ask', '203.0.113.2', 80), 'hello from outside');
  });

  itOnHost('refuses a bridge that belongs to another hyperd and leaves it as it is', async () => {
    await using other = await Room.start({ by: host.by });
    const status = (await other.call('open', { owner: '/other' })) as NetworkStatus;
    assert.equal(status.state, 'unavailable');
    assert.match(status.reason, /belongs to the hyperd of \/test: configure other bridge/);
    await other.call('remove');
    assert.equal(await guest.call('ask', '203.0.113.2', 80), 'hello from outside');
  });

  itOnHost('takes a DNS port of its own where something has port 53 of all addresses', async () => {
    await using crowded = await Namespace.create();
    await using busy = await Room.start({ by: crowded.by });
    await busy.call('serve', '0.0.0.0', 53, 'not DNS');
    await busy.call('open', {});
    await busy.call('connect', 'vm-web', owner, { address: '192.168.123.77', names: ['web'] });
    await using asker = await startGuest(await connect(busy, 'vm-asker'), owner, crowded.by);
    for (const how of ['+notcp', '+tcp']) {
      assert.equal((await asker.run('dig', '+time=2', '+short', how, `@${gateway}`, 'web')).trim(), '192.168.123.77');
    }
  });
});

describe('a network that this machine does not allow', { skip: skipUnlessRoot }, () => {
  let host: Namespace;
  before(async () => (host = await Namespace.create()));
  after(() => host[Symbol.asyncDispose]());

  it('says which subnet of the host is in the way and what to configure', async () => {
    await using room = await Room.start({ by: host.by });
    await host.ip('link', 'add', 'lan', 'type', 'bridge');
    await host.ip('address', 'add', '192.168.0.9/16', 'dev', 'lan');
    await host.ip('link', 'set', 'lan', 'up');
    const status = (await room.call('open', {})) as NetworkStatus;
    assert.match(status.reason, /overlaps 192\.168\.\S+ on lan of this host: configure another with subnet/);
    await assert.rejects(connect(room, 'vm-a'), { code: 'conflict', message: status.reason });
    assert.doesNotMatch(await host.ip('link'), /hyper0/);
    await host.ip('link', 'delete', 'lan');
  });

  it('finds a subnet that nothing here uses for a network that names none, and refuses one that something does', async () => {
    await using room = await Room.start({ by: host.by });
    await host.ip('link', 'add', 'lan', 'type', 'bridge');
    await host.ip('address', 'add', '192.168.124.9/23', 'dev', 'lan');
    await host.ip('link', 'set', 'lan', 'up');
    await room.call('open', {});
    const create = (name: string, more: object = {}) =>
      room.call('createNetwork', { name, bridge: `hy-${name}`, ...more });
    assert.equal(((await create('one')) as NetworkStatus).subnet, '192.168.126.0/24');
    assert.equal(((await create('two')) as NetworkStatus).subnet, '192.168.127.0/24');
    await assert.rejects(create('three', { subnet: '192.168.125.0/24' }), { code: 'conflict', message: /overlaps/ });
    await assert.rejects(create('lan', { bridge: 'lan' }), { code: 'conflict', message: /lan/ });
    await room.call('remove');
    await host.ip('link', 'delete', 'lan');
  });

  it('says which package is missing', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'hyper-path-'));
    await symlink((await findExecutable('ip')) ?? '', join(folder, 'ip'));
    await using room = await Room.start({ by: [...host.by, 'env', `PATH=${folder}`] });
    const status = (await room.call('open', {})) as NetworkStatus;
    assert.equal(status.state, 'unavailable');
    assert.match(status.reason, /nft is not installed: install the package 'nftables'/);
    await assert.rejects(connect(room, 'vm-a'), { code: 'unavailable' });
    await rm(folder, { recursive: true });
  });

  it('says that it has no right to', async () => {
    const by = [...host.by, 'setpriv', '--bounding-set=-net_admin', '--inh-caps=-net_admin'];
    await using room = await Room.start({ by });
    const status = (await room.call('open', {})) as NetworkStatus;
    assert.match(status.reason, /CAP_NET_ADMIN is missing/);
  });

  it("says what to do about a host's firewall that drops what is forwarded", async () => {
    await host.run(
      'nft',
      'add table ip filter; add chain ip filter FORWARD { type filter hook forward priority 0; policy drop; }',
    );
    await using room = await Room.start({ by: host.by });
    const status = (await room.call('open', {})) as NetworkStatus;
    assert.equal(status.state, 'up');
    assert.match(status.reason, /nft table ip filter, forward\): run 'iptables -I FORWARD -i hyper0 -j ACCEPT/);
  });
});
