import assert from 'node:assert/strict';
import { homedir } from 'node:os';
import { resolve } from 'node:path';
import { describe, it } from 'node:test';
import { UsageError } from '../usage-error.ts';
import { parseMount } from './mount-option.ts';
import { parseVolume } from './volume-option.ts';

describe('-v', () => {
  it('takes a path of this machine, which becomes absolute, where it looks like one', () => {
    for (const [source, path] of [
      ['/srv//data/', '/srv/data'],
      ['.', resolve('.')],
      ['./src', resolve('src')],
      ['../up', resolve('../up')],
      ['..', resolve('..')],
      ['~', homedir()],
      ['~/x', `${homedir()}/x`],
    ] as const) {
      const expected = { type: 'bind', source: path, target: '/t', readOnly: false, create: true };
      assert.deepEqual(parseVolume(`${source}:/t`), expected);
    }
  });

  it('takes the name of a volume, or none', () => {
    const volume = { type: 'volume', target: '/t', readOnly: false, noCopy: false };
    assert.deepEqual(parseVolume('data:/t'), { ...volume, source: 'data' });
    assert.deepEqual(parseVolume('.data:/t'), { ...volume, source: '.data' }, 'whose name hyperd refuses');
    assert.deepEqual(parseVolume('/t'), volume);
    assert.deepEqual(parseVolume('data:/t:nocopy,ro'), { ...volume, source: 'data', readOnly: true, noCopy: true });
  });

  it('takes docker’s options, and no others', () => {
    assert.equal(parseVolume('/a:/b:Z,ro,rprivate').readOnly, true);
    assert.equal(parseVolume('/a:/b:rw,z,cached').readOnly, false);
    for (const wrong of ['/a:/b:rx', '/a:/b:nocopy', 'a:b', 'a', '', ':/b', '/a:', '/a:/b:ro:x', '/a::ro']) {
      assert.throws(() => parseVolume(wrong), UsageError, wrong);
    }
  });
});

describe('--mount', () => {
  it('takes binds, volumes and file systems in memory', () => {
    assert.deepEqual(parseMount('type=bind,src=./a,dst=/b,ro,consistency=cached,bind-propagation=rslave'), {
      mount: { type: 'bind', source: resolve('a'), target: '/b', readOnly: true },
    });
    const volume = { type: 'volume', target: '/b', readOnly: false, noCopy: false, labels: {}, options: {} };
    assert.deepEqual(parseMount('target=/b'), { mount: volume });
    assert.deepEqual(
      parseMount(
        'source=v,destination=/b,volume-opt=type=disk,volume-opt=size=1g,volume-label=a,volume-nocopy,readonly=false',
      ),
      { mount: { ...volume, source: 'v', noCopy: true, labels: { a: '' }, options: { type: 'disk', size: '1g' } } },
    );
    assert.deepEqual(parseMount('type=tmpfs,dst=/b,tmpfs-size=64m,tmpfs-mode=1777,readonly'), {
      tmpfs: { path: '/b', options: 'ro,size=64m,mode=1777' },
    });
    assert.deepEqual(parseMount('type=tmpfs,dst=/b'), { tmpfs: { path: '/b', options: '' } });
    assert.deepEqual(parseMount('type=disk,src=./a.raw,dst=/b'), {
      mount: { type: 'disk', source: resolve('a.raw'), target: '/b', readOnly: false },
    });
    assert.deepEqual(parseMount('type=disk,source=/a,target=/b,format=qcow2,fstype=xfs,partition=2,ro'), {
      mount: {
        ...{ type: 'disk', source: '/a', target: '/b', readOnly: true },
        ...{ format: 'qcow2', fstype: 'xfs', partition: 2 },
      },
    });
    assert.deepEqual(parseMount('type=nfs,source=nas:/e,target=/b,o=soft,"o=timeo=50,nfsvers=4.1"'), {
      mount: { type: 'nfs', source: 'nas:/e', target: '/b', readOnly: false, options: 'soft,timeo=50,nfsvers=4.1' },
    });
  });

  it('is a line of CSV: commas and quotes stand in quotes', () => {
    assert.deepEqual(parseMount('type=bind,"source=/a,b ""c""",target=/t'), {
      mount: { type: 'bind', source: '/a,b "c"', target: '/t', readOnly: false },
    });
    for (const wrong of ['type=bind,"source=/a', 'type=bind,so"urce=/a,target=/t', '"type=bind"x,target=/t']) {
      assert.throws(() => parseMount(wrong), /a quote stands where none can/, wrong);
    }
  });

  it('says in docker’s words what is wrong', () => {
    for (const [fields, words] of [
      ['type=bind,target=/t', 'field Source must not be empty'],
      ['type=bind,source=/a', 'target is required'],
      ['type=bind,source=/a,target=t', 'mount path must be absolute'],
      ['type=npipe,target=/t', "invalid mount type 'npipe'"],
      ['type=disk,target=/t', 'field Source must not be empty'],
      ['type=nfs,target=/t', 'field Source must not be empty'],
      ['type=disk,source=/a,target=/t,format=vmdk', 'give raw or qcow2'],
      ['type=disk,source=/a,target=/t,partition=0', 'give its number, from 1'],
      ['type=disk,source=/a,target=/t,volume-nocopy', "cannot mix 'volume-nocopy' with mount type 'disk'"],
      ['type=bind,source=/a,target=/t,format=raw', "cannot mix 'format' with mount type 'bind'"],
      ['type=bind,source=/a,target=/t,volume-nocopy', "cannot mix 'volume-nocopy' with mount type 'bind'"],
      ['target=/t,size=1', "unexpected key 'size'"],
      ['target', "invalid field 'target' must be a key=value pair"],
      ['target=/t,readonly=maybe', 'invalid value for readonly: maybe'],
      ['type=tmpfs,target=/t,tmpfs-size=big', 'invalid value for tmpfs-size'],
      ['type=tmpfs,target=/t,tmpfs-mode=999', 'invalid value for tmpfs-mode'],
      ['target=/t,volume-driver=nfs', 'no volume driver but local'],
    ] as const) {
      assert.throws(
        () => parseMount(fields),
        (error) => error instanceof UsageError && error.message.includes(words),
        fields,
      );
    }
  });
});
