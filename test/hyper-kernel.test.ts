import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { skipUnlessRoot } from './network/namespaces.ts';
import { makeRawDisk } from './support/disks.ts';
import { outputOf, repository, TestHyperd } from './support/hyperd.ts';

const folder = join(repository, 'guest/build/hyper');
const skip = skipUnlessRoot || (!existsSync(join(folder, 'vmlinux')) && 'the kernel is not built: run scripts/kernel');

/** The optional kernel, where it is built. */
describe('with "kernel": "hyper" in the configuration', { skip }, () => {
  let hyperd: TestHyperd;

  before(async () => {
    hyperd = await TestHyperd.start({ kernel: 'hyper' });
    const options = ['--name', 'main', '--stop-signal', 'KILL', '--cpu', '2'];
    const script = 'while true; do nc -l -p 8080 -e echo hello from main; done';
    const started = await hyperd.hyper(['run', '-d', ...options, 'busybox', 'sh', '-c', script]);
    assert.equal(started.code, 0, started.stderr);
  });
  after(async () => await hyperd[Symbol.asyncDispose]());

  const run = (args: readonly string[], input?: Buffer): Promise<string> =>
    outputOf(hyperd, args, input === undefined ? {} : { input });
  const inContainer = (script: string): Promise<string> => run(['exec', 'main', 'sh', '-c', script]);
  const inGuest = (script: string): Promise<string> => run(['exec', '--vm', 'main', 'sh', '-c', script]);

  it('a pod’s kernel is the one that scripts/kernel built, and hyper info says so', async () => {
    const version = readFileSync(join(folder, 'kernel/version'), 'utf8');
    assert.match(version, /^\d+\.\d+\.\d+-hyper\n$/);
    assert.equal(await inContainer('uname -r'), version);
    assert.match(await run(['info']), new RegExp(version.trim()));
  });

  it('a container has its image as EROFS, a layer on ext4 over it, and no module is needed for them', async () => {
    const mounts = await inGuest('cat /proc/mounts');
    for (const type of ['erofs ro', 'ext4 rw', 'overlay rw']) assert.ok(mounts.includes(` ${type},`), mounts);
    assert.equal(await inContainer('echo kept >/file && cat /file'), 'kept\n');
    assert.equal(await inGuest('cat /proc/modules; ls /lib/modules'), 'at-once\nfile-systems\nshares\n');
    const known = (await inGuest('cat /proc/filesystems')).split('\n').map((line) => line.replace(/^.*\t/, ''));
    for (const type of ['virtiofs', 'erofs', 'overlay', 'ext4', 'tmpfs', 'nfs', 'nfs4'])
      assert.ok(known.includes(type), `${type}: ${known.join(' ')}`);
  });

  it('a pod has disks with ext4, and its user is told of a file system that this kernel lacks', async () => {
    const path = join(hyperd.folder, 'disk.raw');
    makeRawDisk(path, 16);
    const mount = (more: string): string[] => ['--mount', `type=disk,source=${path},target=/data${more}`];
    const script = 'echo kept >/data/x; grep -o " /data ext4 " /proc/mounts';
    assert.equal(await run(['run', '--rm', ...mount(''), 'busybox', 'sh', '-c', script]), ' /data ext4 \n');
    const refused = await hyperd.hyper(['run', '--rm', ...mount(',fstype=xfs'), 'busybox', 'true']);
    assert.equal(refused.code, 125);
    assert.match(refused.stderr, /the guest's kernel has no file system xfs/);
  });

  it('a pod has its processors and its network, and is reached from another pod', async () => {
    assert.equal(await inContainer('nproc'), '2\n');
    const { address } = await hyperd.client.podInspect('main');
    assert.match(address ?? '', /^192\.168\.123\.\d+$/);
    const asked = await run(['run', '--rm', 'busybox', 'sh', '-c', `nc -w 5 ${address} 8080 </dev/null`]);
    assert.equal(asked, 'hello from main\n');
  });

  it('a clone’s generator is reseeded because it wakes as another VM, and that of a VM that booted is not', async () => {
    const words = /crng reseeded due to virtual machine fork/;
    assert.doesNotMatch(await inGuest('dmesg'), words);
    await run(['template', 'create']);
    const clone = await run(['run', '-d', '--name', 'clone', 'busybox', 'sleep', '1000']);
    assert.match(clone, /^pod-/);
    assert.match(await run(['exec', '--vm', 'clone', 'dmesg']), words);
    await run(['rm', '-f', 'clone']);
  });

  it('a container finds the controllers of cgroup v2, and seccomp, io_uring and user namespaces are there', async () => {
    const controllers = (await inContainer('cat /sys/fs/cgroup/cgroup.controllers')).trim().split(' ');
    for (const name of ['cpu', 'memory', 'pids', 'io']) assert.ok(controllers.includes(name), controllers.join(' '));
    assert.match(await inContainer('grep Seccomp: /proc/self/status'), /^Seccomp:\t\d\n$/);
    assert.match(await inGuest('cat /proc/kallsyms'), / __x64_sys_io_uring_setup$/m);
    assert.match(await inGuest('ls /proc/self/ns'), /^user$/m);
  });

  it('its mitigations are those of the distribution’s kernel, or better', async () => {
    const script = 'cd /sys/devices/system/cpu/vulnerabilities && grep . *';
    const vulnerable = (text: string): string[] => {
      const lines = text.trim().split('\n');
      assert.ok(lines.length >= 10, text);
      return lines.filter((line) => line.includes('Vulnerable')).map((line) => line.replace(/:.*/, ''));
    };
    const ours = await inGuest(script);
    const other = await TestHyperd.start();
    try {
      const { stdout } = await other.hyper(['run', '--rm', 'busybox', 'sh', '-c', script]);
      const theirs = vulnerable(stdout);
      assert.deepEqual(
        vulnerable(ours).filter((name) => !theirs.includes(name)),
        [],
        ours,
      );
    } finally {
      await other[Symbol.asyncDispose]();
    }
    const config = await inGuest('zcat /proc/config.gz');
    for (const option of ['RANDOMIZE_BASE', 'RANDOMIZE_MEMORY', 'CPU_MITIGATIONS'])
      assert.match(config, new RegExp(`^CONFIG_${option}=y$`, 'm'));
  });

  describe('Docker would find in a pod', () => {
    /** The host's program with its libraries, for it is the kernel that is asked. */
    const bring = async (program: string): Promise<string> => {
      const libraries = execFileSync('ldd', [program], { encoding: 'utf8' }).match(/\/\S+/g) ?? [];
      const archive = ['-ch', '-P', '--transform', 's|.*/||', program, ...libraries];
      await run(
        ['exec', '-i', '--vm', 'main', 'tar', 'x', '-C', '/tmp'],
        execFileSync('tar', archive, { maxBuffer: 1 << 26 }),
      );
      return `/tmp/ld-linux-x86-64.so.2 --library-path /tmp /tmp/${program.replace(/.*\//, '')}`;
    };
    const found = (name: string): string =>
      spawnSync('sh', ['-c', `command -v ${name}`], { encoding: 'utf8' }).stdout.trim();

    it('bridges and pairs of interfaces', async () => {
      const script =
        'ip link add docker0 type bridge && ip link add one type veth && ip link set one master docker0 && ip link show one';
      assert.match(await inGuest(script), /one@veth0: .* master docker0 /);
    });

    it('nftables with connection tracking, NAT, masquerading and bridges', async () => {
      const nft = await bring(found('nft'));
      const rules = [
        'table inet one { chain c { type filter hook forward priority 0; ct state established,related accept; ',
        'limit rate 5/second log reject; }; chain p { type nat hook postrouting priority 100; masquerade; }; ',
        'chain d { type nat hook prerouting priority -100; fib daddr type local tcp dport 80 dnat ip to 10.0.0.2:80; }; }; ',
        'table bridge two { chain c { type filter hook forward priority 0; ip saddr 10.0.0.1 drop; }; }',
      ].join('');
      assert.match(
        await inGuest(`${nft} '${rules}' && ${nft} list ruleset`),
        /masquerade[^]*dnat ip to 10\.0\.0\.2:80/,
      );
      await inGuest('cat /proc/sys/net/bridge/bridge-nf-call-iptables');
    });

    const legacy = found('iptables-legacy') === '' && 'iptables-legacy is missing: install the package iptables';
    it('the tables of iptables', { skip: legacy }, async () => {
      const iptables = await bring(found('xtables-legacy-multi'));
      for (const table of ['filter', 'nat', 'mangle', 'raw'])
        assert.match(await inGuest(`${iptables} iptables -t ${table} -S`), /^-P OUTPUT ACCEPT$/m);
    });
  });
});
