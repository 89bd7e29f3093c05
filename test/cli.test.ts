import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { cliBuilds } from './cli/cli-builds.ts';
import { images } from './cli/fake-image.ts';
import { FakeHyperd } from './cli/fake-hyperd.ts';
import { collectResult, runCli, spawnCli } from './cli/run-cli.ts';

for (const build of cliBuilds) {
  describe(`hyper, ${build.name}`, { timeout: 120_000 }, () => {
    const hyper = (fake: FakeHyperd, args: readonly string[], input?: Buffer | string) =>
      runCli(build, args, { HYPER_HOST: `unix://${fake.socket}` }, input);

    const anyPod = async (fake: FakeHyperd): Promise<string> => {
      const [known] = fake.pods.keys();
      return known ?? (await hyper(fake, ['run', '-d', 'busybox', 'cat'])).stdout.toString().trim();
    };

    it('prints the output as it is, the pod’s id on stderr, and exits with the process’s code', async () => {
      await using fake = await FakeHyperd.start();
      const said = await hyper(fake, ['run', 'busybox', 'say', 'hello']);
      assert.equal(said.stdout.toString(), 'hello');
      assert.equal(said.stderr, 'POD id is pod-abcdefghiA\nto stderr\n');
      assert.equal(said.code, 0);
      assert.equal((await hyper(fake, ['run', 'busybox', 'exit', '7'])).code, 7);
      assert.equal((await hyper(fake, ['exec', 'pod-abcdefghiA', 'exit', '9'])).code, 9);
      assert.equal((await hyper(fake, ['start', '-a', 'pod-abcdefghiB'])).code, 7);
    });

    it('prints only the id with -d', async () => {
      await using fake = await FakeHyperd.start();
      const run = await hyper(fake, ['run', '-d', 'busybox', 'exit', '7']);
      assert.deepEqual([run.stdout.toString(), run.stderr, run.code], ['pod-abcdefghiA\n', '', 0]);
    });

    it('says by 125, 126 and 127 that the process could not be started', async () => {
      await using fake = await FakeHyperd.start();
      for (const [code, exitCode] of [
        ['cannot_start', 125],
        ['command_not_executable', 126],
        ['command_not_found', 127],
      ] as const) {
        const run = await hyper(fake, ['run', 'busybox', 'fail', code]);
        assert.equal(run.code, exitCode);
        assert.match(run.stderr, new RegExp(`^hyper: cannot start: ${code}$`, 'm'));
      }
      assert.equal((await hyper(fake, ['exec', 'nope', 'true'])).code, 125);
      assert.equal((await hyper(fake, ['wait', 'nope'])).code, 1);
    });

    it('sends a pipe whole and closes it, byte for byte, 100 MB', async () => {
      await using fake = await FakeHyperd.start();
      const input = Buffer.alloc(100_000_000);
      for (let at = 0; at < input.length; at += 4) input.writeUInt32LE(Math.imul(at, 2654435761) >>> 0, at);
      const echo = await hyper(fake, ['run', '-i', 'busybox', 'cat'], input);
      assert.equal(echo.code, 0, echo.stderr);
      assert.equal(echo.stdout.length, input.length);
      const digest = (bytes: Buffer): string => createHash('sha256').update(bytes).digest('hex');
      assert.equal(digest(echo.stdout), digest(input));
    });

    it('sees the end of a pipe, whenever it comes', async () => {
      await using fake = await FakeHyperd.start();
      for (let round = 0; round < 10; round++) {
        const input = Buffer.alloc(3_000_000 + round * 11_111, 'x');
        const echo = await hyper(fake, ['exec', '-i', await anyPod(fake), 'cat'], input);
        assert.deepEqual([echo.code, echo.stdout.length], [0, input.length]);
        const load = await hyper(fake, ['load'], input);
        assert.equal(load.stdout.toString(), `Loaded image: loaded:${input.length}\n`);
      }
    });

    it('leaves stdin alone without -i', async () => {
      await using fake = await FakeHyperd.start();
      await hyper(fake, ['run', 'busybox', 'exit', '0'], 'mine');
      assert.match(JSON.stringify(fake.bodies[0]), /"stdin":false/);
    });

    it('tells the process that its reader has gone, and exits with its code', async () => {
      await using fake = await FakeHyperd.start();
      const child = spawnCli(build, ['run', 'busybox', 'flood'], { HYPER_HOST: fake.socket });
      await once(child.stdout, 'data');
      child.stdout.destroy();
      await once(child, 'exit');
      assert.equal(child.exitCode, 42);
    });

    it('waits for a slow reader without holding the output in memory', async () => {
      await using fake = await FakeHyperd.start();
      const child = spawnCli(build, ['run', 'busybox', 'flood', '200015872'], { HYPER_HOST: fake.socket });
      child.stdout.pause();
      await once(child.stderr, 'data');
      const seconds = 1;
      await new Promise((resolve) => setTimeout(resolve, seconds * 1000)); // long enough to fill any buffer
      const status = await readFile(`/proc/${child.pid ?? 0}/status`, 'utf8');
      const residentKb = Number(/VmRSS:\s+(\d+)/.exec(status)?.[1]);
      assert.ok(residentKb < 150_000, `${residentKb} kB`);
      child.stdout.resume();
      const result = await collectResult(child);
      assert.equal(result.stdout.length, 200_015_872);
      assert.equal(result.code, 0);
    });

    it('passes signals on to the process', async () => {
      await using fake = await FakeHyperd.start();
      const child = spawnCli(build, ['run', 'busybox', 'report'], { HYPER_HOST: fake.socket });
      const result = collectResult(child);
      await once(child.stdout, 'data');
      for (const signal of ['SIGHUP', 'SIGINT', 'SIGQUIT', 'SIGUSR1', 'SIGUSR2'] as const) {
        child.kill(signal);
        await once(child.stdout, 'data');
      }
      child.kill('SIGTERM');
      const { stdout, code } = await result;
      assert.deepEqual(stdout.toString().match(/SIG\w+/g), [
        'SIGHUP',
        'SIGINT',
        'SIGQUIT',
        'SIGUSR1',
        'SIGUSR2',
        'SIGTERM',
      ]);
      assert.equal(code, 143);
    });

    it('ends at the third Ctrl-C when the daemon answers none', async () => {
      await using fake = await FakeHyperd.start();
      const child = spawnCli(build, ['run', 'busybox', 'deaf'], { HYPER_HOST: fake.socket });
      const ended = once(child, 'exit');
      await once(child.stdout, 'data');
      const again = setInterval(() => child.kill('SIGINT'), 100);
      await ended;
      clearInterval(again);
      assert.equal(child.exitCode, 130);
    });

    it('undoes a run that a signal ends before the process has started', async () => {
      await using fake = await FakeHyperd.start();
      const child = spawnCli(build, ['run', '--rm', 'busybox', 'never-starts'], { HYPER_HOST: fake.socket });
      const ended = once(child, 'exit');
      await once(child.stderr, 'data');
      child.kill('SIGINT');
      await ended;
      assert.equal(child.exitCode, 130);
      assert.ok(fake.requests.includes('DELETE /v1/pods/pod-abcdefghiA?force=1'), fake.requests.join());
    });

    it('fails when the connection is lost', async () => {
      await using fake = await FakeHyperd.start();
      const lost = await hyper(fake, ['run', '-i', 'busybox', 'break'], 'x');
      assert.equal(lost.code, 125);
      assert.match(lost.stderr, /^hyper: lost the connection to the Hyper daemon/m);
    });

    it('pulls an image that is not there, line by line where there is no terminal', async () => {
      await using fake = await FakeHyperd.start();
      const layer = { type: 'layer', digest: `sha256:${'c'.repeat(64)}`, currentBytes: 0, totalBytes: 10 } as const;
      fake.pullEvents = [
        { ...layer, status: 'downloading' },
        { ...layer, status: 'downloading', currentBytes: 5 },
        { ...layer, status: 'done', currentBytes: 10 },
        { type: 'done', image: images.alpine, reference: 'alpine', changed: true },
      ];
      const run = await hyper(fake, ['run', 'alpine', 'exit', '3']);
      assert.equal(run.code, 3);
      assert.deepEqual(run.stderr.split('\n').slice(0, 4), [
        "Unable to find image 'alpine' locally",
        'cccccccccccc: Downloading',
        'cccccccccccc: Pull complete',
        'POD id is pod-abcdefghiA',
      ]);
      const never = await hyper(fake, ['run', '--pull', 'never', 'debian']);
      assert.deepEqual([never.code, never.stderr], [125, 'hyper: no such image: debian\n']);
      const quiet = await hyper(fake, ['pull', '-q', 'alpine']);
      assert.deepEqual([quiet.stdout.toString(), quiet.stderr], ['alpine\n', '']);
    });

    it('passes the options of a run on', async () => {
      await using fake = await FakeHyperd.start();
      const file = join(fake.folder, 'env');
      await writeFile(file, '# comment\n\nFILE=1 2\nOWN\nABSENT\n');
      const args = ['run', '-d', '--rm', '--name', 'web', '-e', 'A=b', '-e', 'OWN', '--env-file', file, '-w', '/srv'];
      const more = ['-u', '1:2', '--entrypoint', '/bin/e', '--hostname', 'h', '--cpu', '2', '--memory', '2g'];
      const last = [
        '--storage',
        '512',
        '--read-only',
        '--label',
        'k=v',
        '--tmpfs',
        '/t:size=1m',
        '--ulimit',
        'nofile=5:6',
      ];
      const run = await runCli(build, [...args, ...more, ...last, 'busybox', 'ls', '-la'], {
        HYPER_HOST: fake.socket,
        OWN: 'own',
      });
      assert.equal(run.code, 0, run.stderr);
      assert.deepEqual(fake.bodies[0], {
        name: 'web',
        hostname: 'h',
        vcpus: 2,
        memoryMiB: 2048,
        storageMiB: 512,
        labels: { k: 'v' },
        autoRemove: true,
        containers: [
          {
            image: 'busybox',
            entrypoint: ['/bin/e'],
            command: ['ls', '-la'],
            env: ['FILE=1 2', 'OWN=own', 'A=b'],
            workdir: '/srv',
            user: '1:2',
            readOnly: true,
            tmpfs: [{ path: '/t', options: 'size=1m' }],
            ulimits: [{ name: 'nofile', soft: 5, hard: 6 }],
            tty: false,
            stdin: false,
          },
        ],
      });
    });

    it('names the nearest command or flag for one that is not there, with exit code 2', async () => {
      const run = (...args: string[]) => runCli(build, args, {});
      for (const [args, line] of [
        [['rnu'], "hyper: unknown command 'rnu': did you mean run?\n"],
        [['run', '--nmae', 'x', 'busybox'], "hyper: unknown option '--nmae': did you mean --name?\n"],
        [['run', '--memory', 'lots', 'busybox'], /^hyper: --memory is 'lots': give a number of MB/],
        [['run'], "hyper: missing required argument 'image': see 'hyper run --help'\n"],
        [['run', '-it', 'busybox'], /^hyper: the input device is not a TTY/],
        [['run', '--detach-keys', 'ctrl-1', 'busybox'], /^hyper: --detach-keys is 'ctrl-1'/],
      ] as const) {
        const result = await run(...args);
        assert.equal(result.code, 2, args.join(' '));
        if (typeof line === 'string') assert.equal(result.stderr, line);
        else assert.match(result.stderr, line);
      }
      assert.equal((await run('--help')).code, 0);
      assert.match((await run('help', 'run')).stdout.toString(), /--detach-keys <keys>/);
      assert.match((await run()).stdout.toString(), /Usage: hyper/);
    });

    it('lists pods in the first Hyper’s columns, or as asked', async () => {
      await using fake = await FakeHyperd.start();
      await hyper(fake, ['run', '-d', 'busybox', 'true']);
      const list = async (...args: string[]) => (await hyper(fake, ['list', ...args])).stdout.toString();
      assert.equal(
        await list(),
        '         POD ID                      POD Name             VM name    Status\n' +
          ' pod-abcdefghiA            busybox-0123456789                       pending\n',
      );
      assert.equal(await list('-q'), 'pod-abcdefghiA\n');
      assert.equal(await list('--format', '{{.ID}} {{upper .Status}}'), 'pod-abcdefghiA PENDING\n');
      assert.equal(
        await list('--format', 'table {{.ID}}\\t{{.Image}}'),
        'POD ID           IMAGE\npod-abcdefghiA   busybox\n',
      );
      assert.equal((await hyper(fake, ['ps', '--format', '{{.Nmae}}'])).code, 2);
    });

    it('lists images with short ids, or whole ones', async () => {
      await using fake = await FakeHyperd.start();
      const list = async (...args: string[]) => (await hyper(fake, ['images', ...args])).stdout.toString();
      assert.match(await list(), /^REPOSITORY +TAG +IMAGE ID +CREATED +SIZE\nbusybox +latest +a{12} .* 4\.27MB\n$/);
      assert.match(await list('--no-trunc', '-q'), /^sha256:a{64}\n$/);
      assert.equal(await list('--format', '{{.Repository}}:{{.Tag}}', 'busybox'), 'busybox:latest\n');
    });

    it('attaches to what runs already, with its stdin', async () => {
      await using fake = await FakeHyperd.start();
      await hyper(fake, ['run', '-d', '-i', 'busybox', 'cat']);
      fake.setRunning('pod-abcdefghiA');
      const attach = await hyper(fake, ['attach', 'pod-abcdefghiA'], 'typed');
      assert.deepEqual([attach.stdout.toString(), attach.code], ['typed', 0]);
    });

    it('prints logs on their own streams, with times as asked', async () => {
      await using fake = await FakeHyperd.start();
      await hyper(fake, ['run', '-d', '--name', 'pod', 'busybox', 'true']);
      const logs = await hyper(fake, ['logs', '--tail', '5', '--since', '2026-01-01T00:00:00Z', 'pod-abcdefghiA']);
      assert.deepEqual([logs.stdout.toString(), logs.stderr], ['to stdout\n', 'to stderr\n']);
      assert.equal(fake.requests.at(-1), 'GET /v1/pods/pod-abcdefghiA/logs?tail=5&since=2026-01-01T00%3A00%3A00Z');
      const stamped = await hyper(fake, ['logs', '-t', 'pod-abcdefghiA']);
      assert.equal(stamped.stdout.toString(), '2026-01-01T00:00:00.123456789Z to stdout\n');
    });

    it('does what was asked to each pod, and fails when one failed', async () => {
      await using fake = await FakeHyperd.start();
      await hyper(fake, ['run', '-d', 'busybox', 'true']);
      const stopped = await hyper(fake, ['stop', '-t', '3', 'nope', 'pod-abcdefghiA']);
      assert.equal(stopped.stdout.toString(), 'pod-abcdefghiA\n');
      assert.equal(stopped.stderr, "hyper: no such pod: nope: see 'hyper list'\n");
      assert.equal(stopped.code, 1);
      assert.equal((await hyper(fake, ['wait', 'pod-abcdefghiA'])).stdout.toString(), '7\n');
    });

    it('reads no file of the folder it is called in', async () => {
      const folder = await mkdtemp(join(tmpdir(), 'hyper-cli-'));
      try {
        await writeFile(join(folder, '.env'), 'HYPER_HOST=nonsense\n');
        await writeFile(join(folder, 'bunfig.toml'), 'preload = ["./preload.js"]\n');
        await writeFile(join(folder, 'preload.js'), 'console.log("preloaded")\n');
        const line = ['cd', folder, '&&', ...build.command, 'images'].join(' ');
        const child = spawnCli({ name: 'sh', command: ['/bin/sh', '-c', line] }, [], { HYPER_AUTOSTART: '0' });
        const { stdout, stderr } = await collectResult(child);
        // Whether this machine has a daemon of its own is all one.
        assert.doesNotMatch(stdout.toString() + stderr, /nonsense|preloaded/);
        assert.match(stdout.toString() + stderr, /^(?:REPOSITORY |hyper: Cannot connect to the Hyper daemon)/);
      } finally {
        await rm(folder, { recursive: true });
      }
    });
  });
}
