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

  it('listens again though a VM does not answer, and takes that back when it does', async () => {
    assert.equal((await hyperd.hyper(['run', '-d', '--name', 'stuck', 'busybox', 'sleep', '1000'])).code, 0);
    const [qemu] = hyperd.vmProcesses();
    assert.ok(qemu !== undefined);
    await hyperd.signal('SIGKILL');
    process.kill(qemu, 'SIGSTOP');
    try {
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
