import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { promisify } from 'node:util';
import { busyboxTar, makeOciImage } from './images/index.ts';
import { file, folder, link, pax, tar } from './images/tar-maker.ts';
import { outputOf, type TestHyperd } from './support/hyperd.ts';
import { assertRefused, until, untilTakenApart } from './support/refusal.ts';
import { buildPosixChecks, shareServers } from './support/shares.ts';
import { inBothWays } from './support/ways.ts';

const execute = promisify(execFile);

/** An image that has something at /data, and a VOLUME at /stock. */
async function loadStocked(hyperd: TestHyperd): Promise<void> {
  const scraps = hyperd.own(mkdtempSync(join(tmpdir(), 'hyper-volumes-')));
  try {
    const layer = join(scraps, 'layer.tar');
    const owned = { uid: 1234, gid: 2345 };
    writeFileSync(
      layer,
      tar(
        folder('data/', { ...owned, mode: 0o2750 }),
        pax([['SCHILY.xattr.user.colour', 'red']]),
        file('data/seed', 'from the image\n', { ...owned, mode: 0o640 }),
        folder('data/deep/'),
        file('data/deep/file', 'x', { mode: 0o4711 }),
        link('data/link', 'seed', '2'),
        folder('stock/'),
        file('stock/item', 'in stock\n'),
      ),
    );
    const layout = join(scraps, 'stocked');
    await makeOciImage(layout, { layers: [await busyboxTar(), layer], cmd: ['sh'] });
    await execute('umoci', ['config', '--image', `${layout}:latest`, '--config.volume=/stock']);
    const archive = join(scraps, 'stocked.tar');
    await execute('skopeo', ['copy', '-q', `oci:${layout}:latest`, `docker-archive:${archive}:stocked:1`]);
    const loaded = await hyperd.hyper(['load', '-q', '-i', archive]);
    assert.equal(loaded.code, 0, loaded.stderr);
  } finally {
    rmSync(scraps, { recursive: true });
  }
}

inBothWays('a volume', {}, (way) => {
  let hyperd: TestHyperd;
  before(async () => {
    hyperd = await way.start();
    await loadStocked(hyperd);
  });
  after(async () => await hyperd[Symbol.asyncDispose]());

  const run = (...args: string[]): Promise<string> => outputOf(hyperd, args);
  const inPod = async (mounts: readonly string[], script: string): Promise<string> =>
    await run('run', '--rm', ...mounts, 'stocked:1', 'sh', '-ec', script);
  const refused = async (args: readonly string[], line: RegExp, code = 1): Promise<void> => {
    await untilTakenApart(hyperd);
    await assertRefused(hyperd, args, code, line);
  };
  const folders = (): string[] => readdirSync(join(hyperd.root, 'volumes')).sort();
  const mountpoint = async (name: string): Promise<string> => (await hyperd.client.volumeInspect(name)).mountpoint;

  it('that is fresh may be mounted twice in one pod, and is filled once', async () => {
    const twice = ['-v', 'twice:/data', '-v', 'twice:/other'];
    assert.equal(await inPod(twice, 'cat /data/seed /other/seed'), 'from the image\nfrom the image\n');
    await run('volume', 'rm', 'twice');
  });

  it('that a pod has had is never emptied, though another’s start fails and it was empty when that began', async () => {
    await run('run', '-d', '--name', 'keeper', '-v', 'kept:/kept', 'busybox', 'sleep', '1000');
    const failing = hyperd.hyper(['run', '--rm', '-v', 'kept:/kept', 'busybox', 'no-such-program']);
    await run('exec', 'keeper', 'sh', '-c', 'echo mine >/kept/file');
    assert.equal((await failing).code, 127);
    assert.equal(await run('exec', 'keeper', 'cat', '/kept/file'), 'mine\n');
    await run('rm', '-f', 'keeper');
    await run('volume', 'rm', 'kept');
  });

  it('is not made for a pod that cannot be', async () => {
    const before = folders();
    const ran = await hyperd.hyper(['run', '--network', 'nowhere', '-v', '/cache', 'busybox', 'true']);
    assert.equal(ran.code, 125);
    assert.deepEqual(folders(), before);
  });

  it('is made, listed, inspected and removed in docker’s words', async () => {
    assert.equal(await run('volume', 'create', '--label', 'of=test', '--label', 'plain', 'made'), 'made\n');
    assert.equal(await run('volume', 'create', 'made'), 'made\n', 'again');
    const unnamed = (await run('volume', 'create')).trim();
    assert.match(unnamed, /^[0-9a-f]{64}$/);
    assert.match(await run('volume', 'ls'), /^DRIVER +VOLUME NAME\n(?:local +[0-9a-f]{64}\n)?local +made\n/);
    assert.equal(await run('volume', 'ls', '-q', '--filter', 'name=mad'), 'made\n');
    assert.equal(await run('volume', 'ls', '-q', '--filter', 'label=of=test'), 'made\n');
    assert.equal(await run('volume', 'ls', '-q', '-f', 'label=of=other'), '');
    assert.equal(
      await run('volume', 'ls', '--format', '{{.Name}} {{.Driver}} {{.Scope}}', '-f', 'label=plain'),
      'made local local\n',
    );
    const inspected: unknown = JSON.parse(await run('volume', 'inspect', 'made'));
    assert.ok(Array.isArray(inspected));
    const { CreatedAt, ...rest } = inspected[0] as Record<string, unknown>;
    assert.ok(Math.abs(Date.parse(String(CreatedAt)) - Date.now()) < 60_000);
    assert.deepEqual(rest, {
      ...{ Driver: 'local', Name: 'made', Scope: 'local', Kind: 'folder', SizeBytes: null, Anonymous: false, Pods: [] },
      ...{ Labels: { of: 'test', plain: '' }, Options: {}, Mountpoint: join(hyperd.root, 'volumes/made/_data') },
    });
    assert.equal(await run('volume', 'inspect', '-f', '{{.Mountpoint}}', 'made'), `${await mountpoint('made')}\n`);
    assert.equal(await run('volume', 'rm', 'made', unnamed), `made\n${unnamed}\n`);
    assert.deepEqual(folders(), []);
    assert.equal(await run('volume', 'rm', '-f', 'made'), 'made\n');
    await refused(['volume', 'rm', 'made'], /no such volume: made/);
    await refused(['volume', 'create', '-d', 'nfs', 'far'], /no volume driver 'nfs'/);
    await refused(['volume', 'create', '--opt', 'device=/dev/sda', 'disk'], /no option device/);
    await refused(['volume', 'create', '--opt', 'size=1g', 'disk'], /type=disk too/);
    await refused(['volume', 'create', 'a/b'], /includes invalid characters for a local volume name/);
  });

  it('keeps what is written, is made where it is missing, and is shared by pods that run', async () => {
    await run(
      'run',
      '-d',
      '--name',
      'writer',
      '-v',
      'shared:/srv',
      'busybox',
      'sh',
      '-c',
      'echo first >/srv/file; exec sleep 1000',
    );
    await run('exec', 'writer', 'sh', '-c', 'until [ -s /srv/file ]; do usleep 10000; done');
    assert.equal(await inPod(['-v', 'shared:/other'], 'cat /other/file; echo second >>/other/file'), 'first\n');
    assert.equal(await readFile(join(await mountpoint('shared'), 'file'), 'utf8'), 'first\nsecond\n');
    assert.deepEqual((await hyperd.client.volumeInspect('shared')).pods, ['writer']);
    assert.equal(await run('volume', 'ls', '-qf', 'dangling=true'), '');
    await refused(['volume', 'rm', 'shared'], /volume shared is in use by pod writer/);
    await run('rm', '-f', '-v', 'writer');
    assert.equal(
      await inPod(['-v', 'shared:/srv:ro'], 'cat /srv/file; touch /srv/x 2>/dev/null || echo no'),
      'first\nsecond\nno\n',
    );
    await run('volume', 'rm', 'shared');
  });

  it('begins with what the image has there, owners, modes, links and xattrs with it', async () => {
    const looks = 'cd /data; stat -c "%n %A %u:%g" . seed deep deep/file link; cat seed';
    const expected = [
      '. drwxr-s--- 1234:2345',
      'seed -rw-r----- 1234:2345',
      'deep drwxr-xr-x 0:0',
      'deep/file -rws--x--x 0:0',
      'link lrwxrwxrwx 0:0',
      'from the image',
      '',
    ].join('\n');
    assert.equal(await inPod(['-v', 'seeded:/data'], `${looks}; echo changed >seed`), expected);
    const { stdout } = await execute('getfattr', [
      '-n',
      'user.colour',
      '--only-values',
      join(await mountpoint('seeded'), 'seed'),
    ]);
    assert.equal(stdout, 'red');
    assert.equal(await inPod(['-v', 'seeded:/data'], 'cat /data/seed'), 'changed\n', 'only once');
    // Read-only for the container, it is filled all the same.
    assert.equal(await inPod(['-v', 'seeded2:/data:ro'], looks), expected);
    assert.equal(await inPod(['-v', 'bare:/data:nocopy'], 'ls -A /data'), '');
    await mkdir(join(await mountpoint('bare'), 'own'));
    assert.equal(await inPod(['-v', 'bare:/data'], 'ls -A /data'), 'own\n', 'nothing is added to what is there');
    await run('volume', 'rm', 'seeded', 'seeded2', 'bare');
  });

  it('is filled once though two pods start with it, and filled anew where that was interrupted', async () => {
    const started = await Promise.all(
      ['one', 'two'].map((name) =>
        hyperd.hyper(['run', '--rm', '--name', name, '-v', 'both:/data', 'stocked:1', 'cat', '/data/seed']),
      ),
    );
    assert.deepEqual(
      started.map(({ code, stdout }) => [code, stdout]),
      [
        [0, 'from the image\n'],
        [0, 'from the image\n'],
      ],
    );
    const script = "UPDATE volumes SET record = json_set(record, '$.seeding', json('true')) WHERE name = 'both'";
    const path = await mountpoint('both');
    await writeFile(join(path, 'seed'), 'hal');
    await hyperd.signal('SIGKILL');
    const { DatabaseSync } = await import('node:sqlite');
    const database = new DatabaseSync(join(hyperd.root, 'hyper.db'));
    database.exec(script);
    database.close();
    await hyperd.start();
    assert.equal(await inPod(['-v', 'both:/data'], 'cat /data/seed'), 'from the image\n');
    await run('volume', 'rm', 'both');
  });

  it('without a name goes with a pod of --rm, or with rm -v, and stays otherwise', async () => {
    await run('run', '--rm', '-v', '/cache', 'busybox', 'touch', '/cache/x');
    await until(() => folders().length === 0);
    await run('run', '--name', 'plain', '-v', '/data', 'stocked:1', 'touch', '/data/x');
    const [name = ''] = folders();
    assert.match(name, /^[0-9a-f]{64}$/);
    const { containers } = await hyperd.client.podInspect('plain');
    assert.deepEqual(containers[0]?.mounts, [
      { type: 'volume', name, source: await mountpoint(name), target: '/data', readOnly: false },
    ]);
    assert.equal(await run('start', '-a', 'plain'), '');
    await run('rm', '-v', 'plain');
    assert.deepEqual(folders(), []);
    await run('run', '--name', 'plain', '-v', '/data', '-v', 'named:/named', 'busybox', 'true');
    await run('rm', 'plain');
    assert.equal(folders().length, 2);
    const pruned = await run('volume', 'prune', '-f');
    assert.match(pruned, /^Deleted Volumes:\n[0-9a-f]{64}\n\nTotal reclaimed space: [\d.]+k?B\n$/);
    assert.deepEqual(folders(), ['named']);
    const asked = await hyperd.hyper(['volume', 'prune', '-a'], { input: 'n\n' });
    assert.match(asked.stderr, /remove all local volumes not used by at least one pod/);
    assert.deepEqual(folders(), ['named']);
    assert.match(
      (await hyperd.hyper(['volume', 'prune', '-a'], { input: 'y\n' })).stdout,
      /^Deleted Volumes:\nnamed\n/,
    );
    assert.deepEqual(folders(), []);
  });

  it('takes the place of the image’s own, which is on the writable layer', async () => {
    assert.equal(await inPod([], 'cat /stock/item'), 'in stock\n');
    assert.deepEqual(folders(), []);
    assert.equal(
      await inPod(['-v', 'mine:/stock'], 'cat /stock/item; grep -c " /stock " /proc/mounts'),
      'in stock\n1\n',
    );
    await run('volume', 'rm', 'mine');
  });

  it('and folders and memory are mounted by --mount too, in docker’s syntax', async () => {
    const host = hyperd.own(mkdtempSync(join(tmpdir(), 'hyper-mount-')));
    try {
      await writeFile(join(host, 'with,comma'), 'here\n');
      const mounts = [
        `type=bind,source=${host},target=/host,readonly`,
        `"type=bind","src=${host}/with,comma",dst=/one`,
        'type=volume,src=byfields,destination=/data,volume-label=by=mount',
        'dst=/unnamed',
        'type=tmpfs,dst=/memory,tmpfs-size=1m,tmpfs-mode=1770',
      ].flatMap((each) => ['--mount', each]);
      const script =
        'cat "/host/with,comma" /one /data/seed; touch /host/x || echo no; df -k /memory | tail -n 1; stat -c %a /memory';
      const seen = await inPod(mounts, `(${script}) 2>/dev/null`);
      assert.match(seen, /^here\nhere\nfrom the image\nno\ntmpfs +1024 .*\n1770\n$/);
      assert.deepEqual((await hyperd.client.volumeInspect('byfields')).labels, { by: 'mount' });
      await run('volume', 'rm', 'byfields');
      const mount = async (fields: string, line: RegExp, code = 2): Promise<void> =>
        await refused(['run', '--rm', '--mount', fields, 'busybox', 'true'], line, code);
      await mount(`type=bind,source=${host}/none,target=/x`, /bind source path does not exist: .*none/, 125);
      assert.ok(!existsSync(join(host, 'none')));
      const cannot = ['run', '--rm', '-v', '/proc/none:/x', 'busybox', 'true'];
      await refused(cannot, /\/proc\/none is missing and cannot be made/, 125);
      await mount('type=bind,target=/x', /field Source must not be empty/);
      await mount('type=volume,source=x', /target is required/);
      await mount('type=npipe,target=/x', /invalid mount type 'npipe'/);
      await mount('type=bind,src=/tmp,target=x', /mount path must be absolute/);
      await mount('type=tmpfs,src=/tmp,target=/x', /cannot mix 'source' with mount type 'tmpfs'/);
      await mount('type=volume,target=/x,size', /invalid field 'size' must be a key=value pair/);
      await mount('target=/x,colour=red', /unexpected key 'colour'/);
    } finally {
      rmSync(host, { recursive: true });
    }
  });

  it('survives the death of hyperd with its pod, and a foreign folder among them does not', async () => {
    await run('run', '-d', '--name', 'lives', '-v', 'kept:/data', 'busybox', 'sleep', '1000');
    await hyperd.signal('SIGKILL');
    await mkdir(join(hyperd.root, 'volumes/half'));
    await hyperd.start();
    assert.deepEqual(folders(), ['kept']);
    await run('exec', 'lives', 'touch', '/data/x');
    await refused(['volume', 'rm', 'kept'], /in use by pod lives/);
    await run('rm', '-f', 'lives');
    assert.deepEqual(shareServers(hyperd), []);
    assert.deepEqual(readdirSync(await mountpoint('kept')), ['x']);
    await run('volume', 'rm', 'kept');
  });

  describe('that is a disk', () => {
    before(async () => {
      await run('volume', 'create', '--opt', 'type=disk', '--opt', 'size=40m', 'disk');
    });
    after(async () => {
      await run('volume', 'rm', 'disk');
    });

    it('is a file system of its own, seeded, that keeps what is written', async () => {
      const seen = await inPod(
        ['-v', 'disk:/data'],
        'cat /data/seed; ls -A /data; grep " /data " /proc/mounts; echo kept >/data/mine',
      );
      assert.match(seen, /^from the image\ndeep\nlink\nseed\n\/dev\/vd\w \/data ext4 rw,/);
      assert.equal(
        await inPod(['-v', 'disk:/srv:ro'], 'cat /srv/mine; touch /srv/x 2>/dev/null || echo no'),
        'kept\nno\n',
      );
      assert.deepEqual(shareServers(hyperd), []);
    });

    it('holds what its size says and no more', async () => {
      const script =
        'dd if=/dev/zero of=/data/big bs=1M count=60 2>&1 | grep -o "No space left.*"; rm /data/big; df -k /data | tail -n 1';
      const seen = await inPod(['-v', 'disk:/data'], script);
      assert.match(seen, /^No space left on device\n\/dev\/vd\w +(\d+)/);
      const size = Number(/vd\w +(\d+)/.exec(seen)?.[1]);
      assert.ok(size > 20_000 && size < 40 * 1024, `${size}`);
    });

    it('is one running pod’s at a time, also after hyperd was killed', async () => {
      await run('run', '-d', '--name', 'has', '-v', 'disk:/data', 'busybox', 'sleep', '1000');
      const second = ['run', '--rm', '-v', 'disk:/data', 'busybox', 'true'];
      await refused(second, /volume disk is a disk and pod has has it/, 125);
      await hyperd.signal('SIGKILL');
      await hyperd.start();
      await refused(second, /volume disk is a disk/, 125);
      await run('exec', 'has', 'sh', '-c', 'echo by the first >/data/mine');
      await run('stop', 'has');
      assert.equal((await hyperd.hyper(second)).code, 0, 'at once');
      await run('start', 'has');
      assert.equal(await run('exec', 'has', 'cat', '/data/mine'), 'by the first\n');
      await run('rm', '-f', 'has');
    });

    it('can be one of several, and beside folders of the host', async () => {
      const names = ['d1', 'd2', 'd3'];
      for (const name of names) await run('volume', 'create', '-o', 'type=disk', '-o', 'size=32m', name);
      const mounts = names.flatMap((name) => ['-v', `${name}:/${name}`]);
      const script = 'for d in d1 d2 d3 f; do echo $d >/$d/name; done; stat -c %d /d1 /d2 /d3 /f | sort -u | wc -l';
      assert.equal(await inPod([...mounts, '-v', 'd0:/f'], script), '4\n');
      assert.equal(await inPod(mounts, 'cat /d1/name /d2/name /d3/name'), 'd1\nd2\nd3\n');
      await run('volume', 'rm', 'd0', ...names);
    });

    it('behaves as POSIX has it, as on the host', async () => {
      const folderOfProgram = hyperd.own(mkdtempSync(join(tmpdir(), 'hyper-posix-')));
      try {
        buildPosixChecks(join(folderOfProgram, 'checks'));
        const { stdout } = await execute(join(folderOfProgram, 'checks'), [join(folderOfProgram, 'host')]);
        const mounts = ['-v', 'disk:/data', '-v', 'posix:/volume', '-v', `${folderOfProgram}:/program:ro`];
        for (const place of ['/data', '/volume', '/stock']) {
          assert.equal(
            await inPod(mounts, `/program/checks ${place}/work || true; rm -r ${place}/work`),
            stdout,
            place,
          );
        }
        await run('volume', 'rm', 'posix');
      } finally {
        rmSync(folderOfProgram, { recursive: true });
      }
    });
  });
});
