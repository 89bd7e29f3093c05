import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { addGuard, deleteGuard, planWhiteLists } from './white-lists.ts';

const guest = { tap: 'hyA-0', address: '10.1.2.3', mac: '02:00:00:00:00:02', ipv6: null, ports: [], whiteLists: null };
const port = {
  protocol: 'tcp' as const,
  hostIp: '*',
  hostPort: 80,
  guestPort: 80,
  arrivesAt: { ip: '0.0.0.0', port: 80 },
};
const lists = { internal: ['10.0.0.0/8'], external: ['192.0.2.0/24', '2001:db8::/32'] };

describe('white lists', () => {
  it('name networks, each once, and at least one', () => {
    const planned = planWhiteLists({ internal: ['10.1.0.1', '10.1.0.1/32'], external: ['2001:DB8:0::/32'] });
    assert.deepEqual(planned, { internal: ['10.1.0.1/32'], external: ['2001:db8::/32'] });
    for (const bad of ['10.0.0.1/8', 'example.com', '', '10.0.0.0/33']) {
      assert.throws(() => planWhiteLists({ internal: [bad], external: [] }), { code: 'bad_request' }, bad);
    }
    assert.throws(() => planWhiteLists({ internal: [], external: [] }), /name those that may reach the pod/);
  });

  it('let external networks reach what is published alone, and nobody else anything', () => {
    const rules = addGuard('t', { ...guest, whiteLists: lists, ports: [port, { ...port, hostPort: 81 }] });
    assert.match(
      rules,
      /ip t guard_hyA-0 ip saddr 10\.0\.0\.0\/8 return\n.*saddr 192\.0\.2\.0\/24 meta l4proto \. th dport \{ tcp \. 80 \} return\n.* drop\n/,
    );
    assert.doesNotMatch(rules, /2001:db8/); // the guest has no IPv6
    const without = addGuard('t', { ...guest, whiteLists: lists });
    assert.doesNotMatch(without, /192\.0\.2/); // nothing is published
  });

  it('of a guest without them are no rules', () => {
    assert.equal(addGuard('t', guest) + deleteGuard('t', guest), '');
  });
});
