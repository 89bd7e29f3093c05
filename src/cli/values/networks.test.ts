import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { parseNetworks } from './networks.ts';

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

  it('is refused where it is neither', () => {
    const wrong = ['host', 'name=host', 'container:x', 'ip=10.0.0.9', 'name=', 'name=a,b', 'name=a,ip=b', 'name=a,x=y'];
    for (const text of wrong) assert.throws(() => parseNetworks([text], {}), { name: 'UsageError' }, text);
    assert.throws(() => parseNetworks(['none', 'a'], {}), { name: 'UsageError' });
    assert.throws(() => parseNetworks(['none'], { ip: '10.0.0.9' }), { name: 'UsageError' });
  });
});
