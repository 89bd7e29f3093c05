import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { parseAllPublished, parsePublish, parseUnpublish } from './ports.ts';

const parse = (text: string): unknown => parsePublish(text, '--publish');

describe('--publish', () => {
  it('takes docker’s forms', () => {
    assert.deepEqual(parse('80'), [{ guestPort: 80, protocol: 'tcp' }]);
    assert.deepEqual(parse('8080:80'), [{ guestPort: 80, protocol: 'tcp', hostPort: 8080 }]);
    assert.deepEqual(parse('127.0.0.1::53/udp'), [{ guestPort: 53, protocol: 'udp', hostIp: '127.0.0.1' }]);
    assert.deepEqual(parse('0:80/TCP'), [{ guestPort: 80, protocol: 'tcp' }]);
    assert.deepEqual(parse('10.0.0.1:8000-8001:80-81/tcp'), [
      { guestPort: 80, protocol: 'tcp', hostIp: '10.0.0.1', hostPort: 8000 },
      { guestPort: 81, protocol: 'tcp', hostIp: '10.0.0.1', hostPort: 8001 },
    ]);
    assert.deepEqual(parse('9100-9102:80'), [{ guestPort: 80, protocol: 'tcp', hostPort: 9100, hostPortLast: 9102 }]);
  });

  it('takes the first Hyper’s, with the protocol in front', () => {
    assert.deepEqual(parse('tcp:8081:80'), [{ guestPort: 80, protocol: 'tcp', hostPort: 8081 }]);
    assert.deepEqual(parse('UDP:53:53'), [{ guestPort: 53, protocol: 'udp', hostPort: 53 }]);
  });

  it('takes a port of this host once, as docker does', () => {
    const all = (...texts: string[]): number => parseAllPublished(texts, '--publish').length;
    assert.equal(
      all('8080:80', '8080:80/udp', '127.0.0.1:8081:80', '127.0.0.2:8081:80', '80', '80', '8080-8082:80'),
      7,
    );
    for (const twice of [
      ['8080:80', '8080:80'],
      ['8080:80', '8080:81/tcp'],
      ['8080-8082:80-82', '8081:90'],
    ]) {
      assert.throws(() => all(...twice), /--publish: the port 808\d\/tcp of this host is given twice/);
    }
  });

  it('takes IPv6 addresses in brackets', () => {
    assert.deepEqual(parse('[::1]:8080:80'), [{ guestPort: 80, protocol: 'tcp', hostIp: '::1', hostPort: 8080 }]);
    assert.deepEqual(parse('[fd00::1]::53/udp'), [{ guestPort: 53, protocol: 'udp', hostIp: 'fd00::1' }]);
  });

  it('refuses what is none of them, and says why', () => {
    const wrong: readonly (readonly [string, RegExp])[] = [
      ['', /give \[IP:\]HOST:CONTAINER/],
      ['0', /give/],
      ['65536:80', /give/],
      ['80:', /give/],
      ['a:80', /give/],
      ['1:2:3:4', /give/],
      ['90-80', /give/],
      ['80/sctp', /tcp or udp/],
      ['tcp:80:80/udp', /protocol is given twice/],
      ['sctp:80:80', /sctp is no IP address/],
      ['80/tcp/udp', /tcp or udp/],
      ['host:80:80', /host is no IP address/],
      ['[host]:80:80', /host is no IPv6 address/],
      ['[10.0.0.1]:80:80', /no IPv6 address/],
      ['[::1]:10.0.0.1:80:80', /give/],
      ['[::1]', /no IP address/],
      ['::1:80:80', /give/],
      ['8000-8002:80-81', /3 and 2 ports/],
    ];
    for (const [text, why] of wrong) assert.throws(() => parse(text), { name: 'UsageError', message: why }, text);
  });

  it('a port that is to go is named as it was published', () => {
    assert.deepEqual(parseUnpublish('8080:80'), [{ guestPort: 80, protocol: 'tcp', hostPort: 8080 }]);
    assert.deepEqual(parseUnpublish('53/udp'), [{ guestPort: 53, protocol: 'udp' }]);
  });
});
