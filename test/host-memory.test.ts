import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { describe, it } from 'node:test';
import { skipUnlessRoot } from './network/namespaces.ts';
import { TestHyperd } from './support/hyperd.ts';
import { until } from './support/refusal.ts';
import { untilPoolHas, untilStartsWait } from './support/warm.ts';

/** Room for two VMs of 128 MiB and what their QEMUs need. */
const two = 500;

describe('a full host', { skip: skipUnlessRoot }, () => {
  it('refuses the next pod and says what to do', async () => {
    await using hyperd = await TestHyperd.start({ memory: { maxMiB: two } });
    for (const name of ['one', 'two'])
      assert.equal((await hyperd.hyper(['run', '-d', '--name', name, 'busybox', 'sleep', '1000'])).code, 0);
    const refused = await hyperd.hyper(['run', '--rm', '--name', 'three', 'busybox', 'true']);
    assert.equal(refused.code, 125);
    assert.match(
      refused.stderr,
      /^hyper: the host is full: VMs have 480 of 500 MiB and this one needs 240: stop a pod/m,
    );
    const huge = await hyperd.hyper(['run', '--rm', '-m', '400m', 'busybox', 'true']);
    assert.match(huge.stderr, /VMs may have 500: give it less with --memory/);
    // What counts is what is left when a pod ends, or hyperd comes back.
    await hyperd.signal('SIGKILL');
    await hyperd.start();
    assert.equal((await hyperd.hyper(['run', '--rm', 'busybox', 'true'])).code, 125);
    assert.equal((await hyperd.hyper(['rm', '-f', 'one'])).code, 0);
    assert.equal((await hyperd.hyper(['run', '--rm', 'busybox', 'true'])).code, 0);
  });

  it('lets the next one wait where that is configured, and the wait be cancelled', async () => {
    await using hyperd = await TestHyperd.start({ memory: { maxMiB: two, whenFull: 'wait' } });
    for (const name of ['one', 'two'])
      assert.equal((await hyperd.hyper(['run', '-d', '--name', name, 'busybox', 'sleep', '1000'])).code, 0);
    const waits = hyperd.hyper(['run', '--rm', 'busybox', 'echo', 'at last']);
    const cancelled = hyperd.hyper(['run', '-d', '--name', 'never', 'busybox', 'true']);
    await untilStartsWait(hyperd, 2);
    assert.equal((await hyperd.hyper(['rm', '-f', 'never'])).code, 0);
    assert.equal((await cancelled).code, 125);
    await untilStartsWait(hyperd, 1);
    assert.equal((await hyperd.hyper(['rm', '-f', 'two'])).code, 0);
    assert.deepEqual((await waits).stdout, 'at last\n');
  });

  it('lets who goes leave the line, attached or not, and nobody gets a VM whom nobody waits for', async () => {
    await using hyperd = await TestHyperd.start({ memory: { maxMiB: 256, whenFull: 'wait' } });
    assert.equal((await hyperd.hyper(['run', '-d', '--name', 'one', 'busybox', 'sleep', '1000'])).code, 0);
    for (const [signal, ...options] of [['SIGINT', '-d'], ['SIGKILL', '-d'], ['SIGKILL']] as const) {
      const [file, args, env] = hyperd.command(['run', ...options, '--rm', '--name', 'gone', 'busybox', 'true']);
      const child = spawn(file, args, { env, stdio: 'ignore' });
      const exited = once(child, 'exit');
      await untilStartsWait(hyperd, 1);
      child.kill(signal);
      await exited;
      await untilStartsWait(hyperd, 0);
      await until(async () => (await hyperd.client.podList()).length === 1); // --rm
    }
    assert.equal((await hyperd.client.podInspect('one')).state, 'running');
    assert.equal(hyperd.vmProcesses().length, 1);
  });

  it('says of a pod whose start waits when hyperd is killed that it has failed', async () => {
    await using hyperd = await TestHyperd.start({ memory: { maxMiB: 256, whenFull: 'wait' } });
    assert.equal((await hyperd.hyper(['run', '--name', 'again', 'busybox', 'true'])).code, 0);
    assert.equal((await hyperd.hyper(['run', '-d', '--name', 'one', 'busybox', 'sleep', '1000'])).code, 0);
    const starts = hyperd.hyper(['start', 'again']);
    await untilStartsWait(hyperd, 1);
    await hyperd.signal('SIGKILL');
    assert.notEqual((await starts).code, 0);
    await hyperd.start();
    const { state, reason } = await hyperd.client.podInspect('again');
    assert.deepEqual([state, reason], ['failed', 'hyperd ended while the pod started']);
    const { stdout } = await hyperd.hyper(['events', '--since', '0', '--until', '0s', '--format', 'json']);
    assert.match(stdout, /"die".*hyperd ended while the pod started/);
  });

  it('takes the pool’s room before it refuses', async () => {
    await using hyperd = await TestHyperd.start({ memory: { maxMiB: two }, pool: { size: 2 }, templates: {} });
    await hyperd.client.templateCreate({});
    await untilPoolHas(hyperd, 2);
    const runs = ['one', 'two'].map((name) =>
      hyperd.hyper(['run', '-d', '--name', name, '-m', '112m', 'busybox', 'sleep', '1000']),
    );
    for (const { code, stderr } of await Promise.all(runs)) assert.equal(code, 0, stderr);
  });
});
