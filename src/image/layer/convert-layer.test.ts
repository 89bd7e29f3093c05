import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { mkdir, mkdtemp, readFile, rm, stat, symlink } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { gzipSync, zstdCompressSync } from 'node:zlib';
import fc from 'fast-check';
import { tarMaker } from '../../../test/images/index.ts';
import { HyperError } from '../../lib/errors.ts';
import { convertLayer } from './convert-layer.ts';
import { commitLayer, layerFiles, type ConvertedLayer } from './converted-layer.ts';
import { LayerIndex } from './layer-index.ts';

const { file, folder, header, pax, tar } = tarMaker;
const sha256 = (bytes: Buffer): string => `sha256:${createHash('sha256').update(bytes).digest('hex')}`;

describe('a converted layer', () => {
  let work = '';
  before(async () => void (work = await mkdtemp(join(tmpdir(), 'hyper-convert-'))));
  after(() => rm(work, { recursive: true, force: true }));

  async function convert(bytes: Buffer, maxBytes?: number): Promise<ConvertedLayer> {
    const outputDir = join(work, 'layer');
    const chunks = Array.from({ length: Math.ceil(bytes.length / 1000) }, (_, at) =>
      bytes.subarray(at * 1000, at * 1000 + 1000),
    );
    return convertLayer(chunks, maxBytes === undefined ? { outputDir } : { outputDir, maxBytes });
  }

  const archive = tar(
    folder('etc'),
    file('etc/motd', 'hello'),
    file('etc/big', Buffer.alloc(5000, 'x')),
    file('empty'),
  );
  const compressions: readonly (readonly [string, Buffer])[] = [
    ['plain', archive],
    ['gzip', gzipSync(archive)],
    ['gzip in several members', Buffer.concat([gzipSync(archive.subarray(0, 700)), gzipSync(archive.subarray(700))])],
    ['zstd', zstdCompressSync(archive)],
    [
      'zstd in several frames, some of them to be skipped',
      Buffer.concat([
        Buffer.from([0x50, 0x2a, 0x4d, 0x18, 4, 0, 0, 0, 1, 2, 3, 4]),
        zstdCompressSync(archive.subarray(0, 700)),
        zstdCompressSync(archive.subarray(700)),
      ]),
    ],
  ];
  for (const [name, bytes] of compressions) {
    it(`has the digest of what came and of the tar inside: ${name}`, async () => {
      assert.deepEqual(await convert(bytes), {
        digest: sha256(bytes),
        diffId: sha256(archive),
        compressedBytes: bytes.length,
        uncompressedBytes: archive.length,
        dataBytes: 3 * 4096,
        entries: 4,
      });
    });
  }

  it('has each file at a multiple of 4096 in its data', async () => {
    await convert(archive);
    const files = layerFiles(join(work, 'layer'));
    const data = await readFile(files.dataPath);
    const found = Array.from((await LayerIndex.read(files.indexPath)).entries(), (entry) => [
      entry.path,
      entry.dataOffset % 4096,
      data.toString('latin1', entry.dataOffset, entry.dataOffset + Math.min(entry.size, 5)),
    ]);
    assert.deepEqual(found, [
      ['etc', 0, ''],
      ['etc/motd', 0, 'hello'],
      ['etc/big', 0, 'xxxxx'],
      ['empty', 0, ''],
    ]);
  });

  it('spends no disk on zeros', async () => {
    const layer = await convert(tar(file('zeros', Buffer.alloc(20 << 20))));
    assert.equal(layer.dataBytes, 20 << 20);
    const { blocks } = await stat(layerFiles(join(work, 'layer')).dataPath);
    assert.ok(blocks * 512 <= 64 << 10, `${blocks * 512} bytes on disk`);
  });

  it('counts what follows the end of the archive to its digests', async () => {
    const padded = Buffer.concat([archive, Buffer.alloc(8192)]);
    assert.equal((await convert(gzipSync(padded))).diffId, sha256(padded));
  });

  it('may be empty', async () => {
    const layer = await convert(Buffer.alloc(0));
    assert.deepEqual([layer.dataBytes, layer.entries, layer.diffId], [0, 0, sha256(Buffer.alloc(0))]);
  });

  it('is refused when it is cut, damaged, or no archive', async () => {
    const gzip = gzipSync(archive);
    const zstd = zstdCompressSync(archive);
    const flipped = Buffer.from(gzip);
    flipped[60] = (flipped[60] ?? 0) ^ 0xff;
    for (const bad of [
      gzip.subarray(0, -9),
      flipped,
      zstd.subarray(0, -9),
      archive.subarray(0, 2000),
      Buffer.from('{}'),
    ]) {
      await assert.rejects(convert(bad), { code: 'corrupt' });
    }
    await assert.rejects(convert(Buffer.from('BZh91AY&SY')), { code: 'unsupported' });
  });

  it('is refused when it unpacks to more than allowed, in bytes or in holes', async () => {
    const bomb = gzipSync(tar(file('x', Buffer.alloc(30 << 20))));
    await assert.rejects(convert(bomb, 10 << 20), { code: 'no_space' });
    const sparse = tar(
      pax([
        ['GNU.sparse.size', '9007199254740000'],
        ['GNU.sparse.map', ''],
      ]),
      file('x'),
    );
    await assert.rejects(convert(sparse), { code: 'no_space' });
  });

  it('fails with no_space when the disk is full', async () => {
    // /dev/full as the data: a write to it says ENOSPC.
    const outputDir = join(work, 'full');
    await mkdir(outputDir);
    await symlink('/dev/full', layerFiles(outputDir).dataPath);
    await assert.rejects(convertLayer([tar(file('x', 'y'))], { outputDir }), { code: 'no_space' });
  });

  it('is cancelled by its signal', async () => {
    const stop = new AbortController();
    async function* endless(): AsyncGenerator<Buffer> {
      yield archive.subarray(0, 512);
      stop.abort();
      await new Promise((resolve) => setImmediate(resolve));
      yield archive.subarray(512, 1024);
    }
    await assert.rejects(convertLayer(endless(), { outputDir: join(work, 'layer'), signal: stop.signal }), {
      code: 'cancelled',
    });
  });

  it('is committed once: a second one finds the first', async () => {
    const final = join(work, 'final');
    for (const name of ['one', 'two']) {
      await convertLayer([archive], { outputDir: join(work, name) });
      await commitLayer(join(work, name), final);
      await assert.rejects(stat(join(work, name)), { code: 'ENOENT' });
    }
    assert.equal((await LayerIndex.read(layerFiles(final).indexPath)).dataBytes, 3 * 4096);
  });

  it('never fails with a defect of ours, whatever the headers say', async () => {
    const fields = fc.record({
      type: fc.constantFrom('0', '1', '2', '3', '4', '5', '6', 'S', '7', 'D'),
      name: fc.string({ maxLength: 30, unit: 'binary-ascii' }),
      linkName: fc.string({ maxLength: 30, unit: 'binary-ascii' }),
      size: fc.integer({ min: -10, max: 2000 }),
      uid: fc.integer(),
      mtime: fc.maxSafeInteger(),
      major: fc.integer(),
      minor: fc.integer(),
    });
    await fc.assert(
      fc.asyncProperty(fc.array(fields, { maxLength: 5 }), async (entries) => {
        try {
          await convert(tar(...entries.map((entry) => header(entry))));
        } catch (error) {
          assert.ok(error instanceof HyperError && error.code === 'corrupt', String(error));
        }
      }),
    );
  });
});
