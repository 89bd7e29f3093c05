import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { parseNetworks, parseSubnets } from './networks.ts';

describe('--network', () => {
  it('is a name or docker’s long form, and the first has what --ip, --mac and --network-alias say', () => {
    const long = 'name=back,ip=10.0.0.9,alias=a,alias=b,mac-address=02:42:00:00:00:09';
    assert.deepEqual(parseNetworks(['front', long], { ip: '10.1.0.9', aliases: ['c'] }), [
      { network: 'front', address: '10.1.0.9', aliases: ['c'] },
      { network: 'back', address: '10.0.0.9', aliases: ['a', 'b'], mac: '02:42:00:00:00:09' },
    ]);
    assert.deepEqual(parseNetworks(['name=back,alias=a'], { aliases: ['b'] }), [
      { network: 'back', aliases: ['a', 'b'] },
    ]);
  });

  it('is the default one where it is not given, or none', () => {
    assert.equal(parseNetworks([], {}), undefined);
    assert.deepEqual(parseNetworks([], { ip: '10.1.0.9' }), [{ network: 'default', address: '10.1.0.9' }]);
    assert.deepEqual(parseNetworks(['none'], {}), []);
  });

  it('says an IPv6 address too, on each', () => {
    assert.deepEqual(parseNetworks(['front', 'name=back,ip6=fd00::9'], { ip6: 'fd01::9' }), [
      { network: 'front', address6: 'fd01::9' },
      { network: 'back', address6: 'fd00::9' },
    ]);
    for (const wrong of ['10.0.0.9', 'x']) {
      assert.throws(() => parseNetworks(['a'], { ip6: wrong }), { name: 'UsageError', message: /--ip6/ });
      assert.throws(() => parseNetworks([`name=a,ip6=${wrong}`], {}), { name: 'UsageError', message: /ip6 is/ });
    }
  });

  it('is refused where it is neither', () => {
    const wrong = [
      'host',
      'name=host',
      'container:x',
      'ip=10.0.0.9',
      'name=',
      'name=a,b',
      'name=a,ip=b',
      'name=a,x=y',
      'name=a,alias=b c',
    ];
    for (const text of wrong) assert.throws(() => parseNetworks([text], {}), { name: 'UsageError' }, text);
    assert.throws(() => parseNetworks(['none', 'a'], {}), { name: 'UsageError' });
    const bad = (): unknown => parseNetworks([], { aliases: ['bad name'] });
    assert.throws(bad, { name: 'UsageError', message: /^--network-alias is 'bad name': it must be letters, digits/ });
    assert.throws(() => parseNetworks(['none'], { ip: '10.0.0.9' }), { name: 'UsageError' });
  });
});

describe('the subnets of a network', () => {
  const none = { subnet: undefined, gateway: undefined, range: undefined };

  it('are one of each family at most, told apart by how they are written', () => {
    assert.deepEqual(parseSubnets({}), none);
    assert.deepEqual(parseSubnets({ ipv6: true }), { ...none, ipv6: none });
    const flags = { subnet: ['fd00:1::/64', '10.88.0.0/24'], gateway: ['fd00:1::9'], ipRange: ['10.88.0.64/28'] };
    assert.deepEqual(parseSubnets(flags), {
      ...{ subnet: '10.88.0.0/24', gateway: undefined, range: '10.88.0.64/28' },
      ipv6: { subnet: 'fd00:1::/64', gateway: 'fd00:1::9', range: undefined },
    });
    assert.throws(() => parseSubnets({ subnet: ['10.1.0.0/24', '10.2.0.0/24'] }), {
      name: 'UsageError',
      message: /twice/,
    });
  });
});
