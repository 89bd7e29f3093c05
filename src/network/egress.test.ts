import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { addEgress, egressTo, rulesForName } from './egress.ts';

const guest = { tap: 'hyA-0', address: '10.1.2.3' };
const rules = (to: string, more: object = {}): string => addEgress('t', guest, [{ to, ...more }], ['169.254.0.0/16']);

describe('egress rules', () => {
  it('name a network or a host, and nothing else', () => {
    assert.deepEqual(egressTo({ to: 'Example.COM' }), { name: 'example.com' });
    for (const bad of ['', '10.0.0.1/8', '10.0.0', 'a b', 'x;y', 'example.com/8', '*', '*.', '-a']) {
      assert.throws(() => egressTo({ to: bad }), { code: 'bad_request' }, bad);
    }
  });

  it('end in a refusal, and let pass what they name', () => {
    assert.match(
      addEgress('t', guest, [], []),
      /egress_hyA-0 reject[^]*egress_guests \{ 10\.1\.2\.3 : jump egress_hyA-0 \}/,
    );
    assert.match(
      rules('10.0.0.0/8', { ports: { first: 80, last: 90 } }),
      /ip daddr 10\.0\.0\.0\/8 udp dport 80-90 ct mark set \d+ accept/,
    );
    assert.match(
      rules('1.1.1.1', { protocol: 'udp' }),
      /ip daddr 1\.1\.1\.1\/32 meta l4proto udp ct mark set \d+ accept/,
    );
  });

  it('open what is closed to all only where they name it', () => {
    assert.match(rules('169.254.169.254'), /meta mark set \d+ ct mark set \d+ accept/);
    assert.doesNotMatch(rules('0.0.0.0/0'), /meta mark/);
  });

  it('of a name are for it alone, those with a star for all below it', () => {
    const egress = [{ to: 'example.com' }, { to: '*.example.com' }, { to: '1.1.1.1' }];
    assert.deepEqual(rulesForName(egress, 'example.com'), [0]);
    assert.deepEqual(rulesForName(egress, 'a.b.example.com'), [1]);
    assert.deepEqual(rulesForName(egress, 'notexample.com'), []);
  });
});
