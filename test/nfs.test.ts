import assert from 'node:assert/strict';
import { chownSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, it } from 'node:test';
import { hostAndOutside, type Namespace } from './network/namespaces.ts';
import { NfsServer } from './servers/nfs-server.ts';
import { outputOf, type TestHyperd } from './support/hyperd.ts';
import { untilLogged } from './support/logs.ts';
import { until, untilTakenApart } from './support/refusal.ts';
import { inBothWays } from './support/ways.ts';

const address = '203.0.113.2';

inBothWays('a folder of an NFS server', { timeout: 400_000 }, (way) => {
  let host: Namespace;
  let outside: Namespace;
  let server: NfsServer;
  let hyperd: TestHyperd;
  before(async () => {
    ({ host, outside } = await hostAndOutside());
    server = await NfsServer.start(outside);
    hyperd = await way.start({}, { host });
  });
  after(async () => {
    for (const thing of [hyperd, server, outside, host]) await thing[Symbol.asyncDispose]();
  });

  const run = (...args: string[]): Promise<string> => outputOf(hyperd, args);
  const nfs = (path: string, more = ''): string[] => [
    '--mount',
    `type=nfs,source=${address}:${path},target=/mnt${more}`,
  ];
  const inPod = async (mounts: readonly string[], script: string): Promise<string> =>
    await run('run', '--rm', ...mounts, 'busybox', 'sh', '-ec', script);
  /** Within a time that somebody waits. */
  const refused = async (args: readonly string[], words: RegExp, withinMs: number): Promise<void> => {
    const began = Date.now();
    const ended = await hyperd.hyper(['run', '--rm', ...args, 'busybox', 'true']);
    assert.deepEqual([ended.code, words.test(ended.stderr)], [125, true], ended.stderr);
    assert.ok(Date.now() - began < withinMs, `${Date.now() - began} ms`);
    await untilTakenApart(hyperd);
  };

  it('is mounted by the guest: what a pod writes is on the server, with its owner', async () => {
    writeFileSync(join(server.exported, 'ours'), 'from the server\n');
    chownSync(join(server.exported, 'ours'), 12, 34);
    const script =
      'grep " /mnt " /proc/mounts; cat /mnt/ours; stat -c %u:%g /mnt/ours; echo from a pod >/mnt/theirs; chown 56:78 /mnt/theirs';
    const seen = await inPod(nfs('/export'), script);
    assert.match(seen, /^203.0.113.2:\/export \/mnt nfs4 rw,.*vers=4\.2,.*\nfrom the server\n12:34\n$/);
    assert.equal(readFileSync(join(server.exported, 'theirs'), 'utf8'), 'from a pod\n');
    const { uid, gid } = statSync(join(server.exported, 'theirs'));
    assert.deepEqual([uid, gid], [56, 78]);
  });

  it('has options, and is read-only where that is said', async () => {
    const script =
      'grep -o " vers=4.1\\|,vers=4.1\\|,soft\\|,timeo=50" /proc/mounts | sort; touch /mnt/x 2>/dev/null || echo no';
    assert.equal(
      await inPod(nfs('/export', ',ro,o=soft,"o=nfsvers=4.1,timeo=50"'), script),
      ',soft\n,timeo=50\n,vers=4.1\nno\n',
    );
  });

  it('is a volume in docker’s words, which pods share, and which leaves the server’s files alone when it goes', async () => {
    const options = ['--opt', 'type=nfs', '--opt', `o=addr=${address},rw,nfsvers=4`, '--opt', 'device=:/export'];
    await run('volume', 'create', ...options, 'nas');
    assert.equal(await run('volume', 'create', ...options, 'nas'), 'nas\n', 'again');
    const other = await hyperd.hyper([
      'volume',
      'create',
      '--opt',
      'type=nfs',
      '--opt',
      `o=addr=${address}`,
      '--opt',
      'device=:/other',
      'nas',
    ]);
    assert.match(other.stderr, /nas is there already, with other options/);
    const { kind, mountpoint } = await hyperd.client.volumeInspect('nas');
    assert.deepEqual([kind, mountpoint], ['nfs', `${address}:/export`]);
    // Of one hostname: a server takes clients of one name for one and the same.
    const pod = ['--hostname', 'same', '-v', 'nas:/mnt', 'busybox'];
    const write = 'echo one >/mnt/one; until [ -s /mnt/two ]; do sleep 0.1; done; cat /mnt/two';
    const first = hyperd.hyper(['run', '--rm', ...pod, 'sh', '-c', write]);
    const wait = 'until [ -s /mnt/one ]; do sleep 0.1; done; cat /mnt/one; echo two >/mnt/two';
    assert.equal(await run('run', '--rm', ...pod, 'sh', '-c', wait), 'one\n');
    assert.equal((await first).stdout, 'two\n');
    await until(async () => (await hyperd.client.volumeInspect('nas')).pods.length === 0);
    await run('volume', 'rm', 'nas');
    assert.equal(readFileSync(join(server.exported, 'two'), 'utf8'), 'two\n');
  });

  it('stays with its pod over the death of hyperd', async () => {
    await run('run', '-d', '--name', 'lives', ...nfs('/export'), 'busybox', 'sleep', '1000');
    await hyperd.signal('SIGKILL');
    await hyperd.start();
    await run('exec', 'lives', 'sh', '-c', 'echo still >/mnt/still');
    assert.equal(readFileSync(join(server.exported, 'still'), 'utf8'), 'still\n');
    await run('rm', '-f', 'lives');
  });

  it('is refused with the reason, in a time that somebody waits', async () => {
    await refused(nfs('/missing'), /cannot mount 203.0.113.2:\/missing by NFS: .*no such path/, 20_000);
    await refused(
      nfs('/export', ',o=port=2050'),
      /the NFS server 203.0.113.2 does not answer on port 2050: Connection refused/,
      20_000,
    );
    await refused(
      ['--mount', 'type=nfs,source=203.0.113.77:/export,target=/mnt'],
      /the NFS server 203.0.113.77 does not answer on port 2049/,
      30_000,
    );
    await refused(['--network', 'none', ...nfs('/export')], /is reached by network, and the pod has none/, 20_000);
    await refused(['--egress', 'none', ...nfs('/export')], /the NFS server 203.0.113.2 does not answer/, 30_000);
    await refused(
      nfs('/export', ',o=colour=red'),
      /cannot mount .*an option that the guest's kernel does not know/,
      20_000,
    );
    await refused(
      ['--mount', 'type=nfs,source=/export,target=/mnt'],
      /names no folder of an NFS server: give HOST:\/path/,
      20_000,
    );
  });

  it('whose server stops does not hold up the end of its pod, whose disks are whole, nor the start of another', async () => {
    await run('volume', 'create', '--opt', 'type=disk', '--opt', 'size=32m', 'disk');
    // What is open already can be written: it waits in the guest's memory.
    const script =
      'exec 3>/mnt/big; echo open; until [ -e /disk/go ]; do usleep 10000; done; dd if=/dev/zero bs=64k count=16 >&3; sleep 1000';
    const mounts = [...nfs('/export'), '-v', 'disk:/disk'];
    await run('run', '-d', '--name', 'hangs', ...mounts, 'busybox', 'sh', '-c', script);
    await untilLogged(hyperd, 'hangs', 'open', 1);
    server.signal('SIGSTOP');
    try {
      await run('exec', 'hangs', 'touch', '/disk/go');
      await refused(nfs('/export'), /cannot mount .*the server does not answer/, 60_000);
      await run('exec', 'hangs', 'sh', '-c', 'echo kept >/disk/file');
      const began = Date.now();
      if (way.rootless) await run('rm', '-f', 'hangs');
      else await run('stop', '-t', '0', 'hangs');
      await untilTakenApart(hyperd);
      // Ten seconds for what cannot be killed, as many at most for the VM's end, and what a busy machine takes.
      assert.ok(Date.now() - began < 30_000, `${Date.now() - began} ms`);
      // In order, though a process of it could not be ended: what was killed loses what was written lately.
      if (!way.rootless) assert.equal((await hyperd.client.podInspect('hangs')).reason, 'the guest powered off');
    } finally {
      server.signal('SIGCONT');
    }
    if (!way.rootless) await run('rm', 'hangs');
    writeFileSync(join(server.exported, 'again'), 'there again\n');
    assert.equal(await inPod(mounts, 'cat /mnt/again /disk/file'), 'there again\nkept\n');
    await untilTakenApart(hyperd);
    await run('volume', 'rm', 'disk');
  });
});
