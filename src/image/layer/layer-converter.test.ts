import assert from 'node:assert/strict';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { pathToFileURL } from 'node:url';
import { gzipSync } from 'node:zlib';
import { tarMaker } from '../../../test/images/index.ts';
import { convertLayer } from './convert-layer.ts';
import { layerFiles } from './converted-layer.ts';
import { LayerConverter } from './layer-converter.ts';

const { file, tar } = tarMaker;

describe('the layer converter', () => {
  let work = '';
  before(async () => void (work = await mkdtemp(join(tmpdir(), 'hyper-converter-'))));
  after(() => rm(work, { recursive: true, force: true }));

  const content = Buffer.from(Array.from({ length: 3 << 20 }, (_, at) => (at * 7919) >> 3));
  const archive = tar(...Array.from({ length: 10 }, (_, at) => file(`file-${at}`, content)));

  it('does in a worker what convertLayer does here', async () => {
    const expected = await convertLayer([archive], { outputDir: join(work, 'here') });
    const outputDir = join(work, 'worker');
    await using converter = new LayerConverter({ outputDir });
    const bytes = gzipSync(archive, { level: 1 });
    for (let at = 0; at < bytes.length; at += 50_000) await converter.write(bytes.subarray(at, at + 50_000));
    const layer = await converter.finish();
    assert.equal(layer.diffId, expected.diffId);
    for (const name of ['dataPath', 'indexPath'] as const) {
      const [here, there] = [layerFiles(join(work, 'here'))[name], layerFiles(outputDir)[name]];
      assert.ok((await readFile(here)).equals(await readFile(there)), name);
    }
  });

  it('moves a chunk that has a buffer of its own, and copies one that shares it', async () => {
    await using converter = new LayerConverter({ outputDir: join(work, 'moved') });
    const own = new Uint8Array(300_000);
    await converter.write(own);
    assert.equal(own.length, 0);
    const shared = new Uint8Array(600_000).subarray(0, 300_000);
    await converter.write(shared);
    assert.equal(shared.length, 300_000);
  });

  it('keeps a writer waiting while the worker has enough to do', async () => {
    await using converter = new LayerConverter({ outputDir: join(work, 'slow') });
    let resolved = false;
    const writing = converter.write(new Uint8Array(20 << 20)).then(() => (resolved = true));
    await new Promise((resolve) => setImmediate(resolve));
    assert.equal(resolved, false);
    await writing;
  });

  it('says in write() and finish() what went wrong in the worker', async () => {
    await using converter = new LayerConverter({ outputDir: join(work, 'bad') });
    await converter.write(Buffer.alloc(300_000, 'no archive '));
    await assert.rejects(converter.finish(), { name: 'HyperError', code: 'corrupt' });
    await assert.rejects(converter.write(Buffer.from('more')), { code: 'corrupt' });
    await using limited = new LayerConverter({ outputDir: join(work, 'bad'), maxBytes: 1000 });
    await limited.write(Buffer.from(archive));
    await assert.rejects(limited.finish(), { code: 'no_space' });
  });

  it('stops by abort() and by its signal', async () => {
    const converter = new LayerConverter({ outputDir: join(work, 'aborted') });
    const writing = converter.write(new Uint8Array(100 << 20));
    const aborting = converter.abort();
    await assert.rejects(writing, { code: 'cancelled' });
    await aborting;
    await assert.rejects(converter.finish(), { code: 'cancelled' });

    const stop = new AbortController();
    const signalled = new LayerConverter({ outputDir: join(work, 'aborted'), signal: stop.signal });
    const finishing = signalled.write(archive.subarray(0, 1000)).then(() => signalled.finish());
    stop.abort();
    await assert.rejects(finishing, { code: 'cancelled' });

    const late = new LayerConverter({ outputDir: join(work, 'aborted'), signal: AbortSignal.abort() });
    await assert.rejects(late.finish(), { code: 'cancelled' });
  });

  it('fails when its worker dies', async () => {
    const dying = join(work, 'dying.mjs');
    await writeFile(dying, 'throw new Error("dead on arrival")');
    const converter = new LayerConverter({ outputDir: work, workerUrl: pathToFileURL(dying) });
    await assert.rejects(converter.finish(), { code: 'internal', message: /dead on arrival/ });
  });
});
