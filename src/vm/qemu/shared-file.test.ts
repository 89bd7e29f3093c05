import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { open } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { it } from 'node:test';
import { SharedFile } from './shared-file.ts';

it('a shared file is what it was for those who open it while it goes, and nobody’s after', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'hyper-shared-'));
  t.after(() => rmSync(folder, { recursive: true }));
  const paths = ['shared', 'next'].map((name) => join(folder, name));
  for (const path of paths) writeFileSync(path, path);
  const [first = '', next = ''] = paths;
  const shared = new SharedFile(await open(first));
  const opening = Array.from({ length: 20 }, async () => {
    await using file = await shared.open();
    return (await file.readFile()).toString();
  });
  await shared[Symbol.asyncDispose]();
  await using other = await open(next);
  assert.deepEqual(await Promise.all(opening), Array<string>(20).fill(first));
  assert.equal((await other.readFile()).toString(), next);
  await assert.rejects(shared.open(), { code: 'not_found' });
});
