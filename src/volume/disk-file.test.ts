import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { linkSync, mkdtempSync, rmSync, symlinkSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { diskFormat, diskIdentity, openDiskFile } from './disk-file.ts';

describe('the format of a disk', () => {
  it('is what is said, else what the name’s ending says', () => {
    assert.equal(diskFormat('/a/b.qcow2', undefined), 'qcow2');
    assert.equal(diskFormat('/a/b.QCOW2', undefined), 'qcow2');
    assert.equal(diskFormat('/a/b.img', undefined), 'raw');
    assert.equal(diskFormat('/a/b.raw', undefined), 'raw');
    assert.equal(diskFormat('/a/b.img', 'qcow2'), 'qcow2');
    assert.equal(diskFormat('/a/b.qcow2', 'raw'), 'raw');
    for (const path of ['/a/b', '/a.raw/b', '/a/b.vmdk', '/a/b.', '/a/raw', '/a/b.raw.bak']) {
      assert.throws(() => diskFormat(path, undefined), /give format=raw or format=qcow2/, path);
    }
  });
});

describe('the file of a disk', () => {
  let folder: string;
  before(() => {
    folder = mkdtempSync(join(tmpdir(), 'hyper-disk-file-'));
    writeFileSync(join(folder, 'plain.raw'), Buffer.alloc(4096, 'x'));
    writeFileSync(join(folder, 'empty.raw'), '');
    execFileSync('mkfifo', [join(folder, 'pipe.raw')]);
  });
  after(() => rmSync(folder, { recursive: true }));

  it('is the same by each of its names', async () => {
    symlinkSync('plain.raw', join(folder, 'symlink.raw'));
    linkSync(join(folder, 'plain.raw'), join(folder, 'link.raw'));
    const identities: string[] = [];
    for (const name of ['plain.raw', 'symlink.raw', 'link.raw', `../${basename(folder)}/plain.raw`]) {
      const { handle, identity } = await openDiskFile(join(folder, name), 'raw', false);
      await handle.close();
      identities.push(identity, await diskIdentity(join(folder, name)));
    }
    assert.equal(new Set(identities).size, 1);
    assert.equal(await diskIdentity(join(folder, 'gone')), join(folder, 'gone'));
  });

  it('is opened as it is to be used', async () => {
    const reading = await openDiskFile(join(folder, 'plain.raw'), 'raw', true);
    await assert.rejects(reading.handle.write('x'), /EBADF/);
    await reading.handle.close();
    const { handle } = await openDiskFile(join(folder, 'plain.raw'), 'raw', false);
    await handle.write('x', 0);
    await handle.close();
  });

  it('is refused with what to do, where it cannot be one', async () => {
    symlinkSync('nowhere', join(folder, 'dangling.raw'));
    for (const [name, format, words] of [
      ['missing.raw', 'raw', /there is no disk at .*missing.raw: make one/],
      ['dangling.raw', 'raw', /there is no disk at/],
      ['plain.raw/x', 'raw', /there is no disk at/],
      ['', 'raw', /is a folder.*give type=bind/],
      ['pipe.raw', 'raw', /is no file/],
      ['empty.raw', 'raw', /is empty: .*mkfs.ext4/],
      ['empty.raw', 'qcow2', /is empty: .*qemu-img create/],
      ['plain.raw', 'qcow2', /is not qcow2: give format=raw/],
    ] as const) {
      await assert.rejects(openDiskFile(join(folder, name), format, false), words, name);
    }
    await assert.rejects(openDiskFile('/dev/null', 'raw', false), /is no file/);
  });

  it('is taken as raw where it is said to be, whatever a guest has written to it', async () => {
    const path = join(folder, 'written.raw');
    writeFileSync(path, Buffer.from('QFI\xfb\0\0\0\x03', 'latin1'));
    truncateSync(path, 1 << 20);
    const { handle } = await openDiskFile(path, diskFormat(path, undefined), false);
    await handle.close();
  });
});
