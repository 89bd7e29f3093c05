import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { macOf, tapName } from './link-names.ts';
import { conflictingRoute } from './subnet-conflict.ts';
import { formatAddress, formatSubnet, overlaps, parseAddress, parseSubnet } from './subnet.ts';

describe('subnets', () => {
  it('reads what it writes', () => {
    fc.assert(fc.property(fc.nat(0xffffffff), (n) => assert.equal(parseAddress(formatAddress(n)), n)));
    assert.equal(formatSubnet(parseSubnet('192.168.123.0/24')), '192.168.123.0/24');
  });

  it('refuses what is no network', () => {
    for (const text of ['', '10.0.0.0/33', '10.0.0/8', '10.0.0.0/8/8', '10.0.0.0/', 'fd00::/64', '010.0.0.0/8']) {
      assert.throws(() => parseSubnet(text), { code: 'bad_request' }, text);
    }
    assert.throws(() => parseSubnet('10.1.2.3/8'), { message: /the network is 10\.0\.0\.0\/8/ });
  });

  it('overlaps whichever is the larger', () => {
    const [wide, narrow, other] = ['10.0.0.0/8', '10.9.0.0/24', '11.0.0.0/8'].map(parseSubnet);
    assert.ok(wide && narrow && other);
    assert.ok(overlaps(wide, narrow) && overlaps(narrow, wide) && overlaps(wide, wide));
    assert.ok(!overlaps(wide, other) && !overlaps(other, narrow));
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
  });
});

describe('names of links', () => {
  it('makes a tap’s name of at most 15 characters from any id', () => {
    assert.equal(tapName('vm-EljQlbnRAP', 0), 'hyEljQlbnRAP-0');
    fc.assert(fc.property(fc.string(), fc.nat(99), (id, nic) => assert.match(tapName(id, nic), /^[\w-]{14,15}$/)));
  });

  it('makes a MAC from an address', () => assert.equal(macOf('192.168.123.2'), '02:68:c0:a8:7b:02'));
});
