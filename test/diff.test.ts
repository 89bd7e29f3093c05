import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { after, before, describe, it } from 'node:test';
import { outputOf, TestHyperd } from './support/hyperd.ts';

describe('hyper diff and export', () => {
  let hyperd: TestHyperd;
  const hyper = (...args: string[]): Promise<string> => outputOf(hyperd, args);
  const shell = (script: string): Promise<string> => hyper('exec', 'main', 'sh', '-ec', script);

  before(async () => {
    hyperd = await TestHyperd.start();
    await hyperd.client.podCreate({
      name: 'main',
      containers: [
        {
          ...{ image: 'busybox', command: ['sleep', '100000'], stopSignal: 'KILL' },
          mounts: [{ type: 'volume', target: '/srv/kept/deep' }],
          tmpfs: [{ path: '/memory', options: '' }],
          files: [{ path: '/etc/app/settings.conf', content: Buffer.from('x').toString('base64') }],
        },
      ],
    });
    await hyper('start', 'main');
  });
  after(async () => await hyperd[Symbol.asyncDispose]());

  it('says nothing of a fresh container, whatever is mounted in it', async () => {
    await shell('echo x >/srv/kept/deep/x; echo x >/memory/x; echo 127.0.0.1 me >>/etc/hosts');
    assert.equal(await hyper('diff', 'main'), '');
    assert.deepEqual(JSON.parse(await hyper('diff', '--format', 'json', 'main')), []);
  });

  it('lists what was added, changed and deleted, as docker diff', async () => {
    await shell(`
      mkdir -p /new/deep; echo x >/new/deep/file; ln -s file /new/link
      echo x >>/etc/passwd; chmod 700 /home; rm /bin/yes; rm -rf /var; mkdir /var; echo x >/var/own
      echo x >/gone; rm /gone; echo x >/srv/beside`);
    assert.deepEqual((await hyper('diff', 'main')).trim().split('\n'), [
      ...['C /bin', 'D /bin/yes', 'C /etc/passwd', 'C /home', 'A /new', 'A /new/deep', 'A /new/deep/file'],
      ...['A /new/link', 'A /srv', 'A /srv/beside', 'C /var', 'A /var/own', 'D /var/run', 'D /var/tmp'],
    ]);
    const changes: unknown = JSON.parse(await hyper('diff', '--format', 'json', 'main'));
    assert.ok(Array.isArray(changes));
    assert.deepEqual(changes[1], { kind: 'deleted', path: '/bin/yes' });
  });

  it('is the same of a pod that does not run', async () => {
    const running = await hyper('diff', 'main');
    await hyper('stop', 'main');
    assert.equal(await hyper('diff', 'main'), running);
    await hyper('start', 'main');
  });

  it('refuses what it does not know', async () => {
    const unknown = await hyperd.hyper(['diff', 'nobody']);
    assert.deepEqual([unknown.code, unknown.stdout], [1, '']);
    assert.match(unknown.stderr, /no such pod or container/);
    assert.equal((await hyperd.hyper(['diff', '--format', 'yaml', 'main'])).code, 2);
  });

  it('exports the root without what is mounted', async () => {
    const exported = Buffer.from(await hyper('export', 'main'), 'latin1');
    const names = execFileSync('tar', ['tv'], { input: exported, encoding: 'utf8' });
    assert.match(names, / \.\/bin\/busybox\n/);
    assert.match(names, / 0 .* \.\/etc\/hosts\n/);
    assert.match(names, / \.\/srv\/kept\/deep\/\n/);
    assert.doesNotMatch(names, /deep\/x|memory\/x|proc\/.|dev\/null/);
    assert.equal(execFileSync('tar', ['xO', './new/deep/file'], { input: exported, encoding: 'utf8' }), 'x\n');
  });
});
