import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import {
  closeSync,
  linkSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, it } from 'node:test';
import {
  makePartitionedDisk,
  makeQcow2Disk,
  makeRawDisk,
  qcow2HeaderWithBacking,
  qemuImg,
  readOnDisk,
  writeAt,
} from './support/disks.ts';
import { outputOf, type TestHyperd } from './support/hyperd.ts';
import { assertRefused, untilTakenApart } from './support/refusal.ts';
import { originOf, untilPoolHas } from './support/warm.ts';
import { inBothWays } from './support/ways.ts';

inBothWays('a disk of this host by its path', { timeout: 400_000 }, (way) => {
  let hyperd: TestHyperd;
  let folder: string;
  before(async () => {
    // The test's own: QEMU's user cannot even pass through it.
    folder = mkdtempSync(join(tmpdir(), 'hyper-disks-'));
    // Before hyperd, which has a mount namespace of its own from its start.
    mkdirSync(join(folder, 'small'));
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=8m', 'hyper-test', join(folder, 'small')]);
    hyperd = await way.start();
    makeRawDisk(join(folder, 'data.raw'), 64);
    makeQcow2Disk(join(folder, 'data.qcow2'), 64);
    own('.', 'small', 'data.raw', 'data.qcow2');
  });
  after(async () => {
    await hyperd[Symbol.asyncDispose]();
    execFileSync('umount', [join(folder, 'small')]);
    rmSync(folder, { recursive: true });
  });

  /** They are of who runs hyperd. */
  const own = (...names: string[]): void => {
    for (const name of names) hyperd.own(join(folder, name));
  };
  const disk = (name: string, more = '', target = '/data'): string[] => [
    '--mount',
    `type=disk,source=${join(folder, name)},target=${target}${more}`,
  ];
  const run = (...args: string[]): Promise<string> => outputOf(hyperd, args);
  const inPod = async (mounts: readonly string[], script: string): Promise<string> =>
    await run('run', '--rm', ...mounts, 'busybox', 'sh', '-ec', script);
  const refused = async (mounts: readonly string[], line: RegExp): Promise<void> => {
    await untilTakenApart(hyperd);
    await assertRefused(hyperd, ['run', '--rm', ...mounts, 'busybox', 'true'], 125, line);
  };

  for (const name of ['data.raw', 'data.qcow2']) {
    it(`keeps what is written, without a word of sync: ${name}`, async () => {
      const script = 'grep " /data " /proc/mounts; echo kept >/data/file; chown 5:6 /data/file';
      assert.match(await inPod(disk(name), script), /^\/dev\/vd\w \/data ext4 rw,nodev,noatime/);
      assert.equal(await inPod(disk(name), 'cat /data/file; stat -c %u:%g /data/file'), 'kept\n5:6\n');
      await untilTakenApart(hyperd);
      if (name === 'data.raw') assert.equal(readOnDisk(join(folder, name), '/file'), 'kept\n');
      else qemuImg('check', '-f', 'qcow2', join(folder, name));
      const { containers } = await created(disk(name));
      const source = join(folder, name);
      assert.deepEqual(containers[0]?.mounts, [{ type: 'disk', name: null, source, target: '/data', readOnly: false }]);
    });
  }

  async function created(mounts: readonly string[]): ReturnType<TestHyperd['client']['podInspect']> {
    const id = (await run('create', ...mounts, 'busybox', 'true')).trim();
    const pod = await hyperd.client.podInspect(id);
    await run('rm', id);
    return pod;
  }

  it('is mounted twice in one pod, beside others and folders of the host', async () => {
    mkdirSync(join(folder, 'shared'));
    own('shared');
    const mounts = [
      ...disk('data.raw'),
      ...disk('data.raw', ',ro', '/again'),
      ...disk('data.qcow2', '', '/other'),
      ...['-v', `${join(folder, 'shared')}:/shared`],
    ];
    const script =
      'echo one >/data/x; cat /again/x; touch /again/y 2>/dev/null || echo no; echo two >/other/x; cp /other/x /shared; cat /shared/x';
    assert.equal(await inPod(mounts, script), 'one\nno\ntwo\n');
  });

  it('is read by several pods at a time, and written by none meanwhile', async () => {
    await run('run', '-d', '--name', 'reader', ...disk('data.raw', ',ro'), 'busybox', 'sleep', '1000');
    assert.equal(
      await inPod(disk('data.raw', ',ro'), 'cat /data/file; touch /data/x 2>/dev/null || echo no'),
      'kept\nno\n',
    );
    await refused(disk('data.raw'), /data.raw is a disk and pod reader has it: stop that pod/);
    await run('rm', '-f', 'reader');
    assert.equal(await inPod(disk('data.raw'), 'cat /data/file'), 'kept\n');
  });

  it('is written by one pod at a time, by whatever name, also after hyperd was killed, and is free at its end', async () => {
    symlinkSync('data.qcow2', join(folder, 'symlink.qcow2'));
    linkSync(join(folder, 'data.qcow2'), join(folder, 'link.qcow2'));
    await run('run', '-d', '--name', 'writer', ...disk('data.qcow2'), 'busybox', 'sleep', '1000');
    const names = ['data.qcow2', 'symlink.qcow2', 'link.qcow2'];
    for (const name of names) await refused(disk(name), /qcow2 is a disk and pod writer has it/);
    await refused(disk('data.qcow2', ',ro'), /pod writer has it/);
    await hyperd.signal('SIGKILL');
    await hyperd.start();
    for (const name of names) await refused(disk(name), /qcow2 is a disk and pod writer has it/);
    await run('exec', 'writer', 'sh', '-c', 'echo by the writer >/data/file');
    await run('stop', '-t', '1', 'writer');
    assert.equal(await inPod(disk('link.qcow2'), 'cat /data/file'), 'by the writer\n', 'at once');
    await run('start', 'writer');
    assert.equal(await run('exec', 'writer', 'cat', '/data/file'), 'by the writer\n');
    await run('rm', '-f', 'writer');
  });

  it('is not given to two hyperds, nor to one beside another QEMU', async () => {
    await using other = await way.start();
    await run('run', '-d', '--name', 'first', ...disk('data.raw'), 'busybox', 'sleep', '1000');
    const args = ['run', '--rm', ...disk('data.raw'), 'busybox', 'true'];
    await assertRefused(other, args, 125, /data.raw is in use by another QEMU, hyperd or qemu-img/);
    await run('rm', '-f', 'first');
    const ended = await other.hyper(args);
    assert.equal(ended.code, 0, ended.stderr);
  });

  it('is raw where it is said to be: a guest that writes it cannot make it a qcow2 with the host’s files', async () => {
    writeFileSync(join(folder, 'secret'), Buffer.alloc(1 << 20, 'secret\n'));
    makeRawDisk(join(folder, 'turned.raw'), 64);
    own('turned.raw');
    // Where ext4 has nothing.
    writeAt(join(folder, 'turned.raw'), 0, qcow2HeaderWithBacking(join(folder, 'secret')));
    assert.equal(await inPod(disk('turned.raw'), 'ls /data; cat /proc/partitions | grep -c 65536'), 'lost+found\n1\n');
    renameSync(join(folder, 'turned.raw'), join(folder, 'turned'));
    await refused(disk('turned'), /turned does not tell its format: give format=raw or format=qcow2/);
    assert.equal(await inPod(disk('turned', ',format=raw'), 'ls /data'), 'lost+found\n');
    await refused(disk('turned', ',format=qcow2'), /turned has a backing file/);
  });

  it('is refused where it leads to other files or cannot be read', async () => {
    const at = (name: string): string => join(folder, name);
    qemuImg('create', '-q', '-f', 'qcow2', '-b', at('data.qcow2'), '-F', 'qcow2', at('backed.qcow2'));
    qemuImg('create', '-q', '-f', 'qcow2', '-o', `data_file=${at('outside')}`, at('external.qcow2'), '64M');
    // Its header says that it is encrypted by LUKS. Where a processor is fast, qemu-img cannot make one: it measures its time.
    qemuImg('create', '-q', '-f', 'qcow2', at('luks.qcow2'), '64M');
    const luks = openSync(at('luks.qcow2'), 'r+');
    writeSync(luks, Buffer.from([0, 0, 0, 2]), 0, 4, 32);
    closeSync(luks);
    own('backed.qcow2', 'external.qcow2', 'luks.qcow2');
    await refused(disk('backed.qcow2'), /backed.qcow2 has a backing file: make it whole with 'qemu-img convert/);
    await refused(disk('external.qcow2'), /external.qcow2 keeps its data in another file/);
    await refused(disk('luks.qcow2'), /luks.qcow2 is encrypted/);
    await refused(disk('data.raw', ',format=qcow2'), /data.raw is not qcow2: give format=raw/);
    await refused(
      disk('data.qcow2', ',format=raw'),
      /data.qcow2: it begins as a qcow2 image does: .*give format=qcow2/,
    );
    await refused(disk('missing.raw'), /there is no disk at .*missing.raw: make one/);
    await refused(disk('shared', ',format=raw'), /shared is a folder, and a disk is a file: give type=bind/);
    await refused(disk('data.raw', ',fstype=proc'), /there is no file system 'proc' for disks: give ext2, /);
    writeFileSync(at('cut.qcow2'), qcow2HeaderWithBacking('').subarray(0, 80).fill(0, 8, 20));
    own('cut.qcow2');
    await refused(disk('cut.qcow2'), /cut.qcow2 cannot be used as a disk: /);
  });

  it('has a file system, on the whole of it or on the partition that is said', async () => {
    writeFileSync(join(folder, 'blank.raw'), Buffer.alloc(1 << 20));
    own('blank.raw');
    await refused(disk('blank.raw'), /blank.raw: no file system is known on it: make one first, as with mkfs.ext4/);
    makePartitionedDisk(join(folder, 'parts.raw'), 32);
    own('parts.raw');
    await refused(disk('parts.raw'), /parts.raw: it has partitions: say which is meant, as with partition=1/);
    await refused(disk('parts.raw', ',partition=1'), /parts.raw: no file system is known on it/);
    await refused(disk('parts.raw', ',partition=3'), /parts.raw: it has no partition 3/);
    assert.match(
      await inPod(disk('parts.raw', ',partition=2'), 'grep " /data " /proc/mounts'),
      /^\/dev\/vd\w2 \/data ext4/,
    );
    await refused(disk('data.raw', ',fstype=xfs'), /data.raw: cannot be mounted as xfs: /);
  });

  it('may have other file systems than ext4: the modules come with it', async () => {
    for (const [type, mebibytes] of [
      ['xfs', 320],
      ['vfat', 16],
    ] as const) {
      makeRawDisk(join(folder, `${type}.raw`), mebibytes, type);
      own(`${type}.raw`);
      const script = `grep -o " /data ${type} " /proc/mounts; echo kept >/data/file`;
      assert.equal(await inPod(disk(`${type}.raw`), script), ` /data ${type} \n`);
      assert.equal(await inPod(disk(`${type}.raw`, ',ro'), 'cat /data/file'), 'kept\n');
    }
  });

  it('tells its pod of the host’s full disk, and nothing stands still', async () => {
    execFileSync('cp', [join(folder, 'data.qcow2'), join(folder, 'small/full.qcow2')]);
    own('small/full.qcow2');
    await run('run', '-d', '--name', 'full', ...disk('small/full.qcow2'), 'busybox', 'sleep', '1000');
    const write = 'dd if=/dev/zero of=/data/big bs=1M count=40 && sync /data/big';
    const { code, stderr } = await hyperd.hyper(['exec', 'full', 'sh', '-c', write]);
    assert.notEqual(code, 0);
    assert.match(stderr, /Input\/output error|Read-only file system/);
    assert.equal(await run('exec', 'full', 'echo', 'alive'), 'alive\n');
    assert.match(hyperd.log, /a disk of a VM failed.*the host’s disk is full/);
    await run('rm', '-f', 'full');
  });

  it('goes on for its pod when its file is removed, and is missed at the next start', async () => {
    makeRawDisk(join(folder, 'going.raw'), 16);
    own('going.raw');
    await run('run', '-d', '--name', 'keeps', ...disk('going.raw'), 'busybox', 'sleep', '1000');
    rmSync(join(folder, 'going.raw'));
    assert.equal(await run('exec', 'keeps', 'sh', '-c', 'echo x >/data/x; sync; cat /data/x'), 'x\n');
    await run('stop', '-t', '1', 'keeps');
    const again = await hyperd.hyper(['start', 'keeps']);
    assert.notEqual(again.code, 0);
    assert.match(again.stderr, /there is no disk at .*going.raw/);
    await run('rm', 'keeps');
  });

  it('comes to a VM of the pool too', async () => {
    hyperd.configure({ pool: { size: 1 }, templates: {} });
    await untilPoolHas(hyperd, 1);
    assert.equal(await originOf(hyperd, ...disk('data.qcow2')), 'pool');
    await untilPoolHas(hyperd, 1);
    assert.equal(await inPod(disk('data.raw'), 'cat /data/file'), 'kept\n');
  });
});
