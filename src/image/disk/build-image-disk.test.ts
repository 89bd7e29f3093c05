import assert from 'node:assert/strict';
import { mkdtemp, readdir, readFile, rm, stat, truncate } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { tarMaker } from '../../../test/images/index.ts';
import { convertLayer, layerFiles, type LayerFiles } from '../layer/index.ts';
import { buildImageDisk } from './build-image-disk.ts';
import { writeFlatImage } from './flat-image.ts';

const { file, folder, link, tar } = tarMaker;

describe('an image disk', () => {
  let work = '';
  before(async () => void (work = await mkdtemp(join(tmpdir(), 'hyper-disk-'))));
  after(() => rm(work, { recursive: true, force: true }));

  async function layer(name: string, ...pieces: Buffer[]): Promise<LayerFiles> {
    await convertLayer([tar(...pieces)], { outputDir: join(work, name) });
    return layerFiles(join(work, name));
  }

  it('is the metadata and the data of every layer that has some', async () => {
    const layers = [
      await layer('one', file('a', 'content of a')),
      await layer('bare', folder('b'), link('c', 'a', '2')),
      await layer('two', file('d', Buffer.alloc(5000, 'd'))),
    ];
    const disk = await buildImageDisk({ layers, outputDir: join(work, 'disk') });
    assert.deepEqual(disk.files, [disk.metadataPath, join(work, 'one/data'), join(work, 'two/data')]);
    assert.equal(disk.inodes, 5);
    const sizes = await Promise.all(disk.files.map(async (path) => (await stat(path)).size));
    assert.equal(
      disk.sizeBytes,
      sizes.reduce((sum, size) => sum + size),
    );
    assert.ok(sizes.every((size) => size % 4096 === 0));
    const descriptor = await readFile(disk.descriptorPath, 'utf8');
    assert.deepEqual(descriptor.match(/"[^"]*" 0$/gm), ['"metadata.erofs" 0', '"../one/data" 0', '"../two/data" 0']);
    const flat = join(work, 'flat');
    await writeFlatImage(disk, flat);
    const bytes = await readFile(flat);
    assert.equal(bytes.length, disk.sizeBytes);
    assert.equal(bytes.toString('latin1', sizes[0], (sizes[0] ?? 0) + 12), 'content of a');
  });

  it('is the same bytes when it is built again, and leaves no scraps', async () => {
    const layers = [await layer('again', file('a', 'x'), folder('b'))];
    const outputDir = join(work, 'again-disk');
    const first = await readFile((await buildImageDisk({ layers, outputDir })).metadataPath);
    const second = await readFile((await buildImageDisk({ layers, outputDir })).metadataPath);
    assert.ok(first.equals(second));
    assert.deepEqual((await readdir(outputDir)).sort(), ['disk.vmdk', 'metadata.erofs']);
  });

  it('may have no layers at all: an empty root', async () => {
    const disk = await buildImageDisk({ layers: [], outputDir: join(work, 'empty') });
    assert.deepEqual([disk.inodes, disk.sizeBytes, disk.files.length], [1, 8192, 1]);
  });

  it('is refused when layers do not fit, a blob is cut or an index is missing', async () => {
    const bad = await layer('bad', link('a', 'nothing'));
    const cut = await layer('cut', file('a', 'x'));
    await truncate(cut.dataPath, 100);
    for (const each of [bad, cut]) {
      await assert.rejects(buildImageDisk({ layers: [each], outputDir: join(work, 'refused') }), { code: 'corrupt' });
    }
    await assert.rejects(readFile(join(work, 'refused/disk.vmdk')), { code: 'ENOENT' });
  });

  it('is not built when it is cancelled', async () => {
    const stop = new AbortController();
    const building = buildImageDisk({ layers: [], outputDir: join(work, 'never'), signal: stop.signal });
    stop.abort();
    await assert.rejects(building, { code: 'cancelled' });
    await assert.rejects(buildImageDisk({ layers: [], outputDir: work, signal: stop.signal }), { code: 'cancelled' });
  });
});
