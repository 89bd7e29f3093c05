import assert from 'node:assert/strict';
import { chmod, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { it } from 'node:test';
import { findHyperd } from './hyperd-file.ts';
import { isOurs } from './socket-probe.ts';

it('finds hyperd beside the CLI, then in ../bin, then on the PATH', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'hyper-cli-'));
  try {
    const own = join(folder, 'dist/hyper');
    for (const name of ['dist', 'bin', 'path']) await mkdir(join(folder, name));
    const path = `/nonexistent:${join(folder, 'path')}`;
    assert.equal(findHyperd(own, path), undefined);
    for (const name of ['path', 'bin', 'dist']) {
      await writeFile(join(folder, name, 'hyperd'), '', { mode: 0o755 });
      assert.equal(findHyperd(own, path), join(folder, name, 'hyperd'));
    }
    await writeFile(join(folder, 'plain'), '');
    assert.equal(findHyperd(undefined, undefined), undefined);
  } finally {
    await rm(folder, { recursive: true });
  }
});

it('trusts no run folder of someone else, or that others may write to', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'hyper-cli-'));
  try {
    const uid = process.getuid?.() ?? 0;
    assert.equal(isOurs(folder, uid), true);
    assert.equal(isOurs(folder, uid + 1), false);
    await mkdir(join(folder, 'open'), { mode: 0o777 });
    await chmod(join(folder, 'open'), 0o777);
    assert.equal(isOurs(join(folder, 'open'), uid), false);
    assert.equal(isOurs(join(folder, 'absent'), uid), true);
  } finally {
    await rm(folder, { recursive: true });
  }
});
