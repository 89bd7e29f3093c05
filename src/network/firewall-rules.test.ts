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
  hostOutside: null,
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

  it('leads to a host outside what guests ask of its addresses and of the gateway, and to none where it is the host', () => {
    assert.doesNotMatch(firewallRules(options), /dnat to \d|saddr set/);
    const hostOutside = { device: 'outside0', addresses: ['203.0.113.1', '10.9.9.9'], loopback: '10.0.2.2' };
    const rules = firewallRules({ ...options, hostOutside });
    assert.match(rules, /^    ip daddr { 203\.0\.113\.1, 10\.9\.9\.9 } jump published$/m);
    assert.match(rules, /ip daddr 10\.1\.2\.1 meta l4proto { tcp, udp } dnat to 203\.0\.113\.1/);
    assert.match(rules, /ip daddr 203\.0\.113\.1 ip saddr @host_users ct status dnat accept\n.*forbidden4 drop/);
    assert.match(rules, /iifname "outside0" ip saddr 127\.0\.0\.0\/8 ip saddr set 10\.0\.2\.2/);
    const withoutAddresses = firewallRules({ ...options, hostOutside: { ...hostOutside, addresses: [] } });
    assert.doesNotMatch(withoutAddresses, /dnat to \d|daddr { *}/);
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
