import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { skipUnlessRoot } from './network/namespaces.ts';
import { outputOf, repository, TestHyperd } from './support/hyperd.ts';
import { untilLogged } from './support/logs.ts';
import { originOf, untilPoolHas } from './support/warm.ts';

const built = existsSync(join(repository, 'guest/build/hyper/vmlinux'));
const slow = /^flags.* aperfmperf/m.test(readFileSync('/proc/cpuinfo', 'utf8'));
const skip =
  skipUnlessRoot ||
  (!built && 'the kernel is not built: run scripts/kernel') ||
  (slow && !existsSync('/dev/kvm') && 'the rate of the time stamp counter cannot be told here');

/** QEMU's machine without PCI and ACPI, for the optional kernel. */
describe('with "machine": "microvm" in the configuration', { skip }, () => {
  let hyperd: TestHyperd;

  before(async () => {
    hyperd = await TestHyperd.start({ kernel: 'hyper', machine: 'microvm' });
  });
  after(async () => await hyperd[Symbol.asyncDispose]());

  const run = (...args: string[]): Promise<string> => outputOf(hyperd, args);

  it('a pod runs on a machine without PCI and ACPI, with its processors and a clock that goes right', async () => {
    const script = 'while true; do nc -l -p 80 -e hostname; done';
    await run('run', '-d', '--name', 'main', '--cpu', '2', '--stop-signal', 'KILL', 'busybox', 'sh', '-c', script);
    assert.equal(await run('exec', 'main', 'nproc'), '2\n');
    assert.equal(
      await run('exec', '--vm', 'main', 'sh', '-c', 'cd /sys && ls -d firmware/acpi bus/pci/devices/* || true'),
      '',
    );
    const clock = '/sys/devices/system/clocksource/clocksource0/current_clocksource';
    assert.match(await run('exec', '--vm', 'main', 'cat', clock), /^(tsc|kvm-clock)\n$/);
    const cpuinfo = await run('exec', '--vm', 'main', 'cat', '/proc/cpuinfo');
    const mhz = (text: string): number => Number(/^cpu MHz\s*: (.*)$/m.exec(text)?.[1]);
    const rate = mhz(cpuinfo) / mhz(readFileSync('/proc/cpuinfo', 'utf8'));
    assert.ok(Math.abs(rate - 1) < 1e-4, `${rate}`);
  });

  it('refuses host folders and volumes, which nothing can be plugged in for', async () => {
    await run('volume', 'create', '--opt', 'type=disk', '--opt', 'size=32m', 'disk');
    for (const mount of ['/tmp:/data', 'disk:/data']) {
      const { code, stderr } = await hyperd.hyper(['run', '--rm', '-v', mount, 'busybox', 'true']);
      assert.deepEqual(
        [code, /a microvm has no port for .*: set "machine" to "q35"/.test(stderr)],
        [125, true],
        stderr,
      );
    }
    await run('volume', 'rm', 'disk');
  });

  it('refuses further networks while it runs and at its start, and is then as it was', async () => {
    await run('network', 'create', 'other');
    const words = /a microvm has no port for further NICs: set "machine" to "q35"/;
    const started = await hyperd.hyper(['run', '--rm', '--network', 'default', '--network', 'other', 'busybox']);
    assert.deepEqual([started.code, words.test(started.stderr)], [125, true], started.stderr);
    const connected = await hyperd.hyper(['network', 'connect', 'other', 'main']);
    assert.deepEqual([connected.code, words.test(connected.stderr)], [1, true], connected.stderr);
    const links = execFileSync('ip', ['-netns', hyperd.namespace, '-o', 'link'], { encoding: 'utf8' });
    assert.equal(links.match(/: hy\w{10}-\d+:/g)?.length, 1, links);
    await run('network', 'rm', 'other');
  });

  it('is reached from another pod', async () => {
    const { address } = await hyperd.client.podInspect('main');
    assert.equal(await run('run', '--rm', 'busybox', 'sh', '-c', `nc -w 5 ${address} 80 </dev/null`), 'main\n');
  });

  it('keeps what was written when it is stopped: without ACPI the guest ends by a restart', async () => {
    await run(
      'run',
      '-d',
      '--name',
      'kept',
      'busybox',
      'sh',
      '-c',
      'echo kept | tee -a /file; cat /file; exec sleep 1000',
    );
    await untilLogged(hyperd, 'kept', 'kept', 2);
    const [pid] = hyperd.vmProcesses().slice(-1);
    assert.ok(pid !== undefined);
    const before = Date.now();
    await run('stop', '-t', '1', 'kept');
    await run('start', 'kept');
    assert.ok(Date.now() - before < 9000, 'nobody waited for a guest that does not end');
    await untilLogged(hyperd, 'kept', 'kept', 5);
  });

  it('has templates and a pool', async () => {
    await run('template', 'create');
    assert.equal(await originOf(hyperd), 'template');
    hyperd.configure({ kernel: 'hyper', machine: 'microvm', pool: { size: 1 } });
    await untilPoolHas(hyperd, 1);
    assert.equal(await originOf(hyperd), 'pool');
  });
});

describe('a microvm with the distribution’s kernel', { skip: skipUnlessRoot }, () => {
  it('is refused, with what to do', async () => {
    await assert.rejects(TestHyperd.start({ machine: 'microvm' }), /machine: a microvm needs "kernel": "hyper"/);
  });
});
