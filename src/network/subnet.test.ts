import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { linkLocalOf, macOf, tapName } from './link-names.ts';
import { conflictingRoute } from './subnet-conflict.ts';
import { canonicalAddress, formatAddress, formatSubnet, overlaps, parseAddress, parseSubnet } from './subnet.ts';

describe('subnets', () => {
  it('reads what it writes', () => {
    for (const [family, bits] of [
      [4, 32n],
      [6, 128n],
    ] as const) {
      const addresses = fc.bigInt(0n, (1n << bits) - 1n).map((value) => ({ family, value }));
      fc.assert(fc.property(addresses, (each) => assert.deepEqual(parseAddress(formatAddress(each)), each)));
    }
    assert.equal(formatSubnet(parseSubnet('FD00:0:0:1::/64')), 'fd00:0:0:1::/64');
    assert.equal(formatSubnet(parseSubnet('192.168.123.0/24')), '192.168.123.0/24');
  });

  it('writes each address in one way', () => {
    for (const [text, written] of [
      ['FD00:0:0:0::0:9', 'fd00::9'],
      ['0:0:0:0:0:0:0:0', '::'],
      ['2001:db8:0:1:0:0:0:1', '2001:db8:0:1::1'],
      ['::ffff:10.0.0.1', '::ffff:a00:1'],
      ['10.0.0.1', '10.0.0.1'],
    ] as const) {
      assert.equal(canonicalAddress(text), written);
    }
    for (const text of ['fe80::1%eth0', 'x', '', '[::1]', '1::2::3']) {
      assert.throws(() => canonicalAddress(text), { code: 'bad_request' }, text);
    }
  });

  it('refuses what is no network', () => {
    for (const text of [
      '',
      '10.0.0.0/33',
      '10.0.0/8',
      '10.0.0.0/8/8',
      '10.0.0.0/',
      'fd00::/129',
      'fd00::/64/1',
      '010.0.0.0/8',
    ]) {
      assert.throws(() => parseSubnet(text), { code: 'bad_request' }, text);
    }
    assert.throws(() => parseSubnet('10.1.2.3/8'), { message: /the network is 10\.0\.0\.0\/8/ });
    assert.throws(() => parseSubnet('fd00::1/64'), { message: /the network is fd00::\/64/ });
  });

  it('overlaps whichever is the larger', () => {
    const [wide, narrow, other] = ['10.0.0.0/8', '10.9.0.0/24', '11.0.0.0/8'].map(parseSubnet);
    assert.ok(wide && narrow && other);
    assert.ok(overlaps(wide, narrow) && overlaps(narrow, wide) && overlaps(wide, wide));
    assert.ok(!overlaps(wide, other) && !overlaps(other, narrow));
    // 10.0.0.0 as a number is ::a00:0.
    assert.ok(!overlaps(wide, parseSubnet('::a00:0/104')) && !overlaps(parseSubnet('::/0'), wide));
  });

  it('minds the routes of the host, but not default routes and its own', () => {
    const ours = parseSubnet('192.168.123.0/24');
    const none = [
      { dst: 'default', dev: 'eth0' },
      { dst: '128.0.0.0/1', dev: 'vpn' },
      { dst: '192.168.123.0/24', dev: 'hyper0' },
      { dst: '224.0.0.0/4', type: 'multicast' },
      { dst: 'fd00::/64', dev: 'eth0' },
    ];
    assert.equal(conflictingRoute(ours, 'hyper0', none), undefined);
    assert.ok(conflictingRoute(ours, 'hyper0', [{ dst: '192.168.0.0/16', dev: 'eth0' }]));
    assert.ok(conflictingRoute(ours, 'hyper0', [{ dst: '192.168.123.9', dev: 'lo', type: 'local' }]));
    const ipv6 = parseSubnet('fd00:1::/64');
    const others = ['default', '2000::/3', 'fe80::/64', 'ff00::/8', 'fd00:2::/64'].map((dst) => ({ dst, dev: 'eth0' }));
    assert.equal(conflictingRoute(ipv6, 'hyper0', [...none, ...others]), undefined);
    assert.ok(conflictingRoute(ipv6, 'hyper0', [{ dst: 'fd00::/8', dev: 'vpn' }]));
  });
});

describe('names of links', () => {
  it('makes a tap’s name of at most 15 characters from any id', () => {
    assert.equal(tapName('vm-EljQlbnRAP', 0), 'hyEljQlbnRAP-0');
    fc.assert(fc.property(fc.string(), fc.nat(99), (id, nic) => assert.match(tapName(id, nic), /^[\w-]{14,15}$/)));
  });

  it('makes a MAC from an address', () => {
    assert.equal(macOf('192.168.123.2'), '02:68:c0:a8:7b:02');
    assert.match(macOf('fd00::9'), /^02:69(:[0-9a-f]{2}){4}$/);
    assert.equal(macOf('fd00::9'), macOf('FD00:0::9'));
  });

  it('makes a link-local address from a MAC, as kernels do', () => {
    assert.equal(linkLocalOf('02:68:c0:a8:7b:02'), 'fe80::68:c0ff:fea8:7b02');
  });
});
