import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { after, before, describe, it } from 'node:test';
import type { ExecSpec } from '../src/contract/index.ts';
import { outputOf, TestHyperd } from './support/hyperd.ts';

/** How many execs are under way at once: each client has a connection, and the guest a process. */
const width = 25;

describe('the guest’s agent under load', { concurrency: 1, timeout: 400_000 }, () => {
  let hyperd: TestHyperd;
  before(async () => {
    hyperd = await TestHyperd.start();
    await hyper('run', '-d', '--name', 'busy', '--stop-signal', 'KILL', 'busybox', 'sleep', '100000');
  });
  after(async () => await hyperd[Symbol.asyncDispose]());

  const hyper = (...args: string[]): Promise<string> => outputOf(hyperd, args);

  /** What PID 1 of the guest has: resident KiB, open files, and how many processes there are besides threads of the kernel. */
  const agent = async (): Promise<{ readonly kib: number; readonly files: number; readonly processes: number }> => {
    const count =
      'n=0; for p in /proc/[0-9]*; do [ -n "$(head -c 1 $p/cmdline 2>/dev/null)" ] && n=$((n+1)); done; echo $n';
    const script = `awk '/^VmRSS/ { print $2 }' /proc/1/status; ls /proc/1/fd | wc -l; ${count}`;
    const [kib = 0, files = 0, processes = 0] = (await hyper('exec', '--vm', 'busy', 'sh', '-c', script))
      .split('\n')
      .map(Number);
    return { kib, files, processes };
  };

  /** @param taken may wait: nothing more is read meanwhile */
  const exec = async (
    spec: ExecSpec,
    taken: (chunk: Buffer) => void | Promise<void>,
  ): Promise<{ readonly exitCode: number }> => {
    const { id } = await hyperd.client.execCreate('busy', spec);
    const session = await hyperd.client.execAttach(id, {}, { output: (_, chunk) => taken(chunk) });
    const end = await session.exit;
    assert.ok(end.type === 'exit');
    return end;
  };

  it('runs 1,000 short execs, and has neither grown nor kept anything of them', async () => {
    const one = async (number: number): Promise<void> => {
      let said = '';
      const { exitCode } = await exec({ args: ['sh', '-c', `echo ${number}; exit ${number % 256}`] }, (chunk) => {
        said += chunk.toString();
      });
      assert.deepEqual([said, exitCode], [`${number}\n`, number % 256]);
    };
    await inTurns(width, one); // what is made once is there
    const start = await agent();
    await inTurns(1000, one);
    const end = await agent();
    assert.deepEqual([end.files, end.processes], [start.files, start.processes]);
    assert.ok(end.kib <= start.kib + 256, `${start.kib} KiB before, ${end.kib} KiB after`);
  });

  it('gives the output of 100 processes at full speed whole, while the reader of one more stalls', async () => {
    const random = Buffer.alloc(512 * 1024);
    await exec({ args: ['sh', '-c', `head -c ${random.length} /dev/urandom | tee /random`] }, place(random));
    const write = (name: string, times = 1): ExecSpec => ({
      args: ['sh', '-c', 'echo $0; exec cat "$@"', name, ...new Array<string>(times).fill('/random')],
    });
    const expected = (name: string, times = 1): string => {
      const hash = createHash('sha256').update(`${name}\n`);
      for (let time = 0; time < times; time++) hash.update(random);
      return hash.digest('hex');
    };
    const goOn = Promise.withResolvers<void>();
    const longer = 16; // than all that is buffered on its way
    const stalledHash = createHash('sha256');
    let others = 0;
    const stalled = exec(write('stalled', longer), async (chunk) => {
      await goOn.promise;
      stalledHash.update(chunk);
    }).then(() => assert.equal(others, 200));
    const round = async (): Promise<void> => {
      await Promise.all(
        Array.from({ length: 100 }, async (_, at) => {
          const name = `p${at}`;
          const hash = createHash('sha256');
          const { exitCode } = await exec(write(name), (chunk) => void hash.update(chunk));
          assert.deepEqual([exitCode, hash.digest('hex')], [0, expected(name)]);
          others++;
        }),
      );
    };
    await round(); // V8 takes what it needs for as much at once
    const before = residentKib(hyperd.pid);
    await round();
    const grown = residentKib(hyperd.pid) - before;
    goOn.resolve();
    await stalled;
    assert.equal(stalledHash.digest('hex'), expected('stalled', longer));
    assert.ok(grown < 24 * 1024, `hyperd has grown by ${grown} KiB, of 50 MiB that have passed`);
  });
});

async function inTurns(count: number, work: (number: number) => Promise<void>): Promise<void> {
  let next = 0;
  const worker = async (): Promise<void> => {
    while (next < count) await work(next++);
  };
  await Promise.all(Array.from({ length: width }, worker));
}

/** Takes output into a buffer of its length. */
function place(buffer: Buffer): (chunk: Buffer) => void {
  let at = 0;
  return (chunk) => void (at += chunk.copy(buffer, at));
}

function residentKib(pid: number): number {
  return Number(/^VmRSS:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]);
}
