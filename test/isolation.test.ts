import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { readdir, readFile } from 'node:fs/promises';
import { after, before, describe, it } from 'node:test';
import type { HyperClient } from '../src/client/index.ts';
import { skipUnlessRoot } from './network/namespaces.ts';
import type { OrdinaryUser } from './network/ordinary-user.ts';
import { outputOf, TestHyperd } from './support/hyperd.ts';
import { until } from './support/refusal.ts';
import { inBothWays } from './support/ways.ts';

type Status = ReadonlyMap<string, string>;

/** What the kernel says of every thread of a process (proc(5), /proc/pid/status), as the host sees it. */
async function threadsOf(pid: number): Promise<readonly Status[]> {
  const threads = await readdir(`/proc/${pid}/task`);
  return await Promise.all(
    threads.map(async (thread) => {
      const text = await readFile(`/proc/${pid}/task/${thread}/status`, 'utf8');
      return new Map(
        text.split('\n').map((line) => {
          const [name = '', value = ''] = line.split(/:\s*/, 2);
          return [name, value.trim()];
        }),
      );
    }),
  );
}

const numbers = (text: string | undefined): number[] => (text ?? '').split(/\s+/).filter(Boolean).map(Number);

const childrenOf = (pid: number): number[] => numbers(readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8'));

/** Empty where it has ended. */
function nameOf(pid: number): string {
  try {
    return readFileSync(`/proc/${pid}/comm`, 'utf8').trim();
  } catch {
    return '';
  }
}

/** The one VM of a hyperd, with the threads of its process. */
async function threadsOfVm(client: HyperClient): Promise<{ accelerator: string; threads: readonly Status[] }> {
  const [vm, ...others] = await client.vmList();
  assert.ok(vm !== undefined && others.length === 0);
  const threads = await threadsOf(vm.pid);
  assert.match(threads[0]?.get('Name') ?? '', /^qemu-system/);
  assert.ok(threads.length > 1, 'a thread for the CPU at least');
  return { accelerator: vm.accelerator, threads };
}

/** A process that may do nothing but what its user and its filter of system calls allow, in each of its threads. */
function assertConfined(threads: readonly Status[]): void {
  const none = '0'.repeat(16);
  for (const status of threads) {
    const sets = ['CapInh', 'CapPrm', 'CapEff', 'CapBnd', 'CapAmb'];
    assert.deepEqual(
      sets.map((set) => status.get(set)),
      sets.map(() => none),
    );
    assert.equal(status.get('NoNewPrivs'), '1');
    assert.equal(status.get('Seccomp'), '2', 'filtered');
  }
}

async function isSubordinate(uid: number, { name, uid: own }: OrdinaryUser): Promise<boolean> {
  const lines = (await readFile('/etc/subuid', 'utf8')).split('\n').map((line) => line.split(':'));
  const ranges = lines.filter(([whose]) => whose === name || whose === String(own));
  return ranges.some(([, first, count]) => uid >= Number(first) && uid < Number(first) + Number(count));
}

/** The same id four times: real, effective, saved and for files. */
function onlyId(status: Status, kind: 'Uid' | 'Gid'): number {
  const ids = numbers(status.get(kind));
  assert.equal(ids.length, 4);
  assert.equal(new Set(ids).size, 1, ids.join());
  return ids[0] ?? 0;
}

inBothWays('QEMU’s process', { timeout: 120_000 }, (way) => {
  let hyperd: TestHyperd;
  before(async () => {
    hyperd = await way.start();
    await outputOf(hyperd, ['run', '-d', '--name', 'confined', 'busybox', 'sleep', '600']);
  });
  after(async () => await hyperd[Symbol.asyncDispose]());

  it('is neither root nor the user and has no rights, in any thread', async () => {
    const { accelerator, threads } = await threadsOfVm(hyperd.client);
    assertConfined(threads);
    for (const status of threads) {
      const [uid, gid] = [onlyId(status, 'Uid'), onlyId(status, 'Gid')];
      assert.ok(uid !== 0 && gid !== 0);
      const groups = numbers(status.get('Groups'));
      if (way.user === null) {
        // With KVM the group that opens /dev/kvm, where it is not open to all.
        assert.ok(groups.length <= (accelerator === 'kvm' ? 1 : 0) && !groups.includes(0), groups.join());
        continue;
      }
      assert.ok(await isSubordinate(uid, way.user), `${uid} is a subordinate id of ${way.user.name}`);
      assert.notEqual(gid, way.user.gid);
      // With KVM the user's own groups are kept: from within a user namespace they cannot be named one by one.
      if (accelerator === 'tcg') assert.deepEqual(groups, []);
    }
  });

  it('has a mount namespace of its own', async () => {
    const [vm] = await hyperd.client.vmList();
    const [its, hyperds] = await Promise.all(
      [vm?.pid ?? 0, hyperd.pid].map(async (pid) => await readFile(`/proc/${pid}/mountinfo`, 'utf8')),
    );
    assert.match(its ?? '', / \/media /);
    assert.doesNotMatch(hyperds ?? '', / \/media /);
  });

  it('is started by another process where the one that stays for that was killed, and outlives it', async () => {
    const startsVms = (): number[] => childrenOf(hyperd.pid).filter((pid) => nameOf(pid) === 'perl');
    const [first, ...others] = startsVms();
    assert.ok(first !== undefined && others.length === 0);
    process.kill(first, 'SIGKILL');
    await until(() => startsVms().length === 0);
    assert.equal(await outputOf(hyperd, ['run', '--rm', 'busybox', 'echo', 'again']), 'again\n');
    assert.equal(await outputOf(hyperd, ['exec', 'confined', 'echo', 'there']), 'there\n');
    assert.equal(startsVms().length, 1);
  });
});

describe('hyper info', { skip: skipUnlessRoot, timeout: 60_000 }, () => {
  it('says that the wall is thinner where the guest is emulated', async () => {
    await using hyperd = await TestHyperd.start({ accelerator: 'tcg' });
    const { stdout } = await hyperd.hyper(['info']);
    assert.match(stdout, /^Accelerator: tcg \(configured\)$/m);
    assert.match(stdout, /^Isolation: thinner: without KVM .* do not call a security boundary; .*$/m);
    const { hypervisor } = await hyperd.client.info();
    assert.match(hypervisor.isolation, /^thinner: /);
  });
});
