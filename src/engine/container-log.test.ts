import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { appendFile, mkdir, mkdtemp, rm, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import fc from 'fast-check';
import { silentLog } from '../lib/log.ts';
import { ContainerLog } from './container-log.ts';
import { type LogQuery, readLog } from './log-reader.ts';

const endless = new AbortController().signal;

describe('a container log', () => {
  let folder = '';
  let count = 0;
  const newPath = (): string => join(folder, `${count++}.log`);
  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'hyper-log-'));
  });
  after(async () => {
    await rm(folder, { recursive: true });
  });

  async function write(path: string, pieces: readonly string[]): Promise<void> {
    const log = await ContainerLog.open(path, true, silentLog);
    let offset = log.positions[1].offset;
    for (const piece of pieces) {
      await log.append(1, offset, Buffer.from(piece));
      offset += piece.length;
    }
    await log.close();
  }

  async function read(path: string, query: Partial<LogQuery> = {}): Promise<string> {
    let text = '';
    for await (const { bytes } of readLog(path, { signal: endless, ...query }, undefined)) text += bytes.toString();
    return text;
  }

  it('gives back what was written, also by several hyperds', async () => {
    const path = newPath();
    await write(path, ['one\n', 'two']);
    await write(path, [' more\n']);
    assert.equal(await read(path), 'one\ntwo more\n');
  });

  it('goes on at the offset where it ended, without a record that was cut off', async () => {
    const path = newPath();
    await write(path, ['whole\n', 'lost by a power cut\n']);
    await truncate(path, 24 + 6 + 24 + 5);
    const log = await ContainerLog.open(path, true, silentLog);
    assert.deepEqual(log.positions[1], { offset: 6, ended: false });
    assert.deepEqual(log.positions[2], { offset: 0, ended: false });
    await log.close();
    assert.equal(await read(path), 'whole\n');
  });

  it('is repaired when garbage shorter than a record follows', async () => {
    const path = newPath();
    await write(path, ['x\n']);
    await appendFile(path, Buffer.alloc(10, 7));
    await write(path, ['y\n']);
    assert.equal(await read(path), 'x\ny\n');
  });

  it('knows that a stream has ended', async () => {
    const path = newPath();
    const log = await ContainerLog.open(path, true, silentLog);
    await log.append(2, 0, Buffer.from('e'));
    await log.appendEnd(2, 1);
    await log.close();
    const again = await ContainerLog.open(path, true, silentLog);
    assert.deepEqual(again.positions[2], { offset: 1, ended: true });
    await again.close();
  });

  it('of a pod that was started again goes on with the new run’s streams, not with the old one’s', async () => {
    const path = newPath();
    const first = await ContainerLog.open(path, false, silentLog);
    await first.append(1, 0, Buffer.from('first run\n'));
    await first.appendEnd(2, 0);
    await first.close();
    await (await ContainerLog.open(path, false, silentLog)).close();
    const resumed = await ContainerLog.open(path, true, silentLog);
    assert.deepEqual(resumed.positions, { 1: { offset: 0, ended: false }, 2: { offset: 0, ended: false } });
    await resumed.append(2, 0, Buffer.from('second run\n'));
    await resumed.close();
    assert.equal(await read(path), 'first run\nsecond run\n');
  });

  const noDisk = process.getuid?.() === 0 ? false : 'a disk that is full is a mount of root’s';
  it('knows where a run begins that began while the disk was full', { skip: noDisk }, async () => {
    const disk = join(folder, 'disk');
    await mkdir(disk);
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=64k', 'hyper-log-test', disk]);
    try {
      const path = join(disk, 'log');
      const log = await ContainerLog.open(path, false, silentLog);
      await log.append(1, 0, Buffer.alloc(4096 - 3 * 24, 'a')); // with three headers: all of a page
      await log.appendEnd(1, 4024);
      await writeFile(join(disk, 'filler'), Buffer.alloc(1 << 16)).catch(() => undefined);
      await log.beginRun();
      await log.append(1, 0, Buffer.from('dropped\n'));
      await rm(join(disk, 'filler'));
      await log.append(2, 0, Buffer.from('second run\n'));
      await log.close();
      const resumed = await ContainerLog.open(path, true, silentLog);
      assert.deepEqual(resumed.positions, { 1: { offset: 0, ended: false }, 2: { offset: 11, ended: false } });
      await resumed.close();
      assert.equal(await read(path, { tail: 1 }), `${'a'.repeat(4024)}second run\n`);
    } finally {
      execFileSync('umount', ['-l', disk]);
    }
  });

  it('tells of each piece when it is written, not when no more come', async () => {
    const log = await ContainerLog.open(newPath(), false, silentLog);
    const first = log.append(1, 0, Buffer.from('a'));
    let offset = 1;
    const more = setInterval(() => void log.append(1, offset++, Buffer.from('b')), 0);
    await first;
    clearInterval(more);
    await log.close();
  });

  it('gives the last lines as tail(1) does, however the output was cut', async () => {
    const text = fc.string({ unit: fc.constantFrom('a', 'b', '\n'), maxLength: 30 });
    await fc.assert(
      fc.asyncProperty(fc.array(text, { maxLength: 8 }), fc.nat(6), async (pieces, tail) => {
        const path = newPath();
        await write(
          path,
          pieces.filter((piece) => piece !== ''),
        );
        const lines = pieces.join('').split(/(?<=\n)/);
        const wanted = tail === 0 ? '' : lines.slice(-tail).join('');
        assert.equal(await read(path, { tail }), wanted);
      }),
      { numRuns: 60 },
    );
  });

  it('is followed until it ends', async () => {
    const path = newPath();
    const log = await ContainerLog.open(path, true, silentLog);
    const ended = Promise.withResolvers<void>();
    const reader = readLog(path, { signal: endless }, { log, ended: ended.promise });
    await log.append(1, 0, Buffer.from('a'));
    assert.equal((await reader.next()).value?.bytes.toString(), 'a');
    const next = reader.next();
    await log.append(1, 1, Buffer.from('b'));
    assert.equal((await next).value?.bytes.toString(), 'b');
    const last = reader.next();
    ended.resolve();
    assert.equal((await last).done, true);
    await log.close();
  });

  it('stops following when the caller goes', async () => {
    const path = newPath();
    const log = await ContainerLog.open(path, true, silentLog);
    const caller = new AbortController();
    const next = readLog(path, { signal: caller.signal }, { log, ended: new Promise(() => undefined) }).next();
    caller.abort();
    assert.equal((await next).done, true);
    await log.close();
  });
});
