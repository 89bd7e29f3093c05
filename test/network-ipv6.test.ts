import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { after, before, describe, it } from 'node:test';
import type { Endpoint, NetworkStatus } from '../src/network/index.ts';
import { addIpv6, hostAndOutside, Namespace, skipUnlessRoot } from './network/namespaces.ts';
import { Room, startGuest } from './network/room.ts';
import { Site } from './network/site.ts';
import { inBothWays } from './support/ways.ts';

/** Whom QEMU would run as. */
const owner = 65_534;
const subnet = 'fd00:1::/64';
const gateway = 'fd00:1::1';
const wire = new URL('network/ipv6-wire.py', import.meta.url).pathname;

const connect = async (room: Room, vmId: string, wish: object = {}) =>
  (await room.call('connect', vmId, owner, wish)) as Endpoint;
const addressOf = ({ ipv6 }: Endpoint): string => ipv6?.address ?? '';

inBothWays('a network with IPv6', {}, (way) => {
  /** Of the host's way outside and its ports: a user's pods have neither by IPv6. */
  const itOnHost = (what: string, test: () => Promise<void>): void => {
    if (!way.rootless) void it(what, test);
  };
  const assertReachesOutside = async (from: Room): Promise<void> => {
    const said = String(await from.call('ask', '2001:db8:9::2', 80));
    assert.match(said, way.rootless ? /^E(?:NET|HOST)UNREACH$/ : /^hello from outside$/);
  };
  let host: Namespace;
  let site: Site;
  let outside: Namespace;
  let internet: Room;
  let room: Room;
  let endpoint: Endpoint;
  let guest: Room;
  let web: Endpoint;
  let neighbour: Room;

  before(async () => {
    ({ host, outside } = await hostAndOutside());
    await addIpv6({ host, outside });
    internet = await Room.start({ by: outside.by });
    await internet.call('serve', '2001:db8:9::2', 80, 'hello from outside');
    await internet.call('serveDns', '203.0.113.2', { 'example.com': '2001:db8:9::2' });
    site = await Site.on(host, way.user);
    room = await site.start();
    await room.call('serve', '::1', 8001, 'for the host alone');
    await room.call('serve', '::', 8002, 'for neighbours');
    await room.call('open', {
      ipv6: { subnet },
      upstreams: ['203.0.113.2'],
      forbiddenDestinations: ['2001:db8:66::66'],
    });
    endpoint = await connect(room, 'vm-EljQlbnRAP');
    guest = await startGuest(endpoint, owner, site.by);
    web = await connect(room, 'vm-web', { address6: 'FD00:1::0:77', names: ['web'] });
    neighbour = await startGuest(web, owner, site.by);
  });

  after(async () => {
    for (const thing of [neighbour, guest, room, site, internet, outside, host]) await thing[Symbol.asyncDispose]();
  });

  it('gives a VM an address of each family', () => {
    assert.deepEqual(endpoint.ipv6, { address: 'fd00:1::2', prefixLength: 64, gateway });
    assert.equal(endpoint.address, '192.168.123.2');
    assert.equal(addressOf(web), 'fd00:1::77');
    assert.match(web.mac, /^02:69:/); // one that keeps its address keeps its MAC
  });

  it('brings guests to each other and to the outside, which knows no way back but to the host', async () => {
    await neighbour.call('serve', '::', 9001, 'a neighbour');
    assert.equal(await guest.call('ask', 'fd00:1::77', 9001), 'a neighbour');
    assert.equal(await room.call('ask', 'fd00:1::77', 9001), 'a neighbour');
    await assertReachesOutside(guest);
  });

  it('says names and addresses of guests in its DNS', async () => {
    const dig = async (...args: string[]) =>
      (await guest.run('dig', '+short', '+tries=1', '+time=3', '@192.168.123.1', ...args)).trim();
    assert.equal(await dig('web', 'AAAA'), 'fd00:1::77');
    assert.equal(await dig('web', 'A'), web.address);
    assert.equal(await dig('-x', 'fd00:1::77'), 'web.');
  });

  it('keeps a guest from every service of the host, its loopback, metadata services and forbidden destinations', async () => {
    for (const address of [gateway, 'fe80::1%eth0']) {
      assert.equal(await guest.call('ask', address, 8002), 'timeout', address);
    }
    assert.match(await guest.run('busybox', 'ping6', '-c', '1', gateway), /1 packets received/);
    if (way.rootless) return;
    assert.equal(await guest.call('ask', '2001:db8:9::1', 8002), 'timeout');
    for (const address of ['fd00:ec2::254', '2001:db8:66::66']) {
      await outside.ip('address', 'add', `${address}/128`, 'dev', 'lo', 'nodad');
      await internet.call('serve', address, 81, 'secret');
      await host.ip('route', 'add', address, 'via', '2001:db8:9::2');
      assert.equal(await room.call('ask', address, 81), 'secret');
      assert.equal(await guest.call('ask', address, 81), 'timeout', address);
    }
  });

  it('opens the host at its gateway to a guest that may reach it, and to no other', async () => {
    const friend = await connect(room, 'vm-friend', { hostAccess: true });
    {
      await using inside = await startGuest(friend, owner, site.by);
      assert.equal(await inside.call('ask', gateway, 8002), 'for neighbours');
      assert.notEqual(await inside.call('ask', '2001:db8:9::1', 8002), 'for neighbours');
    }
    assert.equal(await guest.call('ask', gateway, 8002), 'timeout');
    await room.call('disconnect', friend);
  });

  it('lets no neighbour of the host in to a guest', async () => {
    await outside.ip('route', 'add', subnet, 'via', '2001:db8:9::1');
    assert.equal(await internet.call('ask', 'fd00:1::77', 9001), 'timeout');
    assert.equal(await internet.call('ask', gateway, 8002), 'timeout');
  });

  it('lets a guest send as itself alone: no other’s address or MAC, no answer for others, no router, no DHCP', async () => {
    const [address, mac] = [addressOf(endpoint), endpoint.mac];
    const linkLocal = 'fe80::68:c0ff:fea8:7b02';
    const into = ['nsenter', `--net=/proc/${String(await guest.call('pid'))}/ns/net`, 'python3', wire];
    const [file = '', ...args]: readonly string[] = [
      ...site.network.by,
      ...into,
      'send',
      'eth0',
      mac,
      address,
      'fd00:1::77',
    ];
    const liar = spawn(file, args, { stdio: 'inherit' });
    try {
      assert.deepEqual((await neighbour.run('python3', wire, 'hear', 'eth0')).trim().split('\n'), [
        `advert ${address} of ${address} ${mac}`,
        `port 9 of ${address} ${mac}`,
        `port 9 of ${linkLocal} ${mac}`,
      ]);
    } finally {
      liar.kill('SIGKILL');
    }
  });

  it('drops what a guest sends from an address that it was not given', async () => {
    const second = await connect(room, 'vm-second');
    {
      await using honest = await startGuest(second, owner, site.by);
      assert.equal(await honest.call('ask', 'fd00:1::77', 9001), 'a neighbour');
    }
    {
      await using liar = await startGuest(second, owner, site.by, { address6: 'fd00:1::99' });
      assert.notEqual(await liar.call('ask', 'fd00:1::77', 9001), 'a neighbour');
    }
    await room.call('disconnect', second);
  });

  itOnHost(
    'leads published ports to a guest from outside, the host and its loopback, of one address or of all',
    async () => {
      const plain = { protocol: 'tcp', hostIp: '*', hostPort: 8080, guestPort: 9001 } as const;
      const loopback = { ...plain, hostIp: '::1', hostPort: 8081 };
      const published = (await room.call('publish', web, [plain, loopback])) as Endpoint;
      assert.deepEqual(
        published.ports.map(({ hostIp, hostPort }) => [hostIp, hostPort]),
        [
          ['0.0.0.0', 8080],
          ['::', 8080],
          ['::1', 8081],
        ],
      );
      for (const address of ['2001:db8:9::1', '::1', gateway, '127.0.0.1']) {
        assert.equal(await room.call('ask', address, 8080), 'a neighbour', address);
      }
      for (const address of ['2001:db8:9::1', '203.0.113.1']) {
        assert.equal(await internet.call('ask', address, 8080), 'a neighbour', address);
        for (const from of [guest, neighbour]) assert.equal(await from.call('ask', address, 8080), 'a neighbour');
      }
      assert.equal(await room.call('ask', '::1', 8081), 'a neighbour');
      assert.notEqual(await internet.call('ask', '2001:db8:9::1', 8081), 'a neighbour');
      await assert.rejects(room.call('publish', web, [{ ...plain, hostIp: '::' }]), {
        message: /\[::\]:8080\/tcp is taken/,
      });
      web = (await room.call('unpublish', published, [...published.ports])) as Endpoint;
      assert.equal(await room.call('ask', '2001:db8:9::1', 8080), 'ECONNREFUSED');
    },
  );

  itOnHost('leads published ports of UDP to a guest too', async () => {
    const mapping = { protocol: 'udp', hostIp: '*', hostPort: 5300, guestPort: 5353 } as const;
    const published = (await room.call('publish', web, [mapping])) as Endpoint;
    const socket = 'import socket; s = socket.socket(socket.AF_INET6, socket.SOCK_DGRAM); ';
    // Each client asks twice, from one port, and must be answered from the address that it asked.
    const serve = `${socket}s.bind(("::", 5353))
while True:
    m, a = s.recvfrom(9)
    s.sendto(b"a neighbour " + m, a)
    if m == b"end": break`;
    const ask = (address: string): string => `${socket}s.settimeout(0.2); s.connect(("${address}", 5300))
for word in ${address === '::1' ? '"one", "end"' : '"one", "two"'}:
    while True:
        try: s.send(word.encode()); print(s.recv(99).decode()); break
        except (TimeoutError, ConnectionError): pass`;
    const served = neighbour.run('python3', '-c', serve);
    assert.equal(await internet.run('python3', '-c', ask('2001:db8:9::1')), 'a neighbour one\na neighbour two\n');
    assert.equal(await room.run('python3', '-c', ask('::1')), 'a neighbour one\na neighbour end\n');
    await served;
    web = (await room.call('unpublish', published, [...published.ports])) as Endpoint;
  });

  itOnHost('bounds a guest to what its rules name, of IPv6 too', async () => {
    const bounds = { egress: [{ to: '2001:db8:1::/48' }, { to: 'example.com', ports: { first: 80, last: 80 } }] };
    const bounded = await connect(room, 'vm-bounded', bounds);
    await using prisoner = await startGuest(bounded, owner, host.by);
    assert.equal(await prisoner.call('ask', '2001:db8:9::2', 80), 'EACCES');
    assert.equal(await prisoner.call('ask', 'fd00:1::77', 9001), 'a neighbour');
    await prisoner.run('dig', '+short', '@192.168.123.1', 'example.com', 'AAAA');
    assert.equal(await prisoner.call('ask', '2001:db8:9::2', 80), 'hello from outside');
    await room.call('disconnect', bounded);
  });

  it('closes other networks to its guests, and is closed to those of networks without IPv6', async () => {
    await room.call('createNetwork', { name: 'six', bridge: 'hy-six', ipv6: {} });
    await room.call('createNetwork', { name: 'four', bridge: 'hy-four' });
    await using stranger = await startGuest(await connect(room, 'vm-six', { network: 'six' }), owner, site.by);
    assert.equal(await stranger.call('ask', 'fd00:1::77', 9001), 'timeout');
    await assertReachesOutside(stranger);
    const four = await connect(room, 'vm-four', { network: 'four' });
    assert.equal(four.ipv6, null);
    const claimed = { ...four, ipv6: { address: 'fd00:1::88', prefixLength: 64, gateway } };
    await using without = await startGuest(claimed, owner, site.by);
    for (const address of ['fd00:1::77', '2001:db8:9::2']) {
      assert.notEqual(await without.call('ask', address, 9001), 'a neighbour', address);
    }
    await assert.rejects(connect(room, 'vm-more', { network: 'four', address6: 'fd00:1::9' }), {
      code: 'bad_request',
      message: /the network has no IPv6/,
    });
  });

  it('refuses what cannot be, and says what can', async () => {
    const create = (subnet6: string, more: object = {}) =>
      room.call('createNetwork', { name: 'new', bridge: 'hy-new', ipv6: { subnet: subnet6 }, ...more });
    for (const [subnet6, why] of [
      ['fd00:1::/64', /is another network's/],
      ['fd00:1::/80', /overlaps fd00:1::\/64, which is another network's/],
      ['fd00:9::1/64', /is an address in a network: the network is fd00:9::\/64/],
      ...(way.rootless ? [] : ([['2001:db8:9::/48', /overlaps 2001:db8:9::\/64 on uplink of this host/]] as const)),
      ['fe80::/64', /is not for networks: use one of fd00::\/8/],
      ['fc00::/8', /use a \/32 to \/120/],
      ['10.0.0.0/24', /is no IPv6 network/],
    ] as const) {
      await assert.rejects(create(subnet6), { message: why }, subnet6);
    }
    await assert.rejects(create('fd00:2::/64', { mtu: 1000 }), { message: /too small for IPv6: give 1280/ });
    for (const [address6, why] of [
      ['fd00:1::77', /the address fd00:1::77 is taken/],
      ['fd00:2::1', /cannot be given to a guest: the network has fd00:1::1 to/],
      [gateway, /but for its gateway fd00:1::1/],
    ] as const) {
      await assert.rejects(connect(room, 'vm-wrong', { address6 }), { message: why }, address6);
    }
    const full = { subnet: 'fd00:3::/120', range: 'fd00:3::8/127' };
    await room.call('createNetwork', { name: 'full', bridge: 'hy-full', ipv6: full });
    for (const id of ['vm-a', 'vm-b']) await connect(room, id, { network: 'full' });
    await assert.rejects(connect(room, 'vm-c', { network: 'full' }), { message: /fd00:3::8\/127 are taken/ });
  });

  it('survives a restart of hyperd with what it gave', async () => {
    const bounds = { egress: [{ to: 'example.com' }] };
    const left = await connect(room, 'vm-left', bounds);
    await room[Symbol.asyncDispose]();
    await assertReachesOutside(guest);
    room = await site.start();
    await room.call('open', { ipv6: { subnet }, upstreams: ['203.0.113.2'] });
    assert.deepEqual(await room.call('restore', [endpoint, web]), { missing: [] });
    const ruleset = await room.run('nft', 'list', 'ruleset');
    assert.ok(ruleset.includes(`ipv6_${endpoint.tap}`) && !ruleset.includes(left.tap));
    assert.equal(await guest.call('ask', 'fd00:1::77', 9001), 'a neighbour');
    await assert.rejects(connect(room, 'vm-again', { address6: addressOf(endpoint) }), { message: /is taken/ });
  });

  it('goes on without IPv6 where it is configured no more, beside guests that have an address of it', async () => {
    await room[Symbol.asyncDispose]();
    room = await site.start();
    assert.equal(((await room.call('open', { upstreams: ['203.0.113.2'] })) as NetworkStatus).state, 'up');
    assert.deepEqual(await room.call('restore', [endpoint, web]), { missing: [] });
    assert.notEqual(await guest.call('ask', 'fd00:1::77', 9001), 'a neighbour');
    assert.doesNotMatch(await room.run('nft', 'list', 'tables'), /ip6 hyper_hyper0/);
    for (const each of [endpoint, web]) await room.call('disconnect', each);
    await room.call('remove');
    assert.doesNotMatch(await site.network.run('nft', 'list', 'tables'), /hyper_/);
  });
});

describe('a host that is to forward IPv6', { skip: skipUnlessRoot }, () => {
  it('hears the router advertisements that it heard before', async () => {
    await using host = await Namespace.create();
    await host.ip('link', 'add', 'lan', 'type', 'bridge');
    await host.ip('link', 'add', 'deaf', 'type', 'bridge');
    const conf = '/proc/sys/net/ipv6/conf';
    await host.run('sh', '-c', `echo 1 >${conf}/lan/accept_ra; echo 0 >${conf}/deaf/accept_ra`);
    await using room = await Room.start({ by: host.by });
    const settings = () => host.run('sh', '-c', `cd ${conf}; cat all/forwarding lan/accept_ra deaf/accept_ra`);
    await room.call('open', {});
    assert.equal(await settings(), '0\n1\n0\n', 'a network without IPv6 changes nothing');
    await room.call('createNetwork', { name: 'closed', bridge: 'hy-closed', ipv6: {}, internal: true });
    assert.equal(await settings(), '0\n1\n0\n', 'nor one without a way out');
    await room.call('createNetwork', { name: 'six', bridge: 'hy-six', ipv6: {} });
    assert.equal(await settings(), '1\n2\n0\n');
    assert.equal(await host.run('cat', `${conf}/hy-six/accept_ra`), '0\n');
    await room.call('remove');
  });

  it('is told where that is not ours to turn on', async () => {
    await using host = await Namespace.create();
    const readOnly = [
      'unshare',
      '--mount',
      'sh',
      '-c',
      'mount --bind /proc/sys/net/ipv6/conf/all /proc/sys/net/ipv6/conf/all && mount -o remount,ro,bind /proc/sys/net/ipv6/conf/all && exec "$@"',
      'sh',
    ];
    await using room = await Room.start({ by: [...host.by, ...readOnly] });
    await room.call('open', {});
    await assert.rejects(room.call('createNetwork', { name: 'six', bridge: 'hy-six', ipv6: {} }), {
      code: 'unavailable',
      message:
        /IPv6 forwarding is off and cannot be turned on .*run 'sysctl -w net\.ipv6\.conf\.all\.forwarding=1' as root/,
    });
    assert.doesNotMatch(await host.ip('link'), /hy-six/);
  });

  it('is told what of its own firewall drops IPv6', async () => {
    await using host = await Namespace.create();
    await host.run(
      'nft',
      'add table ip6 filter; add chain ip6 filter FORWARD { type filter hook forward priority 0; policy drop; }',
    );
    await using room = await Room.start({ by: host.by });
    assert.equal(((await room.call('open', {})) as NetworkStatus).reason, '');
    await using second = await Room.start({ by: host.by });
    await room.call('remove');
    const status = (await second.call('open', { ipv6: { subnet } })) as NetworkStatus;
    assert.match(status.reason, /nft table ip6 filter, forward\): run 'ip6tables -I FORWARD -i hyper0 -j ACCEPT/);
  });
});
