import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { firewallRules } from './firewall-rules.ts';

const options = {
  bridge: 'hyper0',
  subnet: '10.1.2.0/24',
  gateway: '10.1.2.1',
  ipv6: null,
  dnsPort: 53,
  internal: false,
  egress: null,
  forbiddenDestinations: [],
};

describe('firewallRules', () => {
  it('always forbids metadata services', () => {
    assert.match(firewallRules(options), /forbidden4 .*169\.254\.0\.0\/16/);
    assert.match(firewallRules(options), /forbidden6 .*fd00:ec2::254/);
  });

  it('sorts forbidden destinations by family and refuses what is none', () => {
    const rules = firewallRules({ ...options, forbiddenDestinations: ['10.0.0.0/8', 'fe80::/10'] });
    assert.match(rules, /forbidden4 .*10\.0\.0\.0\/8/);
    assert.match(rules, /forbidden6 .*fe80::\/10/);
    for (const bad of ['', 'x', '10.0.0.0/8/8', '10.0.0.0/8 }; flush ruleset']) {
      assert.throws(() => firewallRules({ ...options, forbiddenDestinations: [bad] }), { code: 'bad_request' });
    }
  });

  it('lets IPv6 come nowhere on a network without it, and only from its own subnet on one that has it', () => {
    const without = firewallRules(options);
    assert.match(without, /meta nfproto ipv6 drop/);
    assert.doesNotMatch(without, /table ip6|ether type ip6/);
    const rules = firewallRules({ ...options, ipv6: { subnet: 'fd00:1::/64', gateway: 'fd00:1::1' } });
    assert.match(rules, /ether type ip6 jump ipv6/);
    assert.match(rules, /ip6 saddr != fd00:1::\/64 drop/);
    assert.match(rules, /ip6 saddr fd00:1::\/64 oifname != "hyper0" masquerade/);
    assert.doesNotMatch(rules, /nfproto ipv6 drop/);
  });
});
