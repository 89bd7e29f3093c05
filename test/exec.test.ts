import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { createHash, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { text } from 'node:stream/consumers';
import { after, before, describe, it } from 'node:test';
import { encodeFrame, opcode } from '../src/client/frame-writer.ts';
import { upgradeToWebSocket } from '../src/client/websocket-upgrade.ts';
import type { ExecSpec } from '../src/contract/index.ts';
import { type Finished, type RunOptions, runProgram, TestHyperd } from './support/hyperd.ts';

const sha256 = (bytes: Buffer): string => createHash('sha256').update(bytes).digest('hex');

describe('hyper exec', () => {
  let hyperd: TestHyperd;
  let pod: string;

  before(async () => {
    hyperd = await TestHyperd.start();
    const options = ['--name', 'main', '-e', 'BASE=of-the-pod', '-w', '/home', '--ulimit', 'nofile=321:654'];
    // KILL: a `sleep` as PID 1 has no handler for TERM, and the end of this file would wait for it.
    const started = await hyperd.hyper([
      'run',
      '-d',
      ...options,
      '--stop-signal',
      'KILL',
      'busybox',
      'sleep',
      '100000',
    ]);
    assert.equal(started.code, 0, started.stderr);
    pod = started.stdout.trim();
  });
  after(async () => await hyperd[Symbol.asyncDispose]());

  const exec = (args: readonly string[], options?: RunOptions): Promise<Finished> =>
    hyperd.hyper(['exec', ...args], options);
  const shell = (script: string): Promise<Finished> => exec(['main', 'sh', '-c', script]);

  /** By the API: no CLI to start. */
  const viaApi = async (
    spec: ExecSpec,
  ): Promise<{ readonly id: string; readonly code: number; readonly out: string }> => {
    let [id, out] = ['', ''];
    const session = await hyperd.client.execRun(
      'main',
      spec,
      {},
      { started: (started) => (id = started), output: (_, bytes) => void (out += bytes.toString()) },
    );
    const end = await session.exit;
    assert.ok(end.type === 'exit');
    return { id, code: end.exitCode, out };
  };

  it('gives the output and ends with the process’s exit code', async () => {
    assert.deepEqual(await shell('echo out; echo err >&2; exit 7'), { code: 7, stdout: 'out\n', stderr: 'err\n' });
    for (const code of [0, 1, 125, 126, 127, 128, 255]) assert.equal((await shell(`exit ${code}`)).code, code);
  });

  it('is refused where its pod is not there, or what it is to be is nonsense', async () => {
    const run = (where: string, spec: object) =>
      // What a client of no types may send.
      hyperd.client.execRun(where, spec as ExecSpec, {}, { output: () => undefined });
    await assert.rejects(run('nowhere', { args: ['true'] }), { code: 'not_found', status: 404 });
    const session = await run('main', { args: 'true' });
    await assert.rejects(session.exit, { code: 'bad_request', message: /^args: / });
    const path = hyperd.client.socketPath;
    const upgraded = () => upgradeToWebSocket({ socketPath: path, target: '/v1/pods/main/exec' });
    const silent = await upgraded();
    silent.socket.destroy(); // before it has said anything
    const answer = async (frame: Buffer): Promise<string> => {
      const { socket } = await upgraded();
      socket.write(frame);
      return await text(socket);
    };
    assert.match(await answer(encodeFrame(opcode.text, Buffer.from('{'))), /the first message is not JSON/);
    assert.equal((await shell('exit 3')).code, 3);
  });

  it('knows every exit code from 0 to 255', async () => {
    const codes = Array.from({ length: 256 }, (_, code) => code);
    for (let at = 0; at < codes.length; at += 16) {
      const part = codes.slice(at, at + 16);
      const ended = await Promise.all(part.map((code) => viaApi({ args: ['sh', '-c', `exit ${code}`] })));
      assert.deepEqual(
        ended.map(({ code }) => code),
        part,
      );
    }
  });

  it('ends with 128 + n when signal n ended the process', async () => {
    for (const [signal, code] of [
      ['HUP', 129],
      ['INT', 130],
      ['ABRT', 134],
      ['KILL', 137],
      ['SEGV', 139],
      ['TERM', 143],
    ] as const) {
      assert.equal((await shell(`kill -${signal} $$; sleep 100`)).code, code, signal);
    }
  });

  it('says in docker’s words what could not be started, with docker’s codes', async () => {
    const missing = await exec(['main', 'nope']);
    assert.deepEqual([missing.code, missing.stdout], [127, '']);
    assert.match(missing.stderr, /^hyper: exec: "nope": executable file not found in \$PATH$/m);
    const absent = await exec(['main', '/bin/nope']);
    assert.equal(absent.code, 127);
    assert.match(absent.stderr, /^hyper: exec: "\/bin\/nope": .*no such file or directory$/m);
    const folder = await exec(['main', '/etc']);
    assert.equal(folder.code, 126);
    assert.match(folder.stderr, /^hyper: exec: "\/etc": .*(permission denied|is a directory)$/m);
    const place = await exec(['-w', '/not/there', 'main', 'true']);
    assert.equal(place.code, 126);
    assert.match(place.stderr, /chdir to cwd \("\/not\/there"\) .*no such file or directory/);
    const user = await exec(['-u', 'nobody-here', 'main', 'true']);
    assert.equal(user.code, 125);
    assert.match(user.stderr, /unable to find user nobody-here: no matching entries in passwd file/);
    const group = await exec(['-u', '0:nobodies', 'main', 'true']);
    assert.equal(group.code, 125);
    assert.match(group.stderr, /unable to find group nobodies: no matching entries in group file/);
  });

  it('tells the API the same codes for what could not be started', async () => {
    for (const [args, code] of [
      [['nope'], 127],
      [['/etc'], 126],
    ] as const) {
      const { id } = await hyperd.client.execCreate('main', { args: [...args] });
      await assert.rejects(hyperd.client.execStart(id));
      const { state, exitCode } = await hyperd.client.execInspect(id);
      assert.deepEqual([state, exitCode], ['exited', code]);
    }
  });

  it('has the pod’s environment and folder, and what the options change of them', async () => {
    const plain = await shell('echo $BASE; pwd; hostname; id -u');
    assert.equal(plain.stdout, 'of-the-pod\n/home\nmain\n0\n', plain.stderr);
    const options = ['-e', 'BASE=changed', '-e', 'HERE', '-e', 'EMPTY=', '-w', '/tmp', '-u', 'daemon'];
    const script = 'echo $BASE $HERE ${EMPTY-unset}; pwd; id -u; id -g';
    const changed = await exec([...options, 'main', 'sh', '-c', script], { env: { HERE: 'from-here' } });
    assert.equal(changed.stdout, 'changed from-here\n/tmp\n1\n1\n', changed.stderr);
  });

  it('takes a user by name, uid, and uid:gid, with HOME and without root’s powers', async () => {
    const script = 'id -u; id -g; echo $HOME; grep CapEff /proc/self/status | cut -f 2';
    const as = async (user: string): Promise<string[]> =>
      (await exec(['-u', user, 'main', 'sh', '-c', script])).stdout.trim().split('\n');
    assert.deepEqual(await as('root'), ['0', '0', '/root', '00000000a80425fb']);
    assert.deepEqual(await as('4321:8765'), ['4321', '8765', '/', '0000000000000000']);
    assert.deepEqual(await as('4321'), ['4321', '0', '/', '0000000000000000']);
    assert.deepEqual((await as('daemon:users')).slice(0, 2), ['1', '100']);
  });

  it('has the limits that the pod was given', async () => {
    assert.equal((await shell('ulimit -Sn; ulimit -Hn')).stdout, '321\n654\n');
  });

  it('takes stdin whole with -i, and gives it back byte for byte', async () => {
    const bytes = randomBytes(4_000_000);
    const { code, stdout } = await exec(['-i', 'main', 'cat'], { input: bytes });
    assert.equal(code, 0);
    assert.equal(sha256(Buffer.from(stdout, 'latin1')), sha256(bytes));
    const counted = await exec(['-i', 'main', 'sha256sum'], { input: bytes });
    assert.equal(counted.stdout.split(' ')[0], sha256(bytes));
  });

  it('leaves stdin alone without -i', async () => {
    assert.deepEqual(await exec(['main', 'cat'], { input: 'for nobody' }), { code: 0, stdout: '', stderr: '' });
  });

  it('ends in time when the process does not read its stdin', async () => {
    const { code } = await exec(['-i', 'main', 'sh', '-c', 'exit 4'], { input: Buffer.alloc(1_000_000) });
    assert.equal(code, 4);
  });

  it('keeps stdout and stderr apart, every byte as it was', async () => {
    const script = 'i=0; while [ $i -lt 256 ]; do printf "\\\\$(printf %03o $i)"; i=$((i+1)); done';
    const all = Buffer.from(Array.from({ length: 256 }, (_, byte) => byte));
    const { stdout, stderr } = await shell(`${script}; head -c 100000 /dev/zero | tr "\\\\0" e >&2`);
    assert.deepEqual(Buffer.from(stdout, 'latin1'), all);
    assert.equal(stderr, 'e'.repeat(100_000));
  });

  it('loses nothing of 20 MB written right before the end', async () => {
    const { code, stdout } = await shell('head -c 20000000 /dev/zero; printf end; exit 3');
    assert.equal(code, 3);
    assert.equal(stdout.length, 20_000_003);
    assert.ok(stdout.endsWith('\0end'));
  });

  it('ends with its process, though a child of it still holds the output', async () => {
    assert.deepEqual(await shell('sleep 1000 & echo left'), { code: 0, stdout: 'left\n', stderr: '' });
  });

  it('runs in the background with -d', async () => {
    const detached = await exec(['-d', 'main', 'sh', '-c', 'echo done >/tmp/part; mv /tmp/part /tmp/detached']);
    assert.match(detached.stdout, /^[0-9a-f]{64}\n$/);
    assert.deepEqual({ ...detached, stdout: '' }, { code: 0, stdout: '', stderr: '' });
    const seen = await shell('until [ -e /tmp/detached ]; do usleep 20000; done; cat /tmp/detached');
    assert.equal(seen.stdout, 'done\n');
    assert.equal((await exec(['-d', 'main', 'nope'])).code, 127);
  });

  it('runs in the VM itself with --vm: other mounts, the agent as PID 1, and more than a container may', async () => {
    const script = 'readlink /proc/self/ns/mnt; cat /proc/1/comm; id -u; grep CapEff /proc/self/status | cut -f 2';
    const inside = (await shell(script)).stdout.split('\n');
    const outside = (await exec(['--vm', 'main', 'sh', '-c', script])).stdout.split('\n');
    assert.match(outside[0] ?? '', /^mnt:\[\d+\]$/);
    assert.notEqual(outside[0], inside[0]);
    assert.deepEqual([inside[1], outside[1]], ['sleep', 'init']);
    assert.equal(outside[2], '0');
    assert.match(outside[3] ?? '', /^0+1ff[f]+$/);
    const kernel = await exec(['--vm', 'main', 'dmesg']);
    assert.match(kernel.stdout, /Linux version/);
    assert.equal((await exec(['--vm', 'main', 'sh', '-c', 'exit 9'])).code, 9);
  });

  it('finds the pod by name, by id, by the beginning of either id', async () => {
    const { containers } = await hyperd.client.podInspect(pod);
    const container = containers[0]?.id ?? '';
    for (const name of ['main', pod, pod.slice(0, 8), pod.slice(4, 9), container, container.slice(0, 12)]) {
      assert.equal((await exec([name, 'echo', 'found'])).stdout, 'found\n', name);
    }
  });

  it('refuses names that fit none or several, and a pod that does not run', async () => {
    const created = await hyperd.hyper(['create', '--name', 'idle', 'busybox', 'true']);
    assert.equal(created.code, 0, created.stderr);
    const several = await exec(['pod-', 'true']);
    assert.equal(several.code, 125);
    assert.match(several.stderr, /^hyper: pod- fits 2 pods \(pod-\w{10}, pod-\w{10}\): give more of the id$/m);
    const none = await exec(['nowhere', 'true']);
    assert.equal(none.code, 125);
    assert.match(none.stderr, /^hyper: no such pod or container: nowhere: see 'hyper list'$/m);
    const idle = await exec(['idle', 'true']);
    assert.equal(idle.code, 125);
    assert.match(idle.stderr, /^hyper: pod idle does not run: start it first$/m);
    assert.equal((await hyperd.hyper(['rm', 'idle'])).code, 0);
  });

  it('runs 50 one after another', async () => {
    for (let count = 0; count < 50; count++) {
      const { code, out } = await viaApi({ args: ['echo', String(count)] });
      assert.deepEqual([code, out], [0, `${count}\n`]);
    }
  });

  it('runs 10 at once, each with its own output and end', async () => {
    const numbers = Array.from({ length: 10 }, (_, number) => number);
    const script = 'i=0; while [ $i -lt 200 ]; do echo $0; i=$((i+1)); done; exit $0';
    const ended = await Promise.all(numbers.map((number) => exec(['main', 'sh', '-c', script, String(number)])));
    for (const [number, { code, stdout }] of ended.entries()) {
      assert.equal(code, number);
      assert.equal(stdout, `${number}\n`.repeat(200));
    }
  });

  it('holds only the process whose reader stalls', async () => {
    const [file, args, env] = hyperd.command(['exec', 'main', 'yes', 'stalled']);
    const stalled = spawn(file, args, { env, stdio: ['ignore', 'pipe', 'ignore'] }); // nobody reads its stdout
    const script = 'until grep -q pipe_w /proc/$(pidof yes)/wchan; do usleep 50000; done 2>/dev/null; echo held';
    assert.equal((await shell(script)).stdout, 'held\n');
    const other = await shell('head -c 3000000 /dev/zero');
    assert.equal(other.stdout.length, 3_000_000);
    // It goes on when it is read again.
    let read = 0;
    for await (const chunk of stalled.stdout) {
      read += (chunk as Buffer).length;
      if (read > 10_000_000) break;
    }
    await once(stalled, 'close');
    await shell('pidof yes && killall yes');
  });

  it('ends `exec yes | head -n 1` and its process', async () => {
    const [file, args, env] = hyperd.command(['exec', 'main', 'yes']);
    const piped = await runProgram('/bin/sh', ['-c', '"$@" | head -n 1', 'sh', file, ...args], env);
    assert.deepEqual([piped.code, piped.stdout], [0, 'y\n'], piped.stderr);
    assert.equal((await shell('pidof yes')).code, 1);
  });

  it('passes the signals that the client gets on to the process', async () => {
    for (const [signal, name] of [
      ['SIGINT', 'INT'],
      ['SIGTERM', 'TERM'],
      ['SIGUSR1', 'USR1'],
    ] as const) {
      const script = `trap "echo got ${name}; exit 9" ${name}; echo ready; sleep 1000 & wait`;
      const [file, args, env] = hyperd.command(['exec', 'main', 'sh', '-c', script]);
      const child = spawn(file, args, { env, stdio: ['ignore', 'pipe', 'inherit'] });
      let out = '';
      child.stdout.on('data', (chunk: Buffer) => {
        out += chunk.toString();
        if (out === 'ready\n') child.kill(signal);
      });
      await once(child, 'close');
      assert.deepEqual([child.exitCode, out], [9, `ready\ngot ${name}\n`]);
    }
  });

  it('can be inspected before, while and after it runs, and started only once', async () => {
    const { client } = hyperd;
    const { id } = await client.execCreate('main', { args: ['sh', '-c', 'read x; exit $x'], stdin: true });
    const before = await client.execInspect(id);
    const { containers } = await client.podInspect(pod);
    assert.deepEqual(before, {
      id,
      podId: pod,
      containerId: containers[0]?.id,
      args: ['sh', '-c', 'read x; exit $x'],
      state: 'created',
      exitCode: null,
      error: null,
    });
    const session = await client.execAttach(id, {}, { output: () => undefined });
    session.stdin.write('42');
    await until(async () => (await client.execInspect(id)).state === 'running');
    session.stdin.end('\n');
    assert.deepEqual(await session.exit, { type: 'exit', exitCode: 42 });
    const ended = await client.execInspect(id);
    assert.deepEqual([ended.state, ended.exitCode], ['exited', 42]);
    await assert.rejects(client.execStart(id), /started before/);
    await assert.rejects(client.execInspect('nowhere'), /no such exec: nowhere/);
  });

  it('goes on by the id that -d prints: it is inspected, listed, resized, signalled and waited for', async () => {
    const { client } = hyperd;
    const script = 'trap "stty size >/tmp/size; exit 6" USR1; touch /tmp/ready; while :; do usleep 10000; done';
    const id = (await exec(['-d', '-t', 'main', 'sh', '-c', script])).stdout.trim();
    await shell('until [ -e /tmp/ready ]; do usleep 10000; done');
    const inspected = async (...options: string[]): Promise<string> =>
      (await hyperd.hyper(['inspect', ...options, '-f', '{{.state}} {{.exitCode}}', id.slice(0, 20)])).stdout;
    assert.match(await inspected(), /^running /);
    assert.deepEqual((await client.containerInspect('main')).execIds, [id]);
    const ended = client.execWait(id);
    await client.execResize(id, { rows: 33, cols: 44 });
    await assert.rejects(client.execKill(id, { killSignal: 'NOPE' }), /NOPE/);
    await client.execKill(id, { killSignal: 'USR1' });
    assert.deepEqual(await ended, { exitCode: 6, error: null });
    assert.equal((await shell('cat /tmp/size')).stdout, '33 44\n');
    assert.equal(await inspected('--type', 'exec'), 'exited 6\n');
    assert.deepEqual((await client.containerInspect('main')).execIds, []);
    await assert.rejects(client.execKill(id), /has ended/);
    const none = await hyperd.hyper(['inspect', '--type', 'exec', 'main']);
    assert.deepEqual([none.code, none.stderr], [1, "hyper: no such exec: main: see 'hyper list' and 'hyper images'\n"]);
    const format = '{{.Type}} {{.Name}} {{.Action}} {{json .Attributes}}';
    const events = await hyperd.hyper(['events', '--since', '1h', '--until', '0s', '--format', format]);
    assert.deepEqual(
      events.stdout.split('\n').filter((line) => line.includes(id)),
      [
        `container main exec_create {"execID":"${id}"}`,
        `container main exec_start {"execID":"${id}"}`,
        `container main exec_die {"execID":"${id}","exitCode":"6"}`,
      ],
    );
  });

  it('ends with 137 when its pod is killed, and is refused afterwards', async () => {
    const [file, args, env] = hyperd.command(['exec', 'main', 'sh', '-c', 'echo ready; sleep 1000']);
    const child = spawn(file, args, { env, stdio: ['ignore', 'pipe', 'inherit'] });
    await once(child.stdout, 'data');
    const closed = once(child, 'close');
    assert.equal((await hyperd.hyper(['kill', 'main'])).code, 0);
    await closed;
    assert.equal(child.exitCode, 137);
    assert.equal((await hyperd.hyper(['wait', 'main'])).stdout, '137\n');
    const refused = await shell('true');
    assert.equal(refused.code, 125);
    assert.match(refused.stderr, /pod main does not run: start it first/);
  });
});

/** Asks again until the answer is yes: for what tells nobody when it comes. */
async function until(ask: () => Promise<boolean>): Promise<void> {
  const deadline = Date.now() + 20_000;
  while (!(await ask())) assert.ok(Date.now() < deadline, 'it did not come');
}
