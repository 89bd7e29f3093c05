import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { rmSync, statSync, writeFileSync } from 'node:fs';
import { cpus } from 'node:os';
import { join } from 'node:path';
import { availableParallelism } from 'node:os';
import { after, before, it } from 'node:test';
import type { Finished, TestHyperd } from './support/hyperd.ts';
import { assertRefused, onSmallDisk, until } from './support/refusal.ts';
import { originOf, untilLogSays, untilPoolHas } from './support/warm.ts';
import { inBothWays } from './support/ways.ts';

const MiB = 2 ** 20;

inBothWays('a limit', { timeout: 300_000 }, (way) => {
  let hyperd: TestHyperd;
  const options = [
    ...['--cpus', '0.9', '--pids-limit', '20', '--shm-size', '10m', '--storage', '64m'],
    ...['--sysctl', 'net.core.somaxconn=1234', '--sysctl', 'kernel.msgmax=9000', '--sysctl', 'vm.swappiness=7'],
  ];

  before(async () => {
    hyperd = await way.start();
    const started = await hyperd.hyper(['run', '-d', '--name', 'limited', ...options, 'busybox', 'sleep', '100000']);
    assert.equal(started.code, 0, started.stderr);
  });
  after(async () => await hyperd[Symbol.asyncDispose]());

  const shell = (script: string, pod = 'limited'): Promise<Finished> => hyperd.hyper(['exec', pod, 'sh', '-c', script]);
  const output = async (script: string, pod = 'limited'): Promise<string> => {
    const { code, stdout, stderr } = await shell(script, pod);
    assert.equal(code, 0, stderr);
    return stdout;
  };
  const inPod = async (name: string, limits: readonly string[], work: () => Promise<void>): Promise<void> => {
    const started = await hyperd.hyper(['run', '-d', '--name', name, ...limits, 'busybox', 'sleep', '100000']);
    assert.equal(started.code, 0, started.stderr);
    await work();
    assert.equal((await hyperd.hyper(['rm', '-f', name])).code, 0);
  };
  const seconds = async (work: () => Promise<unknown>): Promise<number> => {
    const began = performance.now();
    await work();
    return (performance.now() - began) / 1000;
  };
  /** Writes so many MiB to the pod's own disk. */
  const write = (mebibytes: number): readonly string[] => [
    ...['dd', 'if=/dev/zero', 'of=/written', 'bs=1M', `count=${mebibytes}`, 'conv=fsync'],
  ];

  it('--cpus of more than one processor gives the VM so many', async () => {
    const all = String(cpus().length);
    const { stdout } = await hyperd.hyper(['run', '--rm', '--cpus', all, 'busybox', 'nproc']);
    assert.equal(stdout.trim(), all);
  });

  it('of processor time holds: the container gets its share and no more', async () => {
    await inPod('slow', ['--cpus', '0.2'], async () => {
      const usage = 'grep usage_usec /sys/fs/cgroup/cpu.stat | cut -d" " -f2; cut -d" " -f1 /proc/uptime';
      const script = `${usage}; timeout 3 sh -c "while :; do :; done"; ${usage}`;
      const numbers = (await output(script, 'slow')).trim().split('\n').map(Number);
      const [usedBefore = 0, before = 0, used = 0, now = 0] = numbers;
      const share = (used - usedBefore) / 1e6 / (now - before);
      assert.ok(share < 0.25, `${share} of a CPU`);
      assert.equal((await hyperd.client.podInspect('slow')).containers[0]?.cpus, 0.2);
    });
  });

  it('of processes makes fork fail in the container, and an exec that is one too many is refused', async () => {
    await inPod('forking', ['--pids-limit', '20'], async () => {
      const forks = await shell('for i in $(seq 30); do sleep 1000 & done', 'forking');
      assert.match(forks.stderr, /can't fork: Resource temporarily unavailable/);
      assert.equal(await output('read max </sys/fs/cgroup/pids.max; echo $max', 'forking'), '20\n');
      // The shells have ended: there is room for one more.
      assert.equal((await hyperd.hyper(['exec', '-d', 'forking', 'sleep', '1000'])).code, 0);
      const refused = await hyperd.hyper(['exec', 'forking', 'true']);
      const words = 'hyper: the container has as many processes as it may have\n';
      assert.deepEqual([refused.code, refused.stderr], [125, words]);
    });
  });

  it('of shared memory holds, and the kernel has the sysctls, those of the IPC namespace too', async () => {
    const full = await shell('cat /dev/zero >/dev/shm/full');
    assert.match(full.stderr, /No space left on device/);
    assert.equal(await output('stat -c %s /dev/shm/full; rm /dev/shm/full'), `${10 * MiB}\n`);
    const names = ['net/core/somaxconn', 'kernel/msgmax', 'vm/swappiness'];
    assert.equal(await output(`cd /proc/sys; cat ${names.join(' ')}`), '1234\n9000\n7\n');
  });

  it('of the writable layer gives ENOSPC in the container, on its own account alone', async () => {
    const full = await shell('cat /dev/zero >/full');
    assert.match(full.stderr, /No space left on device/);
    assert.equal(await output('echo on'), 'on\n');
    const { id } = await hyperd.client.podInspect('limited');
    const disk = statSync(join(hyperd.root, 'pods', id, 'scratch.ext4'));
    assert.equal(disk.size, 64 * MiB);
    assert.ok(disk.blocks * 512 <= 64 * MiB, `${disk.blocks} blocks`);
    assert.equal(await output('rm /full; echo x >/x; cat /x'), 'x\n');
  });

  it('is shown by inspect, and holds when the pod starts again', async () => {
    const shown = await hyperd.client.podInspect('limited');
    const sysctls = { 'net.core.somaxconn': '1234', 'kernel.msgmax': '9000', 'vm.swappiness': '7' };
    assert.deepEqual(shown.sysctls, sysctls);
    assert.deepEqual([shown.storageMiB, shown.diskBytesPerSecond, shown.diskIops], [64, null, null]);
    const [container] = shown.containers;
    assert.deepEqual([container?.cpus, container?.pidsLimit, container?.shmSizeBytes], [0.9, 20, 10 * MiB]);
    assert.equal((await hyperd.hyper(['stop', '-t', '0', 'limited'])).code, 0);
    assert.equal((await hyperd.hyper(['start', 'limited'])).code, 0);
    const names = ['/sys/fs/cgroup/pids.max', '/sys/fs/cgroup/cpu.max', '/proc/sys/kernel/msgmax'];
    assert.equal(await output(`cat ${names.join(' ')}`), '20\n90000 100000\n9000\n');
  });

  it('of memory is met in the container: its process is killed, the pod and its execs go on', async () => {
    assert.equal((await hyperd.hyper(['run', '-d', '--name', 'hungry', 'busybox', 'sleep', '1000'])).code, 0);
    const [hungry, other] = await Promise.all([shell('exec tail /dev/zero', 'hungry'), output('echo on', 'hungry')]);
    assert.deepEqual([hungry.code, other], [137, 'on\n']);
    assert.equal((await hyperd.client.podInspect('hungry')).state, 'running');
    const kills = await output(
      'grep "^oom_kill " /sys/fs/cgroup/memory.events; cat /sys/fs/cgroup/memory.max',
      'hungry',
    );
    const [, killed = 0, most = 0] = /^oom_kill (\d+)\n(\d+)\n$/.exec(kills)?.map(Number) ?? [];
    assert.equal(killed, 1);
    assert.ok(most > 48 * MiB && most < 80 * MiB, `${most} bytes of 128 MiB`);
    const ran = await hyperd.hyper(['run', '--name', 'eaten', 'busybox', 'tail', '/dev/zero']);
    assert.equal(ran.code, 137, ran.stderr);
    const [container] = (await hyperd.client.podInspect('eaten')).containers;
    assert.deepEqual([container?.oomKilled, container?.exitCode], [true, 137]);
    await inPod('calm', [], async () => {
      assert.equal((await hyperd.hyper(['kill', 'calm'])).code, 0);
      assert.equal((await hyperd.client.podWait('calm')).exitCode, 137);
      assert.equal((await hyperd.client.podInspect('calm')).containers[0]?.oomKilled, false);
    });
  });

  it('of memory spares the guest also when nothing that is killed gives any back: tmpfs', async () => {
    await inPod('full', ['--tmpfs', '/a:size=200m'], async () => {
      const fill = 'for i in 1 2 3 4 5 6 7 8; do (while :; do cat /dev/zero >>/a/$i; done) & done; wait';
      assert.equal((await hyperd.hyper(['exec', '-d', 'full', 'sh', '-c', fill])).code, 0);
      const look = ['exec', '--vm', 'full', 'grep', '^oom_kill ', '/sys/fs/cgroup/pod/container-1/memory.events'];
      await until(async () => {
        const { code, stdout, stderr } = await hyperd.hyper(look);
        assert.equal(code, 0, stderr);
        return Number(stdout.split(' ')[1]) > 0;
      }, 90_000);
      assert.equal((await hyperd.client.podInspect('full')).state, 'running');
    });
  });

  it('of the disk’s rate holds, in bytes and in operations', async () => {
    const run = async (command: readonly string[], ...limits: readonly string[]): Promise<number> => {
      let took = 0;
      await inPod('slow', limits, async () => {
        took = await seconds(() => hyperd.hyper(['exec', 'slow', ...command]));
      });
      return took;
    };
    /** Each is several operations: the data, the journal and its commit. */
    const syncs = ['sh', '-c', 'for i in $(seq 15); do echo $i >/$i; sync; done'];
    const free = await run(write(8));
    const bytes = await run(write(8), '--disk-rate', '2m');
    assert.ok(bytes > 3 && bytes > free, `8 MiB at 2 MiB a second took ${bytes} s, else ${free} s`);
    const operations = await run(syncs, '--disk-iops', '10');
    assert.ok(operations > 3, `15 syncs at 10 operations a second took ${operations} s`);
  });

  it('of the disk’s rate holds in a VM of the pool, with the disk that waited and with another', async () => {
    await using warm = await way.start({ pool: { size: 1 } });
    assert.equal(await originOf(warm), 'template');
    for (const storage of ['10g', '1g']) {
      await untilPoolHas(warm, 1);
      const limits = ['--disk-rate', '2m', '--storage', storage];
      const took = await seconds(async () => {
        const ran = await warm.hyper(['run', '--rm', '--timing', ...limits, 'busybox', ...write(8)]);
        assert.match(ran.stderr, /a VM of the pool/);
      });
      assert.ok(took > 3, `${took} s with a disk of ${storage}`);
    }
  });

  it('that is wrong is refused, and the message says what is allowed', async () => {
    const wrong: readonly (readonly [string, number, RegExp])[] = [
      ['--cpus 0', 2, /^hyper: --cpus is '0': give a number of 0\.01 or more, as 1\.5$/],
      ['--cpus x', 2, /^hyper: --cpus is 'x': /],
      [
        '--cpu 1 --cpus 1.5',
        2,
        /^hyper: --cpus is 1\.5, and the VM has 1: give 0\.01 to 1, or more of them with --cpu 2$/,
      ],
      ['--pids-limit -2', 2, /^hyper: --pids-limit is '-2': give a whole number of 1 or more, or -1 for no limit$/],
      ['--shm-size 1k', 2, /^hyper: --shm-size is '1k': give 4096 bytes or more, or a number with a unit, as 256m$/],
      ['--disk-rate 1k', 2, /^hyper: --disk-rate is '1k': give 65536 bytes or more/],
      ['--disk-iops 1', 2, /^hyper: --disk-iops is '1': give a whole number of 10 to 1000000000$/],
      ['--sysctl user.x=1', 2, /^hyper: --sysctl is 'user\.x=1': give NAME=VALUE, the name beginning with fs\., /],
      ['--sysctl net.nope=1', 125, /^hyper: cannot set sysctl net\.nope: No such file or directory$/],
      ['--sysctl net.core.somaxconn=many', 125, /^hyper: cannot set sysctl net\.core\.somaxconn: Invalid argument$/],
    ];
    for (const [args, code, line] of wrong) {
      await assertRefused(hyperd, ['run', '--rm', ...args.split(' '), 'busybox', 'true'], code, line);
    }
    const { accelerator } = (await hyperd.client.info()).hypervisor;
    const most = 8 * availableParallelism();
    if (accelerator === 'tcg' && most < 64) {
      const line = new RegExp(
        `^hyper: vcpus: 64 is more than this host can start .* at most ${most}: give 1 to ${most}$`,
      );
      for (const command of [
        ['create', '--cpu', '64', 'busybox'],
        ['vm', '-c', '64'],
        ['template', 'create', '--cpu', '64'],
      ]) {
        await assertRefused(hyperd, command, 1, line);
      }
    }
    const create = (pod: object, container: object): Promise<unknown> =>
      hyperd.client.podCreate({ ...pod, containers: [{ image: 'busybox', ...container }] });
    const refused: readonly (readonly [object, object, RegExp])[] = [
      [{}, { cpus: 2 }, /cpus: 2 is more than the VM has: give 0\.01 to 1, for it has 1 CPU/],
      [{}, { cpus: 0 }, /containers\.0\.cpus: must be 0\.01 or more/],
      [{}, { pidsLimit: -2 }, /containers\.0\.pidsLimit: must be 1 or more, or -1 or 0 for none/],
      [{}, { shmSizeBytes: 1 }, /containers\.0\.shmSizeBytes: .*>=4096/],
      [{ diskBytesPerSecond: 1 }, {}, /diskBytesPerSecond: .*>=65536/],
      [{ diskIops: 1 }, {}, /diskIops: .*>=10/],
      [{ sysctls: { 'user.x': '1' } }, {}, /sysctls: names must begin with fs\., kernel\., net\. or vm\./],
    ];
    for (const [pod, container, message] of refused) {
      await assert.rejects(create(pod, container), (error: unknown) => {
        assert.ok(error instanceof Error && 'code' in error);
        assert.equal(error.code, 'bad_request', error.message);
        assert.match(error.message, message);
        return true;
      });
    }
  });
});

inBothWays('the host’s disk', { timeout: 120_000 }, (way) => {
  it('when it is full gives a container an error, nothing stands still, and later all is well', async () => {
    await using hyperd = await way.start();
    await onSmallDisk(hyperd, 60, async () => {
      const ok = async (...args: readonly string[]): Promise<string> => {
        const { code, stdout, stderr } = await hyperd.hyper(args);
        assert.equal(code, 0, stderr);
        return stdout;
      };
      await ok('run', '-d', '--name', 'one', 'busybox', 'sleep', '100000');
      const filler = join(hyperd.root, 'filler');
      assert.throws(() => writeFileSync(filler, Buffer.alloc(60 * MiB)), /ENOSPC/);
      execFileSync('sync');
      const failed = await hyperd.hyper([
        'exec',
        'one',
        'dd',
        'if=/dev/zero',
        'of=/x',
        'bs=1M',
        'count=8',
        'conv=fsync',
      ]);
      assert.notEqual(failed.code, 0);
      assert.match(failed.stderr, /Input\/output error|No space left|Read-only file system/);
      await untilLogSays(hyperd, 'the host’s disk is full');
      assert.equal(await ok('exec', 'one', 'echo', 'on'), 'on\n');
      assert.match(await ok('list'), / one .* running$/m);
      const refused = await hyperd.hyper(['run', '--rm', 'busybox', 'true']);
      assert.equal(refused.code, 125);
      assert.match(refused.stderr, /no space|full/i);

      rmSync(filler);
      await ok('stop', '-t', '0', 'one');
      await ok('start', 'one');
      assert.equal(await ok('exec', 'one', 'sh', '-c', 'echo y >/y; sync; cat /y'), 'y\n');
      assert.equal(await ok('run', '--rm', 'busybox', 'echo', 'new'), 'new\n');
    });
  });
});
