import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readlinkSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { findExecutable } from '../src/lib/find-executable.ts';
import { skipUnlessRoot } from './network/namespaces.ts';
import { makeRawDisk, qemuImg } from './support/disks.ts';
import { outputOf, repository, TestHyperd } from './support/hyperd.ts';
import { originOf, untilPoolHas, untilPreparedTemplates } from './support/warm.ts';

const guest = join(repository, 'guest/build');
const binary = join(guest, 'qemu/qemu-system-x86_64-hyper');
const skip = skipUnlessRoot || (!existsSync(binary) && 'it is not built: run scripts/qemu');

/** The optional QEMU, where it is built. */
describe('with "qemu": "hyper" in the configuration', { skip, timeout: 300_000 }, () => {
  let hyperd: TestHyperd;
  before(async () => {
    hyperd = await TestHyperd.start({ qemu: 'hyper', templates: {}, pool: { size: 1 } });
  });
  after(async () => await hyperd[Symbol.asyncDispose]());

  const run = (...args: readonly string[]): Promise<string> => outputOf(hyperd, args);

  it('VMs are of the QEMU that scripts/qemu built, and hyper info says so', async () => {
    assert.match(await run('info'), /^Hypervisor: qemu \d+\.\d+\.\d+-hyper$/m);
    await run('run', '-d', '--name', 'first', 'busybox', 'sleep', '1000');
    const { vmId } = await hyperd.client.podInspect('first');
    const pids = hyperd
      .vmProcesses()
      .filter((pid) => readFileSync(`/proc/${pid}/cmdline`, 'utf8').includes(String(vmId)));
    assert.deepEqual(
      pids.map((pid) => readlinkSync(`/proc/${pid}/exe`)),
      [binary],
    );
    await run('rm', '-f', 'first');
  });

  it('a VM of the pool, a clone of a template and one that boots run a pod', async () => {
    await untilPreparedTemplates(hyperd, 1);
    await untilPoolHas(hyperd, 1);
    assert.equal(await originOf(hyperd), 'pool');
    assert.equal(await originOf(hyperd, '--memory', '192m'), 'boot');
    await run('template', 'create', '--memory', '192m');
    assert.equal(await originOf(hyperd, '--memory', '192m'), 'template');
  });

  it('a pod has processors, a folder of the host, a volume that is a disk and two networks, all of which are plugged in', async () => {
    const folder = join(hyperd.folder, 'shared');
    mkdirSync(folder);
    writeFileSync(join(folder, 'file'), 'of the host\n');
    const disk = join(hyperd.folder, 'disk.raw');
    makeRawDisk(disk, 16);
    const packed = join(hyperd.folder, 'packed.qcow2');
    qemuImg('convert', '-c', '-O', 'qcow2', '-o', 'compression_type=zstd', disk, packed);
    await run('network', 'create', 'second');
    const mounts = ['--mount', `type=disk,source=${packed},target=/packed`];
    mounts.push('-v', `${folder}:/shared`, '--mount', `type=disk,source=${disk},target=/data`);
    await run('run', '-d', '--name', 'all', '--cpu', '2', ...mounts, 'busybox', 'sleep', '1000');
    await run('network', 'connect', 'second', 'all');
    const script = 'nproc; cat /shared/file; grep -oE " /(data|packed) ext4 " /proc/mounts | sort; ls /sys/class/net';
    assert.equal(
      await run('exec', 'all', 'sh', '-c', script),
      '2\nof the host\n /data ext4 \n /packed ext4 \neth0\neth1\nlo\n',
    );
    await run('rm', '-f', 'all');
    await run('network', 'rm', 'second');
  });

  it('is guarded as the distribution’s is: its place in memory, its stacks and its tables', () => {
    const headers = execFileSync('readelf', ['-hdlW', binary], { encoding: 'utf8' });
    for (const guard of [/Type:\s+DYN \(Position-Independent Executable/, /BIND_NOW/, /GNU_RELRO/, /GNU_STACK.* RW /])
      assert.match(headers, guard);
    const symbols = execFileSync('readelf', ['--dyn-syms', '-W', binary], { encoding: 'utf8' });
    for (const guard of [/__stack_chk_fail/, /__\w+_chk@/, /seccomp_load/]) assert.match(symbols, guard);
  });
});

describe('a QEMU that was built', { skip: skipUnlessRoot, timeout: 60_000 }, () => {
  /** A hyperd whose guest's folder is the real one, with the distribution's QEMU as the one that was built of this source. */
  async function logWith(source: string): Promise<string> {
    const real = (await findExecutable('qemu-system-x86_64')) ?? assert.fail('QEMU is not there');
    const folder = mkdtempSync(join(tmpdir(), 'hyper-guest-'));
    try {
      for (const name of ['vmlinux', 'initramfs.cpio', 'guest.json'])
        symlinkSync(join(guest, name), join(folder, name));
      mkdirSync(join(folder, 'qemu'));
      symlinkSync(real, join(folder, 'qemu/qemu-system-x86_64-hyper'));
      writeFileSync(join(folder, 'qemu/source'), `${source}\n`);
      await using hyperd = await TestHyperd.start({ qemu: 'hyper', guestDir: folder });
      return hyperd.log;
    } finally {
      rmSync(folder, { recursive: true });
    }
  }
  const words = /"built":"[^"]+","installed":"[^"]+","msg":"QEMU was built from an older source than the one installed/;

  it('of an older source than that of the one that is installed is told of in the log', async () => {
    assert.match(await logWith('1:7.1+dfsg-2'), words);
  });

  it('of the same source is not', async () => {
    const installed = execFileSync('dpkg-query', ['-W', '-f', '${source:Version}', 'qemu-system-x86'], {
      encoding: 'utf8',
    });
    const log = await logWith(installed);
    assert.doesNotMatch(log, words);
    assert.doesNotMatch(log, /"msg":"whether QEMU/);
  });
});
