import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { makeFolders } from './make-folders.ts';

describe('making folders', () => {
  let folder: string;
  before(() => {
    folder = mkdtempSync(join(tmpdir(), 'hyper-folders-'));
  });
  after(() => rmSync(folder, { recursive: true }));

  it('makes those above too, with the mode, and is content with one that is there, also by a link', async () => {
    const path = join(folder, 'one/two');
    await makeFolders(path, 0o700);
    await makeFolders(path);
    assert.deepEqual([statSync(path).mode & 0o777, statSync(join(folder, 'one')).mode & 0o777], [0o700, 0o700]);
    symlinkSync(path, join(folder, 'link'));
    await makeFolders(join(folder, 'link/three/'));
    assert.ok(statSync(join(path, 'three')).isDirectory());
    await Promise.all([makeFolders(join(folder, 'a/b/c')), makeFolders(join(folder, 'a/b/d'))]);
  });

  it('fails where it cannot: below a file, on one, and below /proc, where Node tries for ever', async () => {
    const file = join(folder, 'file');
    writeFileSync(file, '');
    await assert.rejects(makeFolders(file), { code: 'EEXIST' });
    await assert.rejects(makeFolders(join(file, 'below')), { code: 'ENOTDIR' });
    await assert.rejects(makeFolders('/proc/hyper-test/below'), { code: 'ENOENT' });
  });
});
