import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { nfsAddress, nfsOfVolume, parseNfs } from './nfs-source.ts';

const { signal } = new AbortController();

describe('a folder of an NFS server', () => {
  it('is named as on a command line of mount', () => {
    const plain = { host: '10.0.0.5', readOnly: false, options: '' };
    assert.deepEqual(parseNfs('10.0.0.5:/export', ''), { ...plain, source: '10.0.0.5:/export' });
    assert.deepEqual(parseNfs(':/export', 'addr=10.0.0.5'), { ...plain, source: '10.0.0.5:/export' });
    assert.deepEqual(parseNfs('nas.lan:/a:b', 'ro,soft,timeo=50'), {
      ...{ source: 'nas.lan:/a:b', host: 'nas.lan', readOnly: true },
      options: 'soft,timeo=50',
    });
    assert.deepEqual(parseNfs('[fd00::5]:/', 'rw'), { ...plain, host: 'fd00::5', source: '[fd00::5]:/' });
    assert.deepEqual(parseNfs(':/', 'addr=fd00::5'), { ...plain, host: 'fd00::5', source: '[fd00::5]:/' });
  });

  it('has a version, and none of the words that are for mount’s own program', () => {
    const options = (text: string): string => parseNfs('h:/', text).options;
    assert.equal(options('nfsvers=4'), '');
    assert.equal(options('vers=4.1'), 'vers=4.1');
    assert.equal(options('nfsvers=3,nolock,rsize=8192'), 'vers=3,nolock,rsize=8192');
    assert.equal(options('defaults,_netdev,bg,retry=2,lock,noatime,,'), 'noatime');
    assert.equal(options('sec=sys,proto=tcp'), 'sec=sys,proto=tcp');
    assert.equal(options('clientaddr=1.2.3.4'), '', 'the guest knows its own');
  });

  it('is a volume in docker’s words', () => {
    const options = { type: 'nfs', o: 'addr=10.0.0.5,rw,nfsvers=4,soft', device: ':/export' };
    assert.deepEqual(nfsOfVolume(options), parseNfs('10.0.0.5:/export', 'soft'));
    assert.throws(() => nfsOfVolume({ type: 'nfs', o: 'addr=x' }), /device=:\/path/);
    assert.throws(() => nfsOfVolume({ ...options, size: '1g' }), /no option size/);
  });

  it('is refused with what to do', () => {
    for (const [source, options, words] of [
      ['', '', /names no folder/],
      ['host', '', /names no folder/],
      ['host:export', '', /names no folder/],
      [':/export', 'rw', /addr=HOST/],
      ['h:/', 'vers=2', /no NFS version 2/],
      ['h:/', 'nfsvers=5', /no NFS version 5/],
      ['h:/', 'proto=udp', /over UDP/],
      ['h:/', 'udp', /over UDP/],
      ['h:/', 'sec=krb5p', /sec=krb5p needs keys/],
      ['h:/', 'soft;rm', /is no option/],
      ['h:/', 'timeo=', /is no option/],
      ['h:/', 'addr=a b', /is no option/],
    ] as const) {
      assert.throws(() => parseNfs(source, options), words, `${source} ${options}`);
    }
  });

  it('is at an address, which is not the pod’s own', async () => {
    assert.equal(await nfsAddress('192.0.2.7', signal), '192.0.2.7');
    assert.equal(await nfsAddress('fd00::5', signal), 'fd00::5');
    for (const own of ['127.0.0.1', '::1', 'localhost']) {
      await assert.rejects(nfsAddress(own, signal), /which is the pod itself/, own);
    }
    await assert.rejects(nfsAddress('no-such-host.invalid', signal), /no-such-host.invalid is not found/);
  });
});
