import assert from 'node:assert/strict';
import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { mkdtemp, readFile, readlink, realpath, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { promisify } from 'node:util';
import { writeCpio } from '../guest/initramfs/cpio.ts';
import { findExecutable } from '../src/lib/find-executable.ts';
import { repository, TestHyperd } from './support/hyperd.ts';
import { assertRefused, configure, onSmallDisk } from './support/refusal.ts';

const run = promisify(execFile);
const notRoot = process.getuid?.() === 0 ? false : 'needs root: network namespaces';
const withKvm = /^flags.*\b(vmx|svm)\b/m.test(readFileSync('/proc/cpuinfo', 'utf8')) ? 'this machine has KVM' : false;
const realGuest = join(repository, 'guest/build');

describe('a machine that lacks something', { skip: notRoot, timeout: 300_000, concurrency: 1 }, () => {
  let work = '';
  let hyperd: TestHyperd;
  before(async () => {
    work = await mkdtemp(join(tmpdir(), 'hyper-lacking-'));
    hyperd = await TestHyperd.start();
  });
  after(async () => {
    await hyperd[Symbol.asyncDispose]();
    await rm(work, { recursive: true, force: true });
  });

  const command = ['run', '--rm', 'busybox', 'true'];
  const problem = async (config: object, line: RegExp): Promise<void> => {
    await configure(hyperd, config);
    const { problems } = await hyperd.client.info();
    assert.match(problems.map((each) => `hyper: ${each}`).join('\n'), line);
    await assertRefused(hyperd, command, 125, line);
  };

  it('has no QEMU', () => problem({ qemu: '/nonexistent' }, /^hyper: .*\/nonexistent.*(not found|no such|install)/i));

  it('has not built the optional QEMU that is asked for', () =>
    problem(
      { guestDir: work, qemu: 'hyper' },
      /^hyper: there is no .*\/qemu\/qemu-system-x86_64-hyper: run scripts\/qemu, or leave "qemu" out/,
    ));

  it('has its QEMU in a folder that is closed to the user whom QEMU runs as', async () => {
    const closed = await mkdtemp(join(work, 'closed-')); // mode 0700
    const qemu = join(closed, 'qemu');
    const real = (await findExecutable('qemu-system-x86_64')) ?? assert.fail('QEMU is not there');
    await symlink(real, qemu);
    await configure(hyperd, { qemu, pool: { size: 0 }, templates: { maxMiB: 0 } });
    const { code, stderr } = await hyperd.hyper(['run', '-d', '--name', 'closed', 'busybox', 'sleep', '1000']);
    assert.equal(code, 0, stderr);
    const [pid = 0] = hyperd.vmProcesses();
    assert.equal(await readlink(`/proc/${pid}/exe`), await realpath(real));
    assert.equal((await hyperd.hyper(['rm', '-f', 'closed'])).code, 0);
  });

  it('has a script for its QEMU in such a folder, which nobody can run who cannot read it', async () => {
    const qemu = join(await mkdtemp(join(work, 'closed-')), 'qemu');
    await writeFile(qemu, '#!/bin/sh\nexec qemu-system-x86_64 "$@"\n', { mode: 0o755 });
    await configure(hyperd, { qemu, pool: { size: 0 }, templates: { maxMiB: 0 } });
    await assertRefused(hyperd, command, 125, /^hyper: QEMU could not start: .*\/qemu: Permission denied$/);
  });

  it('has no guest kernel', () =>
    problem({ guestDir: work }, /^hyper: there is no guest kernel in .*: run scripts\/quickstart, or set "guestDir"/));

  it('has not built the optional kernel that is asked for', () =>
    problem(
      { guestDir: work, kernel: 'hyper' },
      /^hyper: there is no guest kernel in .*\/hyper: run scripts\/kernel,/,
    ));

  it('has no subnet to spare: the pod runs without a network, and its user is told', async () => {
    await configure(hyperd, { subnet: '127.0.0.0/24' });
    const warning = /^hyper: warning: the pod has no network: .*overlaps/m;
    const attached = await hyperd.hyper(command);
    assert.equal(attached.code, 0, attached.stderr);
    assert.match(attached.stderr, warning);
    const detached = await hyperd.hyper(['run', '-d', '--rm', 'busybox', 'true']);
    assert.match(detached.stderr, warning);
  });

  it('has no KVM', { skip: withKvm }, () => problem({ accelerator: 'kvm' }, /^hyper: .*\/dev\/kvm/));

  /** A guest with the real kernel and an initramfs of our own. */
  async function guestWith(initramfs: Buffer): Promise<string> {
    const guestDir = await mkdtemp(join(work, 'guest-'));
    for (const name of ['vmlinux', 'guest.json']) await symlink(join(realGuest, name), join(guestDir, name));
    await writeFile(join(guestDir, 'initramfs.cpio'), initramfs);
    return guestDir;
  }

  it('has a guest whose kernel panics: the end of its console is shown', async () => {
    await configure(hyperd, { guestDir: await guestWith(Buffer.from('this is no initramfs')) });
    // Once, and without the escape sequences that the firmware prints: a terminal obeys those.
    const line =
      /^hyper: the guest's kernel panicked or rebooted; the end of the guest's console: [^\x1b]*Kernel panic/;
    await assertRefused(hyperd, command, 125, line);
  });

  it('has a guest that hangs while it boots: its start is given up in time, its console is shown', async () => {
    const init = Buffer.from('#!/bin/busybox sh\necho this guest waits for ever\n/bin/busybox sleep 1000000\n');
    const hanging = writeCpio([
      { kind: 'folder', path: 'bin', mode: 0o755 },
      { kind: 'folder', path: 'dev', mode: 0o755 },
      { kind: 'device', path: 'dev/console', mode: 0o600, major: 5, minor: 1 },
      { kind: 'file', path: 'bin/busybox', mode: 0o755, content: await readFile('/bin/busybox') },
      { kind: 'file', path: 'init', mode: 0o755, content: init },
    ]);
    await configure(hyperd, { guestDir: await guestWith(hanging), bootTimeoutSeconds: 20 });
    const began = Date.now();
    const line = /^hyper: the guest did not answer; the end of the guest's console: .*this guest waits for ever$/;
    await assertRefused(hyperd, command, 125, line);
    assert.ok(Date.now() - began < 30_000, `${Date.now() - began} ms`);
  });

  it('has no space for a container’s log: that is cut off, its process and who reads it go on', async () => {
    await configure(hyperd, {});
    await onSmallDisk(hyperd, 64, fillWhileItWrites);
  });

  async function fillWhileItWrites(): Promise<void> {
    const script = 'echo begin; read line; head -c 20000000 /dev/zero; echo end';
    const [file, args, env] = hyperd.command(['run', '-i', '--name', 'wordy', 'busybox', 'sh', '-c', script]);
    const child = spawn(file, args, { env, stdio: ['pipe', 'pipe', 'inherit'] });
    const closed = once(child, 'close');
    await once(child.stdout, 'readable');
    const filler = join(hyperd.root, 'filler');
    await assert.rejects(run('dd', ['if=/dev/zero', `of=${filler}`, 'bs=64k']), /No space left/);
    child.stdin.end('go\n');
    const output = Buffer.concat(await child.stdout.toArray());
    await closed;
    assert.deepEqual([child.exitCode, output.length], [0, 20_000_010], hyperd.log.slice(-2000));
    assert.equal(output.subarray(-4).toString(), 'end\n');
    await rm(filler);
    assert.match(hyperd.log, /a container log cannot be written: dropping/);
    const logs = await hyperd.hyper(['logs', 'wordy']);
    assert.deepEqual([logs.code, logs.stderr], [0, '']);
    assert.match(logs.stdout, /^begin\n/);
    assert.equal((await hyperd.hyper(['rm', 'wordy'])).code, 0);
  }

  it('has a full disk under a VM: what writes hears of it, the pod answers, and goes on when there is room', async () => {
    await configure(hyperd, {});
    await onSmallDisk(hyperd, 64, async () => {
      assert.equal((await hyperd.hyper(['run', '-d', '--name', 'writer', 'busybox', 'sleep', '1000'])).code, 0);
      const write = ['exec', 'writer', 'sh', '-c', 'dd if=/dev/zero of=/big bs=1M count=100 && sync /big'];
      const full = await hyperd.hyper(write);
      assert.notEqual(full.code, 0);
      assert.match(full.stderr, /Input\/output error|No space left|Read-only file system/);
      assert.equal((await hyperd.hyper(['exec', 'writer', 'echo', 'alive'])).stdout, 'alive\n');
      assert.equal((await hyperd.hyper(['rm', '-f', 'writer'])).code, 0);
    });
  });
});
