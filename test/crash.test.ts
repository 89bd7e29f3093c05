import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { after, before, describe, it } from 'node:test';
import { type Finished, TestHyperd } from './support/hyperd.ts';

const total = 50_000_000;
/** What `yes | head -c total` writes. */
const expected = createHash('sha256').update(Buffer.alloc(total, 'y\n')).digest('hex');

describe('hyperd killed with SIGKILL', () => {
  let hyperd: TestHyperd;
  before(async () => {
    hyperd = await TestHyperd.start();
  });
  after(async () => await hyperd[Symbol.asyncDispose]());

  it('loses and doubles no byte of a pod’s output, and the guest waits without using the processor', async () => {
    const script = `yes | head -c ${total}; echo done >&2; sleep 1000`;
    const { stdout } = await hyperd.hyper(['run', '-d', '--name', 'writer', 'busybox', 'sh', '-c', script]);
    const pod = stdout.trim();
    for (let kills = 0; kills < 3; kills++) {
      await untilLogGrows(hyperd, pod);
      await hyperd.signal('SIGKILL');
      if (kills === 1) await assertIdle(hyperd);
      await hyperd.start();
    }
    const log = await wholeLog(hyperd, pod);
    assert.equal(log.stderr, 'done\n', hyperd.log);
    assert.equal(log.bytes, total);
    assert.equal(log.hash, expected);
    const alive = await hyperd.hyper(['exec', 'writer', 'echo', 'alive']);
    assert.equal(alive.stdout, 'alive\n');
    assert.equal((await hyperd.hyper(['rm', '-f', 'writer'])).code, 0);
  });

  it('goes on with the output of a pod that was started again, though the earlier run’s had ended', async () => {
    const script =
      'echo out; touch /tmp/ready; while [ ! -e /tmp/go ]; do usleep 10000; done; echo err >&2; sleep 1000';
    const pod = ['--name', 'again', '--tmpfs', '/tmp', 'busybox', 'sh', '-c', script];
    const started = await hyperd.hyper(['run', '-d', ...pod]);
    assert.equal(started.code, 0, started.stderr);
    const ready = ['exec', 'again', 'sh', '-c', 'until [ -e /tmp/ready ]; do usleep 10000; done'];
    assert.equal((await hyperd.hyper(ready)).code, 0);
    assert.equal((await hyperd.hyper(['stop', '-t', '0', 'again'])).code, 0);
    assert.equal((await hyperd.hyper(['start', 'again'])).code, 0);
    assert.equal((await hyperd.hyper(ready)).code, 0);
    await hyperd.signal('SIGKILL');
    await hyperd.start();
    await hyperd.hyper(['exec', 'again', 'touch', '/tmp/go']);
    const log = await wholeLog(hyperd, 'again');
    assert.equal(log.stderr, 'err\n');
    assert.equal(log.bytes, 'out\nout\n'.length);
    assert.equal((await hyperd.hyper(['rm', '-f', 'again'])).code, 0);
  });

  it('goes on with execs: those that run, those that ended while it was away, and those whose VM has gone', async () => {
    const { client } = hyperd;
    const run = ['run', '-d', '--name', 'host', '--stop-signal', 'KILL', 'busybox', 'sleep', '1000'];
    assert.equal((await hyperd.hyper(run)).code, 0);
    const start = async (...args: string[]): Promise<string> => {
      const { code, stdout, stderr } = await hyperd.hyper(['exec', '-d', 'host', ...args]);
      assert.equal(code, 0, stderr);
      return stdout.trim();
    };
    // More than its pipe and its window hold: who is not read stands still.
    const talker = await start('sh', '-c', 'head -c 3000000 /dev/zero; touch /talked; exec sleep 1000');
    const leaver = await start('sh', '-c', 'while [ ! -e /go ]; do usleep 10000; done; echo left >/left; exit 9');
    const waits = await client.execCreate('host', { args: ['sh', '-c', 'exit 3'] });
    const input = await client.execCreate('host', { args: ['sh', '-c', 'cat; exit 5'], stdin: true });
    const reader = await client.execAttach(input.id, {}, { output: () => undefined });
    reader.exit.catch(() => undefined); // it goes with hyperd
    const writer = await start(
      'sh',
      '-c',
      'until [ -e /write ]; do usleep 10000; done; head -c 3000000 /dev/zero; exit 4',
    );
    const old = await start('true');
    assert.equal((await client.execWait(old)).exitCode, 0);
    await start('sh', '-c', 'usleep 700000; touch /go');
    await hyperd.signal('SIGKILL');
    await wait(1500);
    await hyperd.start();
    assert.deepEqual(await client.execWait(leaver), { exitCode: 9, error: null });
    assert.equal((await client.execInspect(leaver)).state, 'exited');
    assert.deepEqual((await client.execWait(input.id)).exitCode, 5); // its stdin has gone with its client
    assert.equal((await client.execInspect(old)).exitCode, 0);
    assert.equal((await client.execInspect(talker)).state, 'running');
    await client.execStart(waits.id);
    assert.equal((await client.execWait(waits.id)).exitCode, 3);
    assert.equal((await hyperd.hyper(['exec', 'host', 'sh', '-c', 'touch /write; cat /left'])).stdout, 'left\n');
    assert.equal((await client.execWait(writer)).exitCode, 4);
    assert.deepEqual((await client.containerInspect('host')).execIds, [talker]);
    await client.execKill(talker, { killSignal: 'TERM' });
    assert.equal((await client.execWait(talker)).exitCode, 143);
    // A hyperd that leaves them; then one whose VM goes meanwhile.
    const last = await start('sleep', '1000');
    await hyperd.signal('SIGHUP');
    await hyperd.start();
    assert.equal((await client.execInspect(last)).state, 'running');
    await hyperd.signal('SIGKILL');
    for (const qemu of hyperd.vmProcesses()) process.kill(qemu, 'SIGKILL');
    await hyperd.start();
    const { exitCode, error } = await client.execWait(last);
    assert.equal(exitCode, 255);
    assert.match(error ?? '', /VM ended while hyperd was away/);
    assert.equal((await hyperd.hyper(['rm', 'host'])).code, 0);
    await assert.rejects(client.execInspect(last), /no such exec/);
    await hyperd.signal('SIGKILL');
    await hyperd.start();
    await assert.rejects(client.execInspect(last), /no such exec/);
  });

  it('is waited for by logs -f, events and wait, which miss and double nothing', async () => {
    const script = 'for n in 1 2 3; do until [ -e /go$n ]; do usleep 10000; done; echo line $n; done; exit 8';
    const run = ['run', '-d', '--name', 'told', '--restart', 'never', 'busybox', 'sh', '-c', script];
    assert.equal((await hyperd.hyper(run)).code, 0);
    const go = async (what: string): Promise<void> => {
      assert.equal((await hyperd.hyper(['exec', '-d', 'told', 'sh', '-c', what])).code, 0);
    };
    const follow = (...args: string[]) => {
      const [file, rest, env] = hyperd.command(args);
      const child = spawn(file, rest, { env, stdio: ['ignore', 'pipe', 'pipe'] });
      const follower = { child, out: '', err: '', ended: once(child, 'close') };
      child.stdout.on('data', (chunk: Buffer) => void (follower.out += chunk.toString()));
      child.stderr.on('data', (chunk: Buffer) => void (follower.err += chunk.toString()));
      return follower;
    };
    const format = ['--format', '{{.Action}} {{json .Attributes}}'];
    const logs = follow('logs', '-f', 'told');
    const tail = follow('logs', '-f', '--tail', '0', 'told');
    const events = follow('events', '--since', '0', '-f', 'container=told', ...format);
    const waits = follow('wait', 'told');
    const untilSeen = async (text: string, ...followers: { out: string; err: string }[]): Promise<void> => {
      for (const until = Date.now() + 30_000; followers.some(({ out, err }) => !`${out}${err}`.includes(text));) {
        assert.ok(Date.now() < until, JSON.stringify(followers.map(({ out, err }) => ({ out, err }))));
        await wait(20);
      }
    };
    await go('touch /go1');
    await untilSeen('line 1', logs);
    await untilSeen('exec_start', events);
    await go('usleep 500000; touch /go2'); // while nobody listens
    const all = [logs, tail, events, waits];
    await hyperd.signal('SIGKILL');
    await untilSeen('hyper: hyperd has gone: waiting for it\n', ...all);
    await wait(700);
    await hyperd.start();
    await untilSeen('line 2', logs, tail);
    await go('touch /go3');
    await Promise.all([logs, tail, waits].map(({ ended }) => ended));
    assert.equal(logs.out, 'line 1\nline 2\nline 3\n');
    assert.match(tail.out, /^(line 1\n)?line 2\nline 3\n$/);
    assert.deepEqual([waits.out, waits.child.exitCode], ['8\n', 0]);
    await untilSeen('\ndie ', events);
    events.child.kill();
    await events.ended;
    const whole = await hyperd.hyper(['events', '--since', '0', '--until', '0s', '-f', 'container=told', ...format]);
    assert.ok(whole.stdout.startsWith(events.out), `${events.out}\n---\n${whole.stdout}`); // an exec may end last
    assert.equal((await hyperd.hyper(['rm', 'told'])).code, 0);
  });

  it('shows what others use, and listens again, though a VM does not answer, and takes that back when it does', async () => {
    const run = async (name: string): Promise<number | null> =>
      (await hyperd.hyper(['run', '-d', '--name', name, '--stop-signal', 'KILL', 'busybox', 'sleep', '1000'])).code;
    assert.equal(await run('stuck'), 0);
    const [qemu] = hyperd.vmProcesses();
    assert.ok(qemu !== undefined);
    assert.equal(await run('fine'), 0);
    process.kill(qemu, 'SIGSTOP');
    try {
      const format = '{{.PodName}} {{.CPUPerc}} {{.PIDs}}';
      const stats = await hyperd.hyper(['stats', '--no-stream', '--format', format]);
      assert.match(stats.stdout, /^fine \d+\.\d+% 1$/m);
      assert.match(stats.stdout, /^stuck -- --$/m);
      assert.match(stats.stderr, /^hyper: pod stuck does not answer: .*\n$/);
      assert.equal(stats.code, 1);
      assert.equal((await hyperd.hyper(['rm', '-f', 'fine'])).code, 0);
      await hyperd.signal('SIGKILL');
      await hyperd.start();
      assert.match((await hyperd.hyper(['list'])).stdout, /stuck .* running/);
    } finally {
      process.kill(qemu, 'SIGCONT');
    }
    const exec = (): Promise<Finished> => hyperd.hyper(['exec', 'stuck', 'echo', 'back']);
    let back = await exec();
    for (const until = Date.now() + 20_000; back.code !== 0 && Date.now() < until;) back = await exec();
    assert.equal(back.stdout, 'back\n', back.stderr);
    assert.equal((await hyperd.hyper(['rm', '-f', 'stuck'])).code, 0);
  });

  it('has the next one finish what it was stopping: nothing is started again, nobody is asked twice', async () => {
    const start = async (name: string, onTerm: string): Promise<void> => {
      const script = `trap '${onTerm}' TERM; echo ready; while :; do usleep 50000; done`;
      const pod = ['--name', name, '--restart', 'always', 'busybox', 'sh', '-c', script];
      const started = await hyperd.hyper(['run', '-d', ...pod]);
      assert.equal(started.code, 0, started.stderr);
    };
    await Promise.all([start('slow', 'echo asked; sleep 2; exit 5'), start('deaf', 'echo asked')]);
    await Promise.all(['slow', 'deaf'].map((name) => untilLogged(hyperd, name, 'ready')));
    // The one as a pod, the other as a container.
    const stops = [hyperd.hyper(['stop', '-t', '60', 'slow']), hyperd.hyper(['stop', '-c', '-t', '4', 'deaf'])];
    await Promise.all(['slow', 'deaf'].map((name) => untilLogged(hyperd, name, 'asked')));
    await hyperd.signal('SIGKILL');
    await Promise.all(stops);
    await hyperd.start();
    for (const [name, exitCode] of [
      ['slow', 5],
      ['deaf', 137],
    ] as const) {
      assert.equal((await hyperd.client.podWait(name)).exitCode, exitCode, name);
      const { state, restarting, containers } = await hyperd.client.podInspect(name);
      const restarts = containers.map((each) => [each.restarts, each.restarting]);
      assert.deepEqual([state, restarting, restarts], ['failed', false, [[0, false]]], name);
      assert.equal((await hyperd.hyper(['logs', name])).stdout.match(/asked/g)?.length, 1, name);
      assert.equal((await hyperd.hyper(['rm', name])).code, 0);
    }
  });

  it('delivers an exit that happened while it was away', async () => {
    const script = 'while [ ! -e /go ]; do usleep 10000; done; echo last words; exit 9';
    const started = await hyperd.hyper(['run', '-d', '--name', 'leaver', 'busybox', 'sh', '-c', script]);
    assert.equal(started.code, 0, started.stderr);
    await hyperd.hyper(['exec', '-d', 'leaver', 'sh', '-c', 'usleep 700000; touch /go']);
    await hyperd.signal('SIGKILL');
    await wait(1500);
    await hyperd.start();
    assert.equal((await hyperd.client.podWait('leaver')).exitCode, 9);
    assert.equal((await hyperd.hyper(['logs', 'leaver'])).stdout, 'last words\n');
    assert.equal((await hyperd.hyper(['rm', 'leaver'])).code, 0);
  });
});

/** Resolves when a line is in the log of a pod that runs. */
async function untilLogged(hyperd: TestHyperd, pod: string, line: string): Promise<void> {
  const [file, args, env] = hyperd.command(['logs', '-f', pod]);
  const child = spawn(file, args, { env, stdio: ['ignore', 'pipe', 'ignore'] });
  let seen = '';
  const ended = once(child, 'close');
  child.stdout.on('data', (chunk: Buffer) => {
    seen += chunk.toString();
    if (seen.split('\n').includes(line)) child.kill('SIGKILL');
  });
  await ended;
}

/** Resolves when a follower of the log has seen more than a MiB of it. */
async function untilLogGrows(hyperd: TestHyperd, pod: string): Promise<void> {
  const [file, args, env] = hyperd.command(['logs', '-f', '--tail', '0', pod]);
  const child = spawn(file, args, { env, stdio: ['ignore', 'pipe', 'ignore'] });
  let seen = 0;
  const ended = once(child, 'close');
  child.stdout.on('data', (chunk: Buffer) => {
    seen += chunk.length;
    if (seen > 1 << 20) child.kill('SIGKILL');
  });
  await ended;
}

async function wholeLog(hyperd: TestHyperd, pod: string): Promise<{ bytes: number; hash: string; stderr: string }> {
  const [file, args, env] = hyperd.command(['logs', '-f', pod]);
  const child = spawn(file, args, { env, stdio: ['ignore', 'pipe', 'pipe'] });
  const hash = createHash('sha256');
  let bytes = 0;
  let stderr = '';
  child.stdout.on('data', (chunk: Buffer) => {
    hash.update(chunk);
    bytes += chunk.length;
  });
  const ended = once(child, 'close');
  child.stderr.on('data', (chunk: Buffer) => {
    stderr += chunk.toString();
    if (stderr.endsWith('\n')) child.kill(); // the process said that it is done, after all of its output
  });
  await ended;
  return { bytes, hash: hash.digest('hex'), stderr };
}

/** While the host is away the guest waits: its QEMU uses less than a tenth of a processor. */
async function assertIdle(hyperd: TestHyperd): Promise<void> {
  const pids = hyperd.vmProcesses();
  assert.equal(pids.length, 1, hyperd.log);
  const ticks = (): number => {
    const fields = readFileSync(`/proc/${pids[0]}/stat`, 'utf8').split(') ')[1]?.split(' ') ?? [];
    return Number(fields[11]) + Number(fields[12]);
  };
  // The windows fill and the emulator settles; then a second is watched.
  for (let before = -1, now = ticks(); now - before > 3; before = now, now = ticks()) await wait(200);
  const before = ticks();
  await wait(1000);
  assert.ok(ticks() - before < 10, `${ticks() - before} ticks in a second`);
}

/** Measuring over a span of time: nothing can be awaited when nothing is to happen. */
function wait(milliseconds: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, milliseconds));
}
