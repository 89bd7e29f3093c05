import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { parseEgress, parseRate } from './egress.ts';

describe('--egress', () => {
  it('is nothing, or a list of networks and names with ports', () => {
    assert.deepEqual(parseEgress(['none']), []);
    assert.deepEqual(parseEgress(['10.0.0.0/8,example.com:443', '1.1.1.1:53/udp', '10.0.0.0/8:80-90']), [
      { to: '10.0.0.0/8' },
      { to: 'example.com', ports: { first: 443, last: 443 } },
      { to: '1.1.1.1', ports: { first: 53, last: 53 }, protocol: 'udp' },
      { to: '10.0.0.0/8', ports: { first: 80, last: 90 } },
    ]);
  });

  it('names IPv6 networks and addresses, in brackets where a port follows', () => {
    assert.deepEqual(parseEgress(['2001:db8::/32,fd00::1/udp', '[2001:db8::1]:443', '[fd00::/8]:80-90/tcp', '[::1]']), [
      { to: '2001:db8::/32' },
      { to: 'fd00::1', protocol: 'udp' },
      { to: '2001:db8::1', ports: { first: 443, last: 443 } },
      { to: 'fd00::/8', ports: { first: 80, last: 90 }, protocol: 'tcp' },
      { to: '::1' },
    ]);
  });

  it('is refused where it is neither', () => {
    for (const text of [
      '[10.0.0.1]:80',
      '[a]:80',
      '[::1]80',
      '',
      'none,a',
      'a:0',
      'a:70000',
      'a:9-8',
      'a:b',
      'a b',
      ':80',
    ]) {
      assert.throws(() => parseEgress([text]), { name: 'UsageError' }, text);
    }
  });
});

describe('--net-rate', () => {
  it('is for both ways, or for each', () => {
    assert.deepEqual(parseRate('10mbit'), { in: 1e7, out: 1e7 });
    assert.deepEqual(parseRate('1.5Mbit:512kbit'), { in: 1.5e6, out: 512e3 });
    assert.deepEqual(parseRate(':1gbit'), { out: 1e9 });
    assert.deepEqual(parseRate('8kbit:'), { in: 8000 });
    for (const text of ['', ':', '10', '10mb', '1kbit', 'a', '1mbit:1mbit:1mbit', '-1mbit']) {
      assert.throws(() => parseRate(text), { name: 'UsageError' }, text);
    }
  });
});
