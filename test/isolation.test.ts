import assert from 'node:assert/strict';
import { readdir, readFile } from 'node:fs/promises';
import { after, before, describe, it } from 'node:test';
import type { HyperClient } from '../src/client/index.ts';
import { Namespace, skipUnlessRoot } from './network/namespaces.ts';
import { findOrdinaryUser, whyNotRootless } from './network/ordinary-user.ts';
import { TestHyperd } from './support/hyperd.ts';
import { Login } from './support/login.ts';

const user = await findOrdinaryUser();

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

/** The same id four times: real, effective, saved and for files. */
function onlyId(status: Status, kind: 'Uid' | 'Gid'): number {
  const ids = numbers(status.get(kind));
  assert.equal(ids.length, 4);
  assert.equal(new Set(ids).size, 1, ids.join());
  return ids[0] ?? 0;
}

describe('QEMU’s process', { skip: skipUnlessRoot, timeout: 120_000 }, () => {
  let hyperd: TestHyperd;
  before(async () => {
    hyperd = await TestHyperd.start();
    const ran = await hyperd.hyper(['run', '-d', 'busybox', 'sleep', '600']);
    assert.equal(ran.code, 0, ran.stderr);
  });
  after(async () => await hyperd[Symbol.asyncDispose]());

  it('of root’s hyperd is not root and has no rights, in any thread', async () => {
    const { accelerator, threads } = await threadsOfVm(hyperd.client);
    assertConfined(threads);
    for (const status of threads) {
      assert.notEqual(onlyId(status, 'Uid'), 0);
      assert.notEqual(onlyId(status, 'Gid'), 0);
      const groups = numbers(status.get('Groups'));
      // With KVM the group that opens /dev/kvm, where it is not open to all.
      assert.ok(groups.length <= (accelerator === 'kvm' ? 1 : 0) && !groups.includes(0), groups.join());
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
});

describe('QEMU’s process', { skip: await whyNotRootless(user), timeout: 120_000 }, () => {
  let host: Namespace;
  let login: Login;
  before(async () => {
    assert.ok(typeof user !== 'string');
    host = await Namespace.create();
    login = await Login.of(user, host);
    const ran = await login.hyper(['run', '-d', 'busybox', 'sleep', '600']);
    assert.equal(ran.code, 0, ran.stderr);
  });
  after(async () => {
    for (const thing of [login, host]) await thing[Symbol.asyncDispose]();
  });

  it('of a user’s hyperd is neither root nor that user and has no rights, in any thread', async () => {
    assert.ok(typeof user !== 'string');
    const { accelerator, threads } = await threadsOfVm(login.client);
    assertConfined(threads);
    const lines = (await readFile('/etc/subuid', 'utf8')).split('\n').map((line) => line.split(':'));
    const ranges = lines.filter(([name]) => name === user.name || name === String(user.uid));
    for (const status of threads) {
      const uid = onlyId(status, 'Uid');
      const within = ranges.some(([, first, count]) => uid >= Number(first) && uid < Number(first) + Number(count));
      assert.ok(within, `${uid} is a subordinate id of ${user.name}`);
      assert.ok(![0, user.gid].includes(onlyId(status, 'Gid')));
      // With KVM the user's own groups are kept: from within a user namespace they cannot be named one by one.
      if (accelerator === 'tcg') assert.deepEqual(numbers(status.get('Groups')), []);
    }
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
