import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { parseService, parseServiceHost } from './services.ts';

describe('a service on the command line', () => {
  it('is an address and a port, of TCP unless it says otherwise', () => {
    assert.deepEqual(parseService('10.254.0.1:80'), { address: '10.254.0.1', port: 80, protocol: 'tcp' });
    assert.deepEqual(parseService('[fd00::1]:53/udp'), { address: 'fd00::1', port: 53, protocol: 'udp' });
    assert.deepEqual(parseServiceHost('10.0.0.2:8080'), { address: '10.0.0.2', port: 8080 });
  });

  it('is refused where it is anything else', () => {
    for (const text of [
      '',
      '80',
      '10.254.0.1',
      'name:80',
      '10.254.0.1:0',
      '10.254.0.1:65536',
      'fd00::1:80',
      '[10.0.0.1]:80',
    ]) {
      assert.throws(() => parseService(text), /give an IP address and a port/, text);
      assert.throws(() => parseServiceHost(text), /give an IP address and a port/, text);
    }
    assert.throws(() => parseService('10.254.0.1:80/sctp'), /must be tcp or udp/);
    assert.throws(() => parseServiceHost('10.0.0.2:80/udp'), /give an IP address and a port/);
  });
});
