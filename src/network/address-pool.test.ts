import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { AddressPool } from './address-pool.ts';
import { gatewayOf, parseSubnet } from './subnet.ts';

const poolOf = (text: string, range?: string): AddressPool => {
  const subnet = parseSubnet(text);
  return new AddressPool({
    ...{ subnet, gateway: gatewayOf(subnet) },
    ...(range === undefined ? {} : { range: parseSubnet(range) }),
  });
};

describe('AddressPool', () => {
  it('begins behind the gateway and takes an address again only after all others', () => {
    const pool = poolOf('10.1.2.0/29');
    assert.equal(pool.free, 5n);
    assert.deepEqual([pool.take(), pool.take()], ['10.1.2.2', '10.1.2.3']);
    assert.equal(pool.free, 3n);
    pool.release('10.1.2.2');
    assert.deepEqual([pool.take(), pool.take(), pool.take()], ['10.1.2.4', '10.1.2.5', '10.1.2.6']);
    assert.equal(pool.take(), '10.1.2.2');
    assert.throws(() => pool.take(), { code: 'unavailable', message: /all addresses of 10\.1\.2\.0\/29 are taken/ });
  });

  it('keeps what was reserved, and refuses what is taken or not a guest’s', () => {
    const pool = poolOf('10.1.2.0/29');
    pool.reserve('10.1.2.2');
    assert.equal(pool.take(), '10.1.2.3');
    assert.throws(() => pool.reserve('10.1.2.3'), { code: 'conflict' });
    for (const address of ['10.1.2.0', '10.1.2.1', '10.1.2.7', '10.1.3.2', 'x']) {
      assert.throws(() => pool.reserve(address), { code: 'bad_request' });
    }
  });

  it('hands out of its range alone, and gives any other address of the subnet to who asks for it', () => {
    const pool = poolOf('10.1.2.0/24', '10.1.2.0/30');
    pool.reserve('10.1.2.200');
    assert.equal(pool.free, 2n);
    assert.deepEqual([pool.take(), pool.take()], ['10.1.2.2', '10.1.2.3']);
    assert.equal(pool.free, 0n);
    assert.throws(() => pool.take(), { code: 'unavailable', message: /all addresses of 10\.1\.2\.0\/30 are taken/ });
    assert.throws(() => pool.reserve('10.1.2.200'), { code: 'conflict' });
  });

  it('has what a /64 of IPv6 has, which has no broadcast address', () => {
    const pool = poolOf('fd00:1::/64');
    assert.deepEqual([pool.take(), pool.take()], ['fd00:1::2', 'fd00:1::3']);
    assert.equal(pool.reserve('FD00:1:0:0::4'), 'fd00:1::4');
    assert.equal(pool.take(), 'fd00:1::5');
    pool.reserve('fd00:1::ffff:ffff:ffff:ffff');
    for (const address of ['fd00:1::', 'fd00:1::1', 'fd00:2::2', '10.1.2.3']) {
      assert.throws(() => pool.reserve(address), { code: 'bad_request' }, address);
    }
    const small = poolOf('fd00:1::/64', 'fd00:1::10/127');
    assert.deepEqual([small.take(), small.take()], ['fd00:1::10', 'fd00:1::11']);
    assert.throws(() => small.take(), { code: 'unavailable', message: /all addresses of fd00:1::10\/127 are taken/ });
  });

  it('never gives one address twice', () => {
    fc.assert(
      fc.property(fc.array(fc.option(fc.nat(20)), { maxLength: 200 }), (steps) => {
        const pool = poolOf('10.1.2.0/27');
        const held: string[] = [];
        for (const step of steps) {
          if (step === null && held.length < 29) {
            const address = pool.take();
            assert.ok(!held.includes(address));
            held.push(address);
          } else if (step !== null) {
            for (const address of held.splice(step, 1)) pool.release(address);
          }
        }
      }),
    );
  });
});
