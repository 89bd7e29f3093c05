import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { isListedInsecure, isLoopback } from './insecure-hosts.ts';
import { proxyFor } from './proxy.ts';

const proxies = { HTTPS_PROXY: 'http://secure:1', http_proxy: 'plain:2' };
const through = (url: string, noProxy = '') => proxyFor(new URL(url), { ...proxies, NO_PROXY: noProxy })?.host;

describe('the proxy for an address', () => {
  it('is that of its scheme, in either case, with or without http://', () => {
    assert.equal(through('https://a.example/'), 'secure:1');
    assert.equal(through('http://a.example/'), 'plain:2');
    assert.equal(proxyFor(new URL('http://a.example/'), {}), undefined);
  });

  it('is never used for this machine', () => {
    for (const url of ['http://localhost:5000', 'https://127.0.0.5', 'http://[::1]:1'])
      assert.equal(through(url), undefined);
  });

  const excepted: readonly (readonly [string, string, boolean])[] = [
    ['https://a.example/', '*', true],
    ['https://a.example/', 'example', true],
    ['https://a.example/', 'b.example, a.example', true],
    ['https://aexample/', 'example', false],
    ['https://example/', '.example', false],
    ['https://a.example/', '.example', true],
    ['https://a.example/', 'a.example:443', true],
    ['https://a.example/', 'a.example:444', false],
    ['https://10.1.2.3/', '10.0.0.0/8', true],
    ['https://11.1.2.3/', '10.0.0.0/8', false],
    ['https://[fd00::1]/', 'fd00::/8', true],
    ['https://[fd00::1]/', 'fd00::1', true],
    ['https://a.example/', 'A.EXAMPLE', true],
  ];
  for (const [url, noProxy, direct] of excepted) {
    it(`is ${direct ? 'not ' : ''}used for ${url} with NO_PROXY=${noProxy}`, () => {
      assert.equal(through(url, noProxy), direct ? undefined : 'secure:1');
    });
  }

  it('that is no address is refused', () => {
    assert.throws(() => proxyFor(new URL('http://a/'), { HTTP_PROXY: 'http://' }), { code: 'bad_request' });
  });
});

describe('an insecure registry', () => {
  it('is any on this machine', () => {
    for (const host of ['localhost', 'localhost:5000', '127.1.2.3:1', '[::1]:5000']) assert.ok(isLoopback(host), host);
    for (const host of ['localhost.example', '128.0.0.1', 'a127.0.0.1.example']) assert.ok(!isLoopback(host), host);
  });

  it('is one that is listed by host, by host and port, or by network', () => {
    const listed = ['plain.example', 'other.example:5000', '10.0.0.0/8'];
    for (const host of ['plain.example:80', 'PLAIN.example', 'other.example:5000', '10.1.1.1:5000']) {
      assert.ok(isListedInsecure(host, listed), host);
    }
    for (const host of ['other.example', 'other.example:5001', '11.1.1.1', 'x.plain.example']) {
      assert.ok(!isListedInsecure(host, listed), host);
    }
  });
});
