import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { addEgress, deleteEgress, egressTo, openName, rulesForName } from './egress.ts';

const guest = { tap: 'hyA-0', address: '10.1.2.3', ipv6: null };
const both = { ...guest, ipv6: { address: 'fd00::3', prefixLength: 64, gateway: 'fd00::1' } };
const rules = (to: string, more: object = {}): string => addEgress('t', guest, [{ to, ...more }], ['169.254.0.0/16']);

describe('egress rules', () => {
  it('name a network or a host, and nothing else', () => {
    assert.deepEqual(egressTo({ to: 'Example.COM' }), { name: 'example.com' });
    for (const bad of [
      '',
      '10.0.0.1/8',
      '10.0.0',
      'a b',
      'x;y',
      'example.com/8',
      '*',
      '*.',
      '-a',
      'fd00::1/64',
      'fe80::1%eth0',
    ]) {
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

  it('of a guest with IPv6 are in both families, each with what is its own', () => {
    const egress = [{ to: '10.0.0.0/8' }, { to: '2001:db8::/32' }, { to: 'example.com' }, { to: 'fd00:ec2::254' }];
    const text = addEgress('t', both, egress, ['169.254.0.0/16', 'fd00:ec2::254']);
    assert.match(text, /ip6 t egress_hyA-0 ip6 daddr 2001:db8::\/32 +ct mark/);
    assert.doesNotMatch(text, /ip t egress_hyA-0 .*2001|ip6 t egress_hyA-0 .*10\.0\.0\.0/);
    assert.match(text, /ip6 t egress_hyA-0_2 \{ type ipv6_addr; flags timeout; \}/);
    assert.match(text, /ip6 daddr fd00:ec2::254\/128 +meta mark set/);
    assert.match(
      text,
      /ip6 t egress_hyA-0 reject with icmpv6[^]*ip6 t egress_guests \{ fd00::3 : jump egress_hyA-0 \}/,
    );
    assert.match(
      deleteEgress('t', both, egress),
      /delete chain ip t egress_hyA-0\n[^]*delete chain ip6 t egress_hyA-0\n/,
    );
    assert.doesNotMatch(addEgress('t', guest, egress, []), /ip6/);
  });

  it('of a name open its addresses in the family of each', () => {
    const text = openName('t', 'hyA-0', [2], ['10.1.1.1', '2001:db8::7'], 600);
    assert.match(text, /^add element ip t egress_hyA-0_2 \{ 10\.1\.1\.1 timeout 600s \}$/m);
    assert.match(text, /^add element ip6 t egress_hyA-0_2 \{ 2001:db8::7 timeout 600s \}$/m);
  });

  it('of a name are for it alone, those with a star for all below it', () => {
    const egress = [{ to: 'example.com' }, { to: '*.example.com' }, { to: '1.1.1.1' }];
    assert.deepEqual(rulesForName(egress, 'example.com'), [0]);
    assert.deepEqual(rulesForName(egress, 'a.b.example.com'), [1]);
    assert.deepEqual(rulesForName(egress, 'notexample.com'), []);
  });
});
