import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { skipUnlessRoot } from './network/namespaces.ts';
import { Room } from './network/room.ts';
import { type Finished, TestHyperd } from './support/hyperd.ts';

const dockerCapabilities = '00000000a80425fb';

/** What a container finds around itself. `main` is an ordinary pod; the tests only look. */
describe('a container', { skip: skipUnlessRoot }, () => {
  let hyperd: TestHyperd;
  let host: Room;
  let internet: Room;
  let outside: string;
  const resolvers = () => `/etc/netns/${hyperd.namespace}`;

  before(async () => {
    hyperd = await TestHyperd.start();
    // Its network namespace gets a cable to an outside, 203.0.113.1 to 203.0.113.2, and that outside's DNS server.
    outside = `${hyperd.namespace}-out`;
    const ip = (...args: string[]): unknown => execFileSync('ip', args);
    ip('netns', 'add', outside);
    ip('-n', hyperd.namespace, 'link', 'add', 'uplink', 'type', 'veth', 'peer', 'name', 'uplink', 'netns', outside);
    ip('-n', hyperd.namespace, 'address', 'add', '203.0.113.1/24', 'dev', 'uplink');
    ip('-n', outside, 'address', 'add', '203.0.113.2/24', 'dev', 'uplink');
    for (const name of [hyperd.namespace, outside]) ip('-n', name, 'link', 'set', 'uplink', 'up');
    ip('-n', hyperd.namespace, 'route', 'add', 'default', 'via', '203.0.113.2');
    mkdirSync(resolvers(), { recursive: true });
    writeFileSync(join(resolvers(), 'resolv.conf'), 'nameserver 203.0.113.2\n');
    await hyperd.signal('SIGHUP'); // `ip netns exec` puts that file over /etc/resolv.conf
    await hyperd.start();
    [host, internet] = await Promise.all([
      Room.start({ by: ['ip', 'netns', 'exec', hyperd.namespace] }),
      Room.start({ by: ['ip', 'netns', 'exec', outside] }),
    ]);
    await internet.call('serve', '203.0.113.2', 80, 'hello from outside');
    await internet.call('serveDns', '203.0.113.2', { 'example.com': '198.51.100.7' });
    await host.call('serve', '127.0.0.1', 8001, 'for the host alone');
    await host.call('serve', '0.0.0.0', 8002, 'for neighbours');
    const options = ['--name', 'main', '--hostname', 'named.example', '--stop-signal', 'KILL'];
    const started = await hyperd.hyper(['run', '-d', ...options, 'busybox', 'sleep', '100000']);
    assert.equal(started.code, 0, started.stderr);
  });

  after(async () => {
    await Promise.all([host[Symbol.asyncDispose](), internet[Symbol.asyncDispose]()]);
    const named = resolvers();
    await hyperd[Symbol.asyncDispose]();
    execFileSync('ip', ['netns', 'del', outside]);
    rmSync(named, { recursive: true });
  });

  const shell = (script: string, pod = 'main'): Promise<Finished> => hyperd.hyper(['exec', pod, 'sh', '-c', script]);
  const lines = async (script: string, pod = 'main'): Promise<string[]> => {
    const { stdout, stderr } = await shell(script, pod);
    assert.equal(stderr, '', script);
    return stdout.replace(/\n$/, '').split('\n');
  };
  /** Each command must fail with these words. */
  const refused = async (command: string, words: RegExp): Promise<void> => {
    const { code, stderr } = await shell(command);
    assert.notEqual(code, 0, `${command} was not refused`);
    assert.match(stderr, words, command);
  };

  describe('sees', () => {
    it('the file systems that Docker mounts, with Docker’s flags', async () => {
      const mounts = new Map<string, string>();
      for (const line of await lines('cat /proc/self/mountinfo')) {
        const [, , , , at = '', flags = '', ...rest] = line.split(' ');
        const type = rest[rest.indexOf('-') + 1] ?? '';
        const wanted = flags.split(',').filter((flag) => !/^(rel|no|strict)?(dir)?atime$/.test(flag));
        mounts.set(at, `${type} ${wanted.join(',')}`);
      }
      const expected = {
        '/': 'overlay rw',
        '/proc': 'proc rw,nosuid,nodev,noexec',
        '/dev': 'tmpfs rw,nosuid',
        '/dev/pts': 'devpts rw,nosuid,noexec',
        '/dev/mqueue': 'mqueue rw,nosuid,nodev,noexec',
        '/dev/shm': 'tmpfs rw,nosuid,nodev,noexec',
        '/sys': 'sysfs ro,nosuid,nodev,noexec',
        '/sys/fs/cgroup': 'cgroup2 ro,nosuid,nodev,noexec',
        '/proc/sys': 'proc ro,nosuid,nodev,noexec',
        '/proc/bus': 'proc ro,nosuid,nodev,noexec',
        '/proc/fs': 'proc ro,nosuid,nodev,noexec',
        '/proc/irq': 'proc ro,nosuid,nodev,noexec',
        '/proc/sysrq-trigger': 'proc ro,nosuid,nodev,noexec',
      };
      for (const [at, what] of Object.entries(expected)) assert.equal(mounts.get(at), what, at);
      for (const at of ['/etc/hosts', '/etc/hostname', '/etc/resolv.conf'])
        assert.match(mounts.get(at) ?? '', / rw/, at);
    });

    it('nothing in the paths that Docker masks, and cannot write where Docker says read-only', async () => {
      const files = ['/proc/kcore', '/proc/keys', '/proc/timer_list', '/proc/sched_debug'];
      for (const path of files) {
        assert.equal(
          (await shell(`[ ! -e ${path} ] || head -c 100 ${path} | wc -c`)).stdout.replace(/^0\n$/, ''),
          '',
          path,
        );
      }
      for (const path of [
        '/proc/acpi',
        '/proc/scsi',
        '/proc/asound',
        '/sys/firmware',
        '/sys/devices/virtual/powercap',
      ]) {
        assert.equal((await shell(`ls ${path} 2>/dev/null`)).stdout, '', path);
      }
      await refused('echo 1 >/proc/sys/vm/drop_caches', /Read-only file system/);
      await refused('echo x >/proc/sys/kernel/core_pattern', /Read-only file system/);
      await refused('echo h >/proc/sysrq-trigger', /Read-only file system/);
      await refused('echo 1 >/proc/irq/default_smp_affinity', /Read-only file system/);
      await refused('echo 0 >/sys/kernel/profiling', /Read-only file system/);
      await refused('mkdir /sys/fs/cgroup/more', /Read-only file system/);
    });

    it('Docker’s devices and no others', async () => {
      const names = (await lines('ls /dev')).join(' ');
      assert.equal(names, 'core fd full mqueue null ptmx pts random shm stderr stdin stdout tty urandom zero');
      const nodes = await lines('cd /dev; stat -c "%n %F %t:%T %a" full null random tty urandom zero');
      assert.deepEqual(nodes, [
        'full character special file 1:7 666',
        'null character special file 1:3 666',
        'random character special file 1:8 666',
        'tty character special file 5:0 666',
        'urandom character special file 1:9 666',
        'zero character special file 1:5 666',
      ]);
      const links = await lines('cd /dev; for i in fd ptmx stdin stdout stderr; do readlink $i; done');
      assert.deepEqual(links, ['/proc/self/fd', 'pts/ptmx', '/proc/self/fd/0', '/proc/self/fd/1', '/proc/self/fd/2']);
      await refused('echo x >/dev/full', /No space left on device/);
      assert.deepEqual(await lines('head -c 3 /dev/zero | od -An -tx1; wc -c </dev/null'), [' 00 00 00', '0']);
      assert.deepEqual(await lines('exec 3<>/dev/ptmx && ls /dev/pts | grep -c "^[0-9]"'), ['1']);
    });

    it('64 MB of shared memory, and message queues', async () => {
      const [size] = await lines('df -k /dev/shm | tail -n 1 | awk "{print \\$2}"');
      assert.equal(size, '65536');
      await refused('fallocate -l 67108865 /dev/shm/full', /No space left on device/);
      const queue = await lines('touch /dev/mqueue/queue; cat /dev/mqueue/queue; rm /dev/mqueue/queue');
      assert.match(queue[0] ?? '', /^QSIZE:0 /);
    });

    it('its own processes alone, its command as PID 1; IPC and network are its pod’s', async () => {
      const processes = await lines('ps -o pid,args');
      assert.match(processes[1] ?? '', /^ +1 sleep 100000$/);
      assert.ok(processes.length < 8, processes.join('\n'));
      for (const kind of ['mnt', 'pid', 'cgroup', 'ipc', 'net']) {
        const script = `readlink /proc/self/ns/${kind}`;
        const own = (await shell(script)).stdout;
        assert.match(own, new RegExp(`^${kind}:\\[\\d+\\]\n$`));
        const agent = (await hyperd.hyper(['exec', '--vm', 'main', 'sh', '-c', script])).stdout;
        assert.equal(own === agent, kind === 'ipc' || kind === 'net', kind);
      }
    });

    it('cgroup v2 alone, with itself at the root', async () => {
      assert.deepEqual(await lines('cat /proc/self/cgroup /proc/1/cgroup'), ['0::/', '0::/']);
      const [controllers = ''] = await lines('cat /sys/fs/cgroup/cgroup.controllers');
      for (const name of ['cpu', 'memory', 'pids', 'io']) assert.ok(controllers.split(' ').includes(name), controllers);
      assert.deepEqual(await lines('cat /sys/fs/cgroup/cgroup.procs | grep -x 1'), ['1']);
    });

    it('its name and the pod’s address in the files that Docker writes', async () => {
      const { address } = await hyperd.client.podInspect('main');
      assert.match(address ?? '', /^192\.168\.123\.\d+$/);
      assert.deepEqual(await lines('hostname; cat /etc/hostname; echo $HOSTNAME'), Array(3).fill('named.example'));
      const hosts = await lines('cat /etc/hosts');
      assert.ok(hosts.includes('127.0.0.1\tlocalhost'));
      assert.ok(hosts.includes(`${address}\tnamed.example`), hosts.join('\n'));
      assert.deepEqual(await lines('cat /etc/resolv.conf'), ['nameserver 192.168.123.1']);
      assert.deepEqual(await lines('echo 198.51.100.9 added >>/etc/hosts; tail -n 1 /etc/hosts'), [
        '198.51.100.9 added',
      ]);
    });

    it('Docker’s limits', async () => {
      assert.deepEqual(await lines('ulimit -Sn; ulimit -Hn; ulimit -Hc'), ['1024', '524288', 'unlimited']);
    });

    it('random numbers that no other pod sees, from a pool that is full', async () => {
      const script = 'cat /proc/sys/kernel/random/entropy_avail; head -c 16 /dev/random | od -An -tx1';
      const [[full, first], [, second]] = await Promise.all([
        lines(script),
        hyperd.hyper(['run', '--rm', 'busybox', 'sh', '-c', script]).then(({ stdout }) => stdout.split('\n')),
      ]);
      assert.equal(full, '256');
      assert.match(first ?? '', /^( [0-9a-f]{2}){16}$/);
      assert.match(second ?? '', /^( [0-9a-f]{2}){16}$/);
      assert.notEqual(first, second);
    });
  });

  describe('may', () => {
    it('what Docker’s default capabilities let it, and no more', async () => {
      const sets = await lines('grep ^Cap /proc/1/status; grep ^Cap /proc/self/status');
      const one = [
        'CapInh:\t0000000000000000',
        `CapPrm:\t${dockerCapabilities}`,
        `CapEff:\t${dockerCapabilities}`,
        `CapBnd:\t${dockerCapabilities}`,
        'CapAmb:\t0000000000000000',
      ];
      assert.deepEqual(sets, [...one, ...one]);
      assert.deepEqual(await lines('touch /tmp/o; chown 5:6 /tmp/o; chmod 4755 /tmp/o; stat -c "%u:%g %a" /tmp/o'), [
        '5:6 4755',
      ]);
      const nobody = await hyperd.hyper(['exec', '-u', 'nobody', 'main', 'grep', '^Cap', '/proc/self/status']);
      const none = '0000000000000000';
      const held = [`CapInh:\t${none}`, `CapPrm:\t${none}`, `CapEff:\t${none}`, `CapBnd:\t${dockerCapabilities}`];
      assert.deepEqual(nobody.stdout.trim().split('\n').slice(0, 4), held);
    });

    it('make device nodes, but not open the VM’s disks by them', async () => {
      const disk = 'mknod /tmp/disk b $(tr : " " </sys/block/vda/dev) && ls -l /tmp/disk';
      assert.match((await lines(disk))[0] ?? '', /^b/);
      await refused('head -c 1 /tmp/disk', /Operation not permitted/);
      await refused('echo x >/tmp/disk', /Operation not permitted/);
      assert.deepEqual(await lines('mknod /tmp/null c 1 3 && echo x >/tmp/null && wc -c </tmp/null'), ['0']);
      await refused('mknod /tmp/mem c 1 1 && head -c 1 /tmp/mem', /Operation not permitted/);
      await refused(
        'cat /sys/class/virtio-ports/vport*/dev | head -n 1 | tr : " " | xargs mknod /tmp/port c && echo x >/tmp/port',
        /Operation not permitted/,
      );
    });

    it('not mount, set the clock or hostname, load modules, trace the kernel or change the network', async () => {
      await refused('mount -t tmpfs none /tmp', /permission denied|Operation not permitted/);
      await refused('mount -o remount,rw /sys', /permission denied|Operation not permitted/);
      await refused('umount /proc/sys', /Operation not permitted|can't unmount/);
      await refused('date -s 2001-01-01; false', /can't set date: Operation not permitted/); // busybox's ends with 0
      await refused('hostname other', /Operation not permitted/);
      await refused('echo x >/tmp/x.ko; insmod /tmp/x.ko', /Operation not permitted/);
      await refused('dmesg -c', /Operation not permitted/);
      await refused('ip link set lo down', /Operation not permitted/);
      await refused('swapon /tmp/x.ko', /Operation not permitted/);
      await refused('unshare -m true', /Operation not permitted/);
      await refused('reboot -f', /Operation not permitted/);
    });
  });

  describe('on the network', () => {
    it('reaches the outside, by address and by name', async () => {
      assert.deepEqual(await lines('nc -w 5 203.0.113.2 80 </dev/null'), ['hello from outside']);
      assert.match((await shell('ping -c 1 -W 5 203.0.113.2')).stdout, /1 packets received/);
      const found = await shell('nslookup -type=a example.com');
      assert.match(found.stdout, /Address(:| 1:) +198\.51\.100\.7/, found.stderr);
      assert.notEqual((await shell('nslookup -type=a missing.example')).code, 0);
    });

    it('reaches neither the host’s loopback nor its services on the bridge, but DNS', async () => {
      assert.equal(await host.call('ask', '127.0.0.1', 8001), 'for the host alone');
      assert.equal(await host.call('ask', '192.168.123.1', 8002), 'for neighbours');
      for (const place of ['127.0.0.1 8001', '192.168.123.1 8001', '192.168.123.1 8002', '203.0.113.1 8002']) {
        const { code, stdout } = await shell(`nc -w 2 ${place} </dev/null`);
        assert.deepEqual([code, stdout], [1, ''], place);
      }
    });
  });

  describe('has a disk', () => {
    it('of 10 GB, which takes no room on the host until it is used', async () => {
      const [size] = await lines('df -k / | tail -n 1 | awk "{print \\$2}"');
      assert.ok(Number(size) > 9_500_000 && Number(size) <= 10_485_760, `${size} kB`);
      const { id } = await hyperd.client.podInspect('main');
      const { size: bytes, blocks } = statSync(join(hyperd.root, 'pods', id, 'scratch.ext4'));
      assert.equal(bytes, 10_737_418_240);
      assert.ok(blocks * 512 < 100_000_000, `${blocks * 512} bytes`);
    });

    it('as large as --storage says; when it is full only writing fails', async () => {
      const options = ['--name', 'small', '--storage', '64m', '--stop-signal', 'KILL'];
      const started = await hyperd.hyper(['run', '-d', ...options, 'busybox', 'sh', '-c', 'echo log; sleep 100000']);
      assert.equal(started.code, 0, started.stderr);
      const [size] = await lines('df -k / | tail -n 1 | awk "{print \\$2}"', 'small');
      assert.ok(Number(size) > 40_000 && Number(size) <= 65_536, `${size} kB`);
      // What ext4 had set aside for the first file's blocks is free again when they are written: a second one takes it.
      for (const path of ['/fill', '/more']) {
        const filled = await shell(`cat /dev/zero >${path}; sync`, 'small');
        assert.match(filled.stderr, /No space left on device/);
      }
      const again = await shell('dd if=/dev/zero of=/other bs=1000 count=1000', 'small');
      assert.match(again.stderr, /No space left on device/);
      assert.deepEqual(await lines('echo alive; sleep 0 & wait; ls / | grep fill', 'small'), ['alive', 'fill']);
      assert.deepEqual(await lines('rm /fill; head -c 1000000 /dev/zero >/other; wc -c </other', 'small'), ['1000000']);
      assert.equal((await hyperd.hyper(['logs', 'small'])).stdout, 'log\n');
      assert.equal((await hyperd.hyper(['rm', '-f', 'small'])).code, 0);
    });
  });

  describe('out of memory', () => {
    it('loses the process that took it: an exec ends with 137, its pod goes on', async () => {
      const { code } = await hyperd.hyper(['exec', 'main', 'tail', '/dev/zero']);
      assert.equal(code, 137);
      assert.deepEqual(await lines('echo alive; ps -o args | grep -c "^sleep 100000$"'), ['alive', '1']);
    });

    it('ends with 137 and says so', async () => {
      const { code, stderr } = await hyperd.hyper(['run', '--name', 'greedy', 'busybox', 'tail', '/dev/zero']);
      assert.equal(code, 137, stderr);
      const [container] = (await hyperd.client.podInspect('greedy')).containers;
      assert.deepEqual([container?.exitCode, container?.oomKilled], [137, true]);
      const killed = await hyperd.hyper(['run', '--name', 'killed', 'busybox', 'sh', '-c', 'kill -9 $$; exit 137']);
      assert.equal(killed.code, 137);
      assert.equal((await hyperd.client.podInspect('killed')).containers[0]?.oomKilled, false);
    });
  });

  describe('reads the time', () => {
    /** How far the guest's clock is from ours, in milliseconds; `error` is what the question's way may hide. */
    const clockDifference = async (): Promise<{ readonly difference: number; readonly error: number }> => {
      const script = 'while read x; do adjtimex; echo end; done';
      const { id } = await hyperd.client.execCreate('main', { args: ['sh', '-c', script], stdin: true });
      let out = '';
      let heard = Promise.withResolvers<void>();
      const session = await hyperd.client.execAttach(
        id,
        {},
        {
          output: (_, bytes) => {
            out += bytes.toString();
            if (out.endsWith('end\n')) heard.resolve();
          },
        },
      );
      let best = { difference: NaN, error: Infinity };
      for (let count = 0; count < 12; count++) {
        out = '';
        heard = Promise.withResolvers();
        const asked = Date.now();
        session.stdin.write('\n');
        await heard.promise;
        const answered = Date.now();
        const seconds = /time\.tv_sec: +(\d+)/.exec(out)?.[1] ?? '';
        const microseconds = /time\.tv_usec: +(\d+)/.exec(out)?.[1] ?? '';
        const guest = Number(seconds) * 1000 + Number(microseconds) / 1000;
        const error = (answered - asked) / 2;
        if (error < best.error) best = { difference: guest - (asked + answered) / 2, error };
      }
      session.eof();
      await session.exit;
      return best;
    };

    it('within a few milliseconds of the host’s, and again soon after it was wrong', { timeout: 90_000 }, async () => {
      const first = await clockDifference();
      assert.ok(Math.abs(first.difference) <= first.error + 8, JSON.stringify(first));
      const wrong = 'date -s "2020-01-01 00:00:00" && date +%Y';
      const set = await hyperd.hyper(['exec', '--vm', 'main', 'sh', '-c', wrong]);
      assert.match(set.stdout, /\n2020\n$/, set.stderr);
      // hyperd sets the guests' clocks every half minute.
      const script = `until [ $(date +%s) -gt 1700000000 ]; do usleep 100000; done`;
      assert.equal((await shell(script)).code, 0);
      const then = await clockDifference();
      assert.ok(Math.abs(then.difference) <= then.error + 8, JSON.stringify(then));
    });
  });
});
