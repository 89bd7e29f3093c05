import assert from 'node:assert/strict';
import { createHash, randomBytes } from 'node:crypto';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { release, tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import type { AttachSession } from '../src/client/index.ts';
import { upgradeToWebSocket } from '../src/client/websocket-upgrade.ts';
import type { PodSpec } from '../src/contract/index.ts';
import { TestHyperd } from './support/hyperd.ts';
import { untilLogged } from './support/logs.ts';

const sha256 = (bytes: Buffer): string => createHash('sha256').update(bytes).digest('hex');

describe('hyper run', { concurrency: 2 }, () => {
  let hyperd: TestHyperd;
  before(async () => {
    hyperd = await TestHyperd.start();
  });
  after(async () => await hyperd[Symbol.asyncDispose]());

  it('runs the image in a kernel of its own, prints the pod on stderr and the output on stdout', async () => {
    const { code, stdout, stderr } = await hyperd.hyper(['run', '--rm', 'busybox', 'uname', '-r']);
    assert.equal(code, 0);
    assert.notEqual(stdout.trim(), release());
    assert.match(stdout, /^\d+\.\d+\.\d+.*\n$/);
    assert.match(stderr, /^POD id is pod-[A-Za-z]{10}\n$/);
  });

  it('ends with the process’s exit code, and keeps the pod', async () => {
    const { code, stderr } = await hyperd.hyper(['run', '--name', 'seven', 'busybox', 'sh', '-c', 'exit 7']);
    assert.equal(code, 7, stderr);
    const { stdout } = await hyperd.hyper(['list']);
    assert.match(stdout, /^ {9}POD ID {22}POD Name {13}VM name {4}Status$/m);
    assert.match(stdout, /^ pod-[A-Za-z]{10} {25}seven {24}failed$/m);
    const inspected: unknown = JSON.parse((await hyperd.hyper(['inspect', 'seven'])).stdout);
    assert.match(JSON.stringify(inspected), /"exitCode":7/);
    assert.equal((await hyperd.hyper(['rm', 'seven'])).code, 0);
    assert.doesNotMatch((await hyperd.hyper(['list'])).stdout, /seven/);
  });

  it('takes stdin whole and gives output back byte for byte', async () => {
    const bytes = randomBytes(3_000_000);
    const { code, stdout } = await hyperd.hyper(['run', '-i', '--rm', 'busybox', 'cat'], { input: bytes });
    assert.equal(code, 0);
    assert.equal(sha256(Buffer.from(stdout, 'latin1')), sha256(bytes));
  });

  it('loses nothing of a process that ends right after it wrote, on both streams', async () => {
    const script = 'head -c 5000000 /dev/zero; head -c 300000 /dev/zero >&2; printf end';
    const { code, stdout, stderr } = await hyperd.hyper(['run', '--rm', 'busybox', 'sh', '-c', script]);
    assert.equal(code, 0);
    assert.equal(stdout.length, 5_000_003);
    assert.ok(stdout.endsWith('end'));
    assert.equal(stderr.replace(/^POD id is .*\n/, '').length, 300_000);
  });

  it('honours the options for the process and its folder, user, environment, limits and mounts', async () => {
    const script =
      'pwd; id -u; id -g; echo $A-$B; hostname; ulimit -n; df /scratch | tail -n 1; touch /x; cat /etc/hostname';
    const options = [
      ...['-w', '/tmp/new/folder', '-u', 'daemon:users', '-e', 'A=1', '-e', 'B', '--hostname', 'named'],
      ...['--ulimit', 'nofile=123:456', '--tmpfs', '/scratch:size=1m', '--read-only', '--label', 'k=v', '--cpu', '2'],
      ...['--memory', '160m', '--name', 'optioned', '--entrypoint', '/bin/sh'],
    ];
    const ran = await hyperd.hyper(['run', ...options, 'busybox', '-c', script], { env: { B: 'from-here' } });
    const lines = ran.stdout.split('\n');
    assert.deepEqual(lines.slice(0, 6), ['/tmp/new/folder', '1', '100', '1-from-here', 'named', '123'], ran.stderr);
    assert.match(lines[6] ?? '', /^tmpfs +1024 /);
    assert.equal(lines[7], 'named');
    assert.match(ran.stderr, /touch: \/x: Read-only file system/);
    const pod = await hyperd.client.podInspect('optioned');
    assert.deepEqual([pod.vcpus, pod.memoryMiB, pod.labels['k'] ?? pod.containers[0]?.labels['k']], [2, 160, 'v']);
  });

  it('takes variables from files by docker’s rules, and lets flags win over them', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'hyper-env-'));
    try {
      const [first, second] = [join(folder, 'first.env'), join(folder, 'second.env')];
      await writeFile(first, '# a comment\n\n  PLAIN=1\nQUOTED="a b"  \nEMPTY=\nTWICE=first\nOWN\nUNSET\nFLAG=file\n');
      await writeFile(second, 'TWICE=second # no comment\r\nURL=http://x/?a=b\n');
      const options = ['--env-file', first, '--env-file', second, '-e', 'FLAG=flag'];
      const env = { OWN: 'from here' };
      const ran = await hyperd.hyper(['run', '--rm', ...options, 'busybox', 'env'], { env });
      const lines = ran.stdout.split('\n').filter((line) => !/^(?:PATH|HOSTNAME|HOME)=/.test(line));
      const wanted = ['PLAIN=1', 'QUOTED="a b"  ', 'EMPTY=', 'TWICE=second # no comment', 'OWN=from here', 'FLAG=flag'];
      assert.deepEqual(lines.sort(), ['', ...wanted, 'URL=http://x/?a=b'].sort(), ran.stderr);
      const missing = await hyperd.hyper(['run', '--env-file', join(folder, 'nope'), 'busybox']);
      assert.equal(missing.code, 2);
      assert.match(missing.stderr, /^hyper: cannot read --env-file .*nope: /);
    } finally {
      await rm(folder, { recursive: true });
    }
  });

  it('ends like docker when the command is missing, not executable, or the user unknown', async () => {
    const run = async (...rest: string[]): ReturnType<TestHyperd['hyper']> =>
      await hyperd.hyper(['run', '--rm', '--name', 'never', ...rest]);
    const missing = await run('busybox', 'nope');
    assert.deepEqual([missing.code, missing.stdout], [127, '']);
    assert.match(missing.stderr, /^hyper: exec: "nope": executable file not found in \$PATH$/m);
    const folder = await run('busybox', '/etc');
    assert.equal(folder.code, 126);
    const user = await run('-u', 'nobody-here', 'busybox', 'true');
    assert.equal(user.code, 125);
    assert.match(user.stderr, /unable to find user nobody-here/);
    assert.equal((await hyperd.hyper(['inspect', 'never'])).code, 1); // other tests’ pods run beside these
  });

  it('lets the process know that its reader has gone', async () => {
    const [file, args, env] = hyperd.command(['run', '--rm', 'busybox', 'sh', '-c', 'yes; echo ended >&2']);
    const child = spawn(file, args, { env, stdio: ['ignore', 'pipe', 'pipe'] });
    let stderr = '';
    child.stderr.on('data', (chunk: Buffer) => (stderr += chunk.toString()));
    await once(child.stdout, 'data');
    child.stdout.destroy();
    await once(child, 'close');
    assert.match(stderr, /ended/);
  });

  it('runs in the background with -d, keeps the log, stops, starts again on the same disk', async () => {
    const script =
      'trap "echo bye; exit 3" TERM; old=$(cat /kept 2>/dev/null); echo kept >/kept; echo started $old; sleep 1000 & wait';
    const started = await hyperd.hyper(['run', '-d', '--name', 'service', 'busybox', 'sh', '-c', script]);
    assert.match(started.stdout, /^pod-[A-Za-z]{10}\n$/);
    assert.equal(started.stderr, '');
    const id = started.stdout.trim();
    assert.equal((await hyperd.hyper(['run', '--name', 'service', 'busybox'])).code, 125); // taken
    await untilLogged(hyperd, id, 'started');
    const stopped = await hyperd.hyper(['stop', id.slice(0, 9)]);
    assert.equal(stopped.code, 0, stopped.stderr);
    assert.equal((await hyperd.client.podWait(id)).exitCode, 3);
    assert.equal((await hyperd.hyper(['logs', 'service'])).stdout, 'started\nbye\n');
    assert.equal((await hyperd.hyper(['start', 'service'])).code, 0);
    await untilLogged(hyperd, id, 'started kept');
    assert.equal((await hyperd.hyper(['logs', '--tail', '1', 'service'])).stdout, 'started kept\n');
    assert.equal((await hyperd.hyper(['rm', 'service'])).code, 1);
    assert.equal((await hyperd.hyper(['kill', 'service'])).code, 0);
    assert.equal((await hyperd.hyper(['wait', 'service'])).stdout, '137\n');
    assert.equal((await hyperd.hyper(['rm', 'service'])).code, 0);
  });

  it('is one call of the API, refused in words, whose client may go before it has said what it wants', async () => {
    const made: string[] = [];
    const run = (containers: PodSpec['containers']): Promise<AttachSession> =>
      hyperd.client.podRun(
        { containers, autoRemove: true },
        {},
        { created: (id) => void made.push(id), output: () => undefined },
      );
    const session = await run([{ image: 'busybox', command: ['sh', '-c', 'exit 5'] }]);
    assert.equal(made.length, 1, 'its id is known before its end');
    assert.deepEqual(await session.exit, { type: 'exit', exitCode: 5 });
    await assert.rejects(run([{ image: 'nowhere/none' }]), { code: 'image_not_found', message: /^no such image: / });
    await assert.rejects(run([]), { code: 'bad_request', message: /^containers: / });
    const silent = await upgradeToWebSocket({ socketPath: hyperd.client.socketPath, target: '/v1/run' });
    silent.socket.destroy();
    assert.equal(made.length, 1);
  });

  it('leaves nothing behind', async () => {
    const { stdout } = await hyperd.hyper(['run', '--rm', 'busybox', 'hostname']);
    const name = stdout.trim();
    await hyperd.client.podInspect(name).then(
      () => assert.fail('the pod is still there'),
      (error: unknown) => assert.match(String(error), /no such pod/),
    );
  });
});
