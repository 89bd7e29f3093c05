import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { chmod, mkdir, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import { after, before, beforeEach, it } from 'node:test';
import { type Finished, outputOf, type RunOptions, type TestHyperd } from './support/hyperd.ts';
import { untilLogged } from './support/logs.ts';
import { assertRefused, traces, until } from './support/refusal.ts';
import { buildPosixChecks, mountsOf, shareServers } from './support/shares.ts';
import { untilGone } from './support/warm.ts';
import { inBothWays } from './support/ways.ts';

inBothWays('a folder of the host in a pod', {}, (way) => {
  let hyperd: TestHyperd;
  let work: string;
  let folder: string;
  let count = 0;

  before(async () => {
    hyperd = await way.start();
    work = hyperd.own(await mkdtemp(join(tmpdir(), 'hyper-folders-')));
  });
  after(async () => {
    await hyperd[Symbol.asyncDispose]();
    await rm(work, { recursive: true, force: true });
  });
  beforeEach(async () => {
    folder = join(work, `folder-${++count}`);
    await mkdir(folder);
    hyperd.own(folder);
  });

  const run = (args: readonly string[], options: RunOptions = {}): Promise<string> => outputOf(hyperd, args, options);
  /** A file of who runs hyperd. */
  const put = async (name: string, content: string): Promise<void> => {
    await writeFile(join(folder, name), content);
    hyperd.own(join(folder, name));
  };
  const inPod = async (volumes: readonly string[], script: string, options: RunOptions = {}): Promise<string> => {
    const mounts = volumes.flatMap((volume) => ['-v', volume]);
    return await run(['run', '--rm', ...mounts, 'busybox', 'sh', '-ec', script], options);
  };

  it('is read and written in both directions, with its owners and modes', async () => {
    await put('ours', 'from the host\n');
    hyperd.own(join(folder, 'ours'), 1234, 5678);
    await chmod(join(folder, 'ours'), 0o640);
    const script = [
      'stat -c "%u %g %a" /data/ours; cat /data/ours',
      'echo from the pod >/data/theirs; chown 4321:8765 /data/theirs; chmod 4711 /data/theirs',
      'mkdir -p /data/a/b; ln -s a/b /data/link; mv /data/ours /data/a/b/ours',
    ];
    assert.equal(await inPod([`${folder}:/data`], script.join('\n')), '1234 5678 640\nfrom the host\n');
    const { uid, gid, mode } = await stat(join(folder, 'theirs'));
    assert.deepEqual([uid, gid, mode & 0o7777], [hyperd.idOnHost(4321), hyperd.idOnHost(8765, 'gid'), 0o4711]);
    assert.equal(await readFile(join(folder, 'theirs'), 'utf8'), 'from the pod\n');
    assert.equal(await readFile(join(folder, 'link/ours'), 'utf8'), 'from the host\n');
  });

  it('shows a running pod what changes on the host, and the host at once what a pod writes', async () => {
    await run(['run', '-d', '--name', 'reader', '-v', `${folder}:/data`, 'busybox', 'sleep', '1000']);
    await put('later', 'one\n');
    assert.equal(await run(['exec', 'reader', 'cat', '/data/later']), 'one\n');
    await put('later', 'two, and longer\n');
    await run(['exec', 'reader', 'sh', '-c', 'until grep -q longer /data/later; do usleep 10000; done']);
    await run(['exec', 'reader', 'sh', '-c', 'echo three >/data/later']);
    assert.equal(await readFile(join(folder, 'later'), 'utf8'), 'three\n');
    await run(['rm', '-f', 'reader']);
  });

  it('can be written by two pods at a time', async () => {
    for (const name of ['one', 'two']) {
      await run(['run', '-d', '--name', name, '-v', `${folder}:/data`, 'busybox', 'sleep', '1000']);
    }
    await run(['exec', 'one', 'sh', '-c', 'echo from one >/data/file']);
    assert.equal(await run(['exec', 'two', 'cat', '/data/file']), 'from one\n');
    await run(['rm', '-f', 'one', 'two']);
  });

  it('behaves as POSIX has it, as on the host', async () => {
    const program = join(folder, 'checks');
    buildPosixChecks(program);
    const onHost = execFileSync(program, [join(folder, 'host')], { encoding: 'utf8' });
    assert.doesNotMatch(onHost, /FAILED/);
    assert.equal(await inPod([`${folder}:/data`], '/data/checks /data/guest || true'), onHost);
    assert.equal(
      await inPod([`${folder}:/data:ro`], '/data/checks /root/guest || true'),
      onHost,
      'on the writable layer',
    );
  });

  it('is a single file alone: its neighbours are in no way to be reached', async () => {
    await put('shown', 'shown\n');
    await put('hidden', 'hidden\n');
    const pod = ['--name', 'single', '-v', `${join(folder, 'shown')}:/etc/deep/shown`];
    await run(['run', '-d', ...pod, 'busybox', 'sleep', '1000']);
    assert.equal(await run(['exec', 'single', 'cat', '/etc/deep/shown']), 'shown\n');
    assert.equal(await run(['exec', 'single', 'ls', '/etc/deep']), 'shown\n');
    await run(['exec', 'single', 'sh', '-c', 'echo more >>/etc/deep/shown']);
    assert.equal(await readFile(join(folder, 'shown'), 'utf8'), 'shown\nmore\n');
    // Not even by root of the guest, outside every container.
    const all = await run(['exec', '--vm', 'single', 'find', '/run/shares/', '-name', '*', '-type', 'f']);
    assert.equal(all, '/run/shares/hyper/0\n');
    await run(['rm', '-f', 'single']);
  });

  it('is read-only on both sides where it is mounted so', async () => {
    await put('file', 'kept\n');
    await run(['run', '-d', '--name', 'ro', '-v', `${folder}:/data:ro`, 'busybox', 'sleep', '1000']);
    for (const script of [
      'echo x >/data/file',
      'touch /data/new',
      'rm /data/file',
      'mount -o remount,rw /data; touch /data/x',
    ]) {
      const { code, stderr } = await hyperd.hyper(['exec', 'ro', 'sh', '-c', script]);
      assert.notEqual(code, 0);
      assert.match(stderr, /Read-only file system|Operation not permitted|permission denied/i);
    }
    // What breaks out of the container into the guest meets the host's own mount.
    const root = await hyperd.hyper(['exec', '--vm', 'ro', 'sh', '-c', 'touch /run/shares/hyper/0/x']);
    assert.match(root.stderr, /Read-only file system/);
    assert.deepEqual(await readdir(folder), ['file']);
    await run(['rm', '-f', 'ro']);
  });

  const withFolder = (...command: string[]): Promise<Finished> =>
    hyperd.hyper(['run', '--rm', '-v', `${folder}:/data`, 'busybox', ...command]);

  it('makes no device nodes on the host', async () => {
    const { code, stderr } = await withFolder('mknod', '/data/disk', 'b', '8', '0');
    assert.equal(code, 1);
    assert.match(stderr, /Operation not permitted/);
    assert.deepEqual(await readdir(folder), []);
  });

  it('opens no device of the folder’s', async () => {
    execFileSync('mknod', [join(folder, 'null'), 'c', '1', '3']);
    const { code, stderr } = await withFolder('cat', '/data/null');
    assert.equal(code, 1);
    assert.match(stderr, /can't open '\/data\/null': Permission denied/);
  });

  it('can be one of several, inside each other too, and its file systems are told apart', async () => {
    await mkdir(join(folder, 'outer/inner'), { recursive: true });
    await mkdir(join(folder, 'other'));
    await put('other/file', 'other\n');
    const volumes = [
      `${folder}/other:/data/inner`,
      `${folder}/outer:/data`,
      '/dev/shm:/shm',
      `${folder}/other:/same:ro`,
    ];
    const script = 'cat /data/inner/file /same/file; stat -c %d /data /data/inner /shm | sort -u | wc -l';
    assert.equal(await inPod(volumes, script), 'other\nother\n3\n');
  });

  it('is named relative to where the CLI is called, or to the home; a missing one is made', async () => {
    await put('file', 'here\n');
    const options = { cwd: folder, env: { HOME: work } };
    assert.equal(await inPod(['./:/data', '../made/deep:/made'], 'cat /data/file; touch /made/x', options), 'here\n');
    assert.ok(existsSync(join(work, 'made/deep/x')));
    assert.equal(await inPod([`~/${folder.slice(work.length + 1)}:/data`], 'cat /data/file', options), 'here\n');
  });

  it('is kept by a pod that is started again, and by one whose hyperd was killed', async () => {
    await run([
      'run',
      '-d',
      '--name',
      'kept',
      '-v',
      `${folder}:/data`,
      'busybox',
      'sh',
      '-c',
      'echo up; exec sleep 1000',
    ]);
    const servers = shareServers(hyperd);
    assert.ok(servers.length > 0);
    await hyperd.signal('SIGKILL');
    await hyperd.start();
    await run(['exec', 'kept', 'sh', '-c', 'echo after the kill >/data/file']);
    assert.equal(await readFile(join(folder, 'file'), 'utf8'), 'after the kill\n');
    assert.deepEqual(shareServers(hyperd), servers);
    await run(['stop', '-t', '0', 'kept']);
    await untilGone(hyperd, servers);
    await run(['start', 'kept']);
    await untilLogged(hyperd, 'kept', 'up', 2);
    assert.equal(await run(['exec', 'kept', 'cat', '/data/file']), 'after the kill\n');
    await run(['rm', '-f', 'kept']);
    assert.deepEqual(shareServers(hyperd), []);
  });

  it('leaves nothing when hyperd was killed and its VM has gone meanwhile', async () => {
    await run(['run', '-d', '--name', 'lost', '-v', `${folder}:/data`, 'busybox', 'sleep', '1000']);
    const [qemu] = hyperd.vmProcesses();
    assert.ok(qemu !== undefined);
    await hyperd.signal('SIGKILL');
    process.kill(qemu, 'SIGKILL');
    await hyperd.start();
    assert.deepEqual(shareServers(hyperd), []);
    assert.equal((await hyperd.client.podInspect('lost')).state, 'failed');
    await run(['rm', 'lost']);
  });

  it('ends its pod with the reason when what serves it is killed, which can be started again', async () => {
    const reason = /virtiofsd, which gave it folders of this host, has ended: start the pod again/;
    await put('file', 'there\n');
    await run(['run', '-d', '--name', 'cut', '-v', `${folder}:/data`, 'busybox', 'sleep', '1000']);
    const kill = (): void => {
      for (const pid of shareServers(hyperd)) process.kill(pid, 'SIGKILL');
    };
    const failed = async (): Promise<void> => {
      await until(async () => (await hyperd.client.podInspect('cut')).state === 'failed');
      assert.match((await hyperd.client.podInspect('cut')).reason ?? '', reason);
      await until(() => hyperd.vmProcesses().length === 0);
    };
    const waiting = hyperd.hyper(['exec', 'cut', 'sh', '-c', 'while cat /data/file >/dev/null; do :; done']);
    kill();
    await failed();
    assert.notEqual((await waiting).code, 0);
    await run(['start', 'cut']);
    assert.equal(await run(['exec', 'cut', 'cat', '/data/file']), 'there\n');
    await hyperd.signal('SIGKILL');
    kill();
    await hyperd.start();
    await failed();
    await run(['start', 'cut']);
    await hyperd.signal('SIGKILL');
    await hyperd.start();
    kill();
    await failed();
    await run(['rm', 'cut']);
  });

  it('leaves no process, mount or socket behind', async () => {
    const before = await traces(hyperd);
    await inPod([`${folder}:/data`], 'touch /data/x');
    await hyperd.hyper(['run', '--rm', '-v', `${folder}:/data`, 'busybox', 'no-such-command']);
    // A VM is taken apart behind the back of who waits for its pod.
    await until(async () => isDeepStrictEqual(await traces(hyperd), before));
    await until(() => shareServers(hyperd).length === 0);
    assert.deepEqual(await mountsOf(hyperd), []);
  });

  it('is refused with the reason where it cannot be', async () => {
    const refused = async (args: readonly string[], code: number, line: RegExp): Promise<void> =>
      await assertRefused(hyperd, ['run', '--rm', ...args, 'busybox', 'true'], code, line);
    await refused(['-v', `${folder}:data`], 2, /mount path must be absolute/);
    await refused(['-v', `${folder}:/`], 125, /target can't be '\/'/);
    await refused(['-v', `${folder}:/data:rx`], 2, /invalid mode: rx/);
    for (const path of ['/proc', '/sys/fs/cgroup', '/dev', '/x/../proc/1/']) {
      await refused(
        ['-v', `${folder}:${path}`],
        125,
        /target can't be \/(proc|sys|dev).*its own kernel.*choose another/,
      );
    }
    await refused(['--tmpfs', '/proc/sys'], 125, /target can't be \/proc\/sys/);
    await refused(['-v', `${folder}:/data`, '-v', `${work}:/data/`], 125, /Duplicate mount point: \/data/);
    await refused(['-v', `${folder}:/data`, '--tmpfs', '/data'], 125, /Duplicate mount point: \/data/);
    await put('file', '');
    await refused(['-v', `${folder}/file/below:/data`], 125, /cannot be mounted|cannot be made/);
    const path = join(folder, 'pipe');
    execFileSync('mkfifo', [path]);
    await refused(['-v', `${path}:/data`], 125, /is a pipe: .*its own/);
  });

  it('that has vanished keeps its pod from starting, and says so', async () => {
    await run(['create', '--name', 'vanished', '-v', `${folder}:/data`, 'busybox', 'cat', '/data/file']);
    await rm(folder, { recursive: true });
    const { code, stderr }: Finished = await hyperd.hyper(['start', '-a', 'vanished']);
    assert.notEqual(code, 0);
    assert.match(stderr, /does not exist: .*folder-/);
    await mkdir(folder);
    await put('file', 'back\n');
    assert.equal(await run(['start', '-a', 'vanished']), 'back\n');
    await run(['rm', 'vanished']);
  });

  it('that vanishes under a running pod gives errors, and nothing hangs', async () => {
    await mkdir(join(folder, 'deep'));
    await run(['run', '-d', '--name', 'under', '-v', `${folder}/deep:/data`, 'busybox', 'sleep', '1000']);
    await rm(join(folder, 'deep'), { recursive: true });
    const { code, stderr } = await hyperd.hyper(['exec', 'under', 'touch', '/data/x']);
    assert.equal(code, 1);
    assert.match(stderr, /No such file/);
    await run(['rm', '-f', 'under']);
  });
});
