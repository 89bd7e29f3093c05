import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { promisify } from 'node:util';
import { busyboxTar, makeOciImage } from './images/index.ts';
import { file, folder, header, link, tar } from './images/tar-maker.ts';
import { TestHyperd } from './support/hyperd.ts';

const run = promisify(execFile);

describe('a container of an image', () => {
  let hyperd: TestHyperd;
  const lines = async (script: string): Promise<string[]> => {
    const { stdout, stderr } = await hyperd.hyper(['exec', 'shaped', 'sh', '-c', script]);
    assert.equal(stderr, '', script);
    return stdout.replace(/\n$/, '').split('\n');
  };
  const script =
    'echo "$0 $1"; id -u; id -g; id -G; echo $HOME; pwd; echo $FROM_IMAGE; trap "echo bye; exit 5" USR1; echo ready; while :; do sleep 1000 & wait; done';

  before(async () => {
    hyperd = await TestHyperd.start();
    const scraps = mkdtempSync(join(tmpdir(), 'hyper-guest-'));
    try {
      const layer = join(scraps, 'layer.tar');
      const owned = { uid: 1234, gid: 2345 };
      writeFileSync(
        layer,
        tar(
          folder('etc/'),
          file('etc/passwd', 'root:x:0:0::/root:/bin/sh\napp:x:1234:2345::/home/app:/bin/sh\n'),
          file('etc/group', 'root:x:0:\napp:x:2345:\nweb:x:3456:app\nother:x:4567:\n'),
          folder('data/', { ...owned, mode: 0o750 }),
          file('data/seed', 'from the image', { ...owned, mode: 0o640 }),
          folder('data/deep/', { ...owned, mode: 0o2770 }),
          file('data/deep/file', 'x', { mode: 0o4711 }),
          link('data/link', 'seed', '2'),
          header({ name: 'data/pipe', type: '6', mode: 0o622, ...owned }),
        ),
      );
      const layout = join(scraps, 'shaped');
      await makeOciImage(layout, {
        layers: [await busyboxTar(), layer],
        env: ['FROM_IMAGE=yes', 'PATH=/bin:/usr/bin'],
      });
      const settings = {
        user: 'app',
        workingdir: '/srv/made',
        volume: '/data',
        stopsignal: 'SIGUSR1',
        label: 'from=image',
      };
      const options = Object.entries(settings).map(([key, value]) => `--config.${key}=${value}`);
      for (const word of ['sh', '-c', script]) options.push(`--config.entrypoint=${word}`);
      for (const word of ['zero', 'one']) options.push(`--config.cmd=${word}`);
      await run('umoci', ['config', '--image', `${layout}:latest`, ...options]);
      const archive = join(scraps, 'shaped.tar');
      await run('skopeo', ['copy', '-q', `oci:${layout}:latest`, `docker-archive:${archive}:shaped:1`]);
      const loaded = await hyperd.hyper(['load', '-q', '-i', archive]);
      assert.equal(loaded.code, 0, loaded.stderr);
      const started = await hyperd.hyper(['run', '-d', '--name', 'shaped', 'shaped:1']);
      assert.equal(started.code, 0, started.stderr);
    } finally {
      rmSync(scraps, { recursive: true });
    }
  });

  after(async () => await hyperd[Symbol.asyncDispose]());

  it('runs its entrypoint and command as its user, in its folder, with its environment', async () => {
    let text = '';
    for await (const { data } of hyperd.client.podLogs('shaped', { follow: true })) {
      text += data.toString();
      if (text.endsWith('ready\n')) break;
    }
    const expected = ['zero one', '1234', '2345', '2345 3456', '/home/app', '/srv/made', 'yes', 'ready', ''];
    assert.deepEqual(text.split('\n'), expected);
    const { containers } = await hyperd.client.podInspect('shaped');
    assert.deepEqual([containers[0]?.user, containers[0]?.labels['from']], ['app', 'image']);
  });

  it('has its users, for execs too', async () => {
    const as = async (user: string): Promise<string> =>
      (await hyperd.hyper(['exec', '-u', user, 'shaped', 'sh', '-c', 'echo $(id -u) $(id -g) $(id -G)'])).stdout.trim();
    assert.equal(await as('app'), '1234 2345 2345 3456');
    assert.equal(await as('1234'), '1234 2345 2345 3456');
    assert.equal(await as('app:other'), '1234 4567 4567');
    assert.equal(await as('0'), '0 0 0');
    assert.deepEqual(await lines('id -u; pwd'), ['1234', '/srv/made']);
  });

  it('finds in its volume what the image has there, and may write', async () => {
    const seen = await lines('cd /data; stat -c "%n %A %u:%g" . seed deep deep/file link pipe; cat seed');
    assert.deepEqual(seen, [
      '. drwxr-x--- 1234:2345',
      'seed -rw-r----- 1234:2345',
      'deep drwxrws--- 1234:2345',
      'deep/file -rws--x--x 0:0',
      'link lrwxrwxrwx 0:0',
      'pipe prw--w--w- 1234:2345',
      'from the image',
    ]);
    const mounted = await lines('echo new >/data/new; cat /data/new; grep -c " /data " /proc/self/mountinfo');
    assert.deepEqual(mounted, ['new', '1']);
  });

  it('is stopped by its signal', async () => {
    const pod = await hyperd.hyper(['run', '-d', '--name', 'stopped', 'shaped:1']);
    assert.equal(pod.code, 0, pod.stderr);
    let text = '';
    for await (const { data } of hyperd.client.podLogs('stopped', { follow: true })) {
      text += data.toString();
      if (text.endsWith('ready\n')) assert.equal((await hyperd.hyper(['stop', 'stopped'])).code, 0);
    }
    assert.ok(text.endsWith('ready\nbye\n'), text);
    assert.equal((await hyperd.client.podInspect('stopped')).exitCode, 5);
  });
});
