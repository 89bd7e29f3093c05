import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, it } from 'node:test';
import { withFileLock } from './file-lock.ts';

/** Holds the lock until it is killed; Ctrl-C does not end it, as hyperd while its pods stop. */
const program = `
  import { withFileLock } from ${JSON.stringify(new URL('file-lock.ts', import.meta.url).href)};
  process.on('SIGINT', () => console.log('interrupted'));
  await withFileLock(process.argv[1], () => new Promise(() => { setInterval(() => {}, 1000); console.log('locked'); }));
`;

describe('a file lock', () => {
  let folder: string;
  let path: string;
  let holder: ChildProcess;
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'hyper-lock-'));
    path = join(folder, 'lock');
    const args = ['--input-type=module-typescript', '--eval', program, path];
    holder = spawn(process.execPath, args, { detached: true, stdio: ['ignore', 'pipe', 'inherit'] });
    if (holder.stdout !== null) await once(holder.stdout, 'data');
  });
  afterEach(async () => {
    holder.kill('SIGKILL');
    await rm(folder, { recursive: true });
  });

  it('outlasts a Ctrl-C that its process outlasts', async () => {
    assert.ok(holder.pid !== undefined && holder.stdout !== null);
    process.kill(-holder.pid, 'SIGINT');
    await once(holder.stdout, 'data');
    await assert.rejects(
      withFileLock(path, () => Promise.resolve(), 200),
      { code: 'timeout' },
    );
  });

  it('is free when its process is killed', async () => {
    holder.kill('SIGKILL');
    assert.equal(await withFileLock(path, () => Promise.resolve('mine'), 5000), 'mine');
  });

  it('that cannot be had at all is not said to be another’s', async () => {
    const nowhere = join(folder, 'none/lock');
    await assert.rejects(
      withFileLock(nowhere, () => Promise.resolve()),
      { code: 'unavailable', message: /none\/lock cannot be locked/ },
    );
  });
});
