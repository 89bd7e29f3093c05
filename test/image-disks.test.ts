import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { copyFile, mkdtemp, open, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { pipeline } from 'node:stream/promises';
import { promisify } from 'node:util';
import fc from 'fast-check';
import { buildImageDisk, writeFlatImage, type ImageDisk } from '../src/image/disk/index.ts';
import { LayerConverter, convertLayer, layerFiles, type LayerFiles } from '../src/image/layer/index.ts';
import { busyboxImage, debianImage, makeOciImage, ociLayers, tarMaker, unpackWithUmoci } from './images/index.ts';
import { missingParents, oddTars } from './images/odd-image.ts';
import { compareTrees, extractWithFsck, readTree, readWithKernel, type Tree } from './judges/index.ts';

const run = promisify(execFile);
const { file, folder, link, pax, tar } = tarMaker;
const notRoot = process.getuid?.() === 0 ? false : 'needs root: owners, devices and mounting';

/** fsck.erofs extracts neither xattrs nor hard links, and its chown comes after its chmod: setuid and setgid are lost. */
const lostByFsck = { ignore: ['xattrs', 'nlink', 'inode'], modeBits: 0o1777 } as const;

/** Converts a layout's layers, checks their digests, and builds the disk and a flat copy of it. */
async function diskOf(layout: string, work: string): Promise<{ disk: ImageDisk; flat: string }> {
  const layers: LayerFiles[] = [];
  for (const [number, layer] of (await ociLayers(layout)).entries()) {
    const outputDir = join(work, `layer-${number}`);
    await using converter = new LayerConverter({ outputDir });
    await pipeline(createReadStream(layer.path), async (chunks: AsyncIterable<Buffer>) => {
      for await (const chunk of chunks) await converter.write(chunk);
    });
    const converted = await converter.finish();
    assert.equal(converted.digest, layer.digest);
    assert.equal(converted.diffId, layer.diffId);
    layers.push(layerFiles(outputDir));
  }
  const disk = await buildImageDisk({ layers, outputDir: join(work, 'disk') });
  const flat = join(work, 'flat.erofs');
  await writeFlatImage(disk, flat);
  return { disk, flat };
}

const images = [
  { name: 'busybox, whose applets are hard links', layout: busyboxImage, timeless: [] },
  { name: 'Debian', layout: debianImage, timeless: [] },
  { name: 'an image with everything a layer may hold', layout: undefined, timeless: missingParents },
] as const;

for (const { name, layout: layoutOf, timeless } of images) {
  describe(`the disk of ${name}`, { skip: notRoot }, () => {
    let work = '';
    let disk: ImageDisk;
    let flat = '';
    let rootfs = '';

    before(async () => {
      work = await mkdtemp(join(tmpdir(), 'hyper-image-disk-'));
      let layout = join(work, 'layout');
      if (layoutOf === undefined) await makeOciImage(layout, { layers: await oddTars(work) });
      else layout = await layoutOf();
      ({ disk, flat } = await diskOf(layout, work));
      rootfs = await unpackWithUmoci(layout, join(work, 'bundle'));
    });
    after(() => rm(work, { recursive: true, force: true }));

    it('reads in the kernel as umoci unpacks it', async () => {
      const seen = await readWithKernel(flat, join(work, 'mnt'));
      assert.deepEqual(compareTrees(seen, await readTree(rootfs), { timeless }), []);
    });

    it('extracts with fsck.erofs as umoci unpacks it', async () => {
      const seen = await extractWithFsck(flat, join(work, 'extracted'));
      assert.deepEqual(compareTrees(seen, await readTree(rootfs), { ...lostByFsck, timeless }), []);
    });

    it('is to QEMU the same bytes as its files joined', async () => {
      await run('qemu-img', ['compare', '-f', 'vmdk', '-F', 'raw', disk.descriptorPath, flat]);
    });
  });
}

describe('any image', { skip: notRoot }, () => {
  let work = '';
  let images = 0;
  before(async () => void (work = await mkdtemp(join(tmpdir(), 'hyper-any-image-'))));
  after(() => rm(work, { recursive: true, force: true }));

  /** Converts tars, builds their disk, and has the kernel read it. */
  async function readBack(tars: readonly Buffer[]): Promise<Tree> {
    const layers: LayerFiles[] = [];
    for (const [number, tar] of tars.entries()) {
      const outputDir = join(work, `layer-${number}`);
      await convertLayer([tar], { outputDir });
      layers.push(layerFiles(outputDir));
    }
    const disk = await buildImageDisk({ layers, outputDir: join(work, 'disk') });
    // A name of its own each time: `mount` takes a loop device again that still has a file of this name, and with it the pages of
    // the last image. It has one as long as someone's mount namespace was copied while the last image was mounted.
    const flat = join(work, `flat-${++images}`);
    await writeFlatImage(disk, flat);
    const tree = await readWithKernel(flat, join(work, 'mnt'));
    await rm(flat);
    return tree;
  }

  it('finds every name of a folder, whatever its bytes', async () => {
    const name = fc
      .uint8Array({ min: 1, max: 255, minLength: 1, maxLength: 98 })
      .map((bytes) => Buffer.from(bytes).toString('latin1'))
      .filter((text) => !text.includes('/') && text !== '.' && text !== '..' && !text.startsWith('.wh.'));
    await fc.assert(
      fc.asyncProperty(fc.uniqueArray(name, { maxLength: 400, size: 'max' }), async (names) => {
        const pieces = names.map((each) => file(Buffer.from(`d/${each}`, 'latin1').subarray(0, 100), each));
        const tree = await readBack([tar(folder('d'), ...pieces)]);
        const sha256 = (text: string): string => createHash('sha256').update(text).digest('hex');
        const found = Array.from(tree.values(), ({ path, hash }) => `${path} ${hash}`).sort();
        const expected = ['. ', 'd ', ...names.map((each) => `d/${each} ${sha256(each)}`)].sort();
        assert.deepEqual(found, expected);
      }),
      { numRuns: 5 },
    );
  });

  it('has extended attributes of any size that fits, and symlinks and folders next to them', async () => {
    const sizes = [0, 1, 3900, 3990, 4000, 4096, 9000, 65_000];
    const pieces = sizes.flatMap((size) => {
      const xattrs = pax([
        ['SCHILY.xattr.user.big', Buffer.alloc(size, 'big')],
        ['SCHILY.xattr.trusted.t', Buffer.from([0, 255])],
      ]);
      return [xattrs, file(`f${size}`, 'f'), xattrs, folder(`d${size}`), xattrs, link(`l${size}`, 't'.repeat(90), '2')];
    });
    const tree = await readBack([tar(...pieces)]);
    for (const size of sizes) {
      const both = { 'trusted.t': '00ff', 'user.big': Buffer.alloc(size, 'big').toString('hex') };
      assert.deepEqual(tree.get(`f${size}`)?.xattrs, both, `a file, ${size} bytes`);
      assert.deepEqual(tree.get(`d${size}`)?.xattrs, both, `a folder, ${size} bytes`);
      // Linux has no user.* on symlinks.
      assert.deepEqual(tree.get(`l${size}`)?.xattrs, { 'trusted.t': '00ff' }, `a symlink, ${size} bytes`);
      assert.equal(tree.get(`l${size}`)?.link, 't'.repeat(90));
    }
  });

  it('may have a hundred layers', async () => {
    const tars = Array.from({ length: 100 }, (_, at) =>
      tar(folder('d'), file(`d/${at}`, `content ${at}`), ...(at % 3 === 2 ? [file(`d/.wh.${at - 1}`)] : [])),
    );
    const tree = await readBack(tars);
    assert.equal(tree.size, 2 + 100 - 33);
    assert.equal(tree.get('d/99')?.size, 10);
  });
});

describe('the judges', { skip: notRoot }, () => {
  let work = '';
  let flat = '';
  let disk: ImageDisk;
  let rootfs = '';

  before(async () => {
    work = await mkdtemp(join(tmpdir(), 'hyper-judges-'));
    const layout = join(work, 'layout');
    await makeOciImage(layout, { layers: await oddTars(work) });
    ({ disk, flat } = await diskOf(layout, work));
    rootfs = await unpackWithUmoci(layout, join(work, 'bundle'));
  });
  after(() => rm(work, { recursive: true, force: true }));

  /** A copy of the image with a byte changed. */
  async function damaged(name: string, offset: number): Promise<string> {
    const path = join(work, name);
    await copyFile(flat, path);
    await using file = await open(path, 'r+');
    const { buffer } = await file.read(Buffer.alloc(1), 0, 1, offset);
    await file.write(Buffer.from([(buffer[0] ?? 0) ^ 0x55]), 0, 1, offset);
    return path;
  }

  it('fsck.erofs refuses a bad checksum of the superblock', async () => {
    const path = await damaged('bad-superblock', 1024 + 16);
    await assert.rejects(extractWithFsck(path, join(work, 'x1')));
  });

  it('the kernel refuses a bad checksum of the superblock', async () => {
    const path = await damaged('bad-superblock', 1024 + 16);
    await assert.rejects(readWithKernel(path, join(work, 'mnt')));
  });

  it('both see a byte changed in the content of a file', async () => {
    const { size } = await stat(disk.metadataPath);
    const path = await damaged('bad-content', size + 4096);
    const expected = await readTree(rootfs);
    const options = { timeless: missingParents };
    assert.notDeepEqual(compareTrees(await readWithKernel(path, join(work, 'mnt')), expected, options), []);
    assert.notDeepEqual(
      compareTrees(await extractWithFsck(path, join(work, 'x2')), expected, { ...options, ...lostByFsck }),
      [],
    );
  });

  it('the comparison sees a change of every attribute', async () => {
    const expected = await readTree(rootfs);
    const path = 'capable';
    const entry = expected.get(path);
    assert.ok(entry);
    const changes = [
      { type: 0 },
      { mode: 0o700 },
      { uid: 9 },
      { gid: 9 },
      { mtime: '1' },
      { size: 1 },
      { nlink: 7 },
      { rdev: '1:1' },
      { link: 'x' },
      { hash: '' },
      { xattrs: {} },
    ];
    for (const change of changes) {
      const changed = new Map(expected).set(path, { ...entry, ...change });
      assert.equal(compareTrees(changed, expected).length, 1, JSON.stringify(change));
    }
    const missing = new Map(expected);
    missing.delete(path);
    assert.equal(compareTrees(missing, expected).length, 1);
    assert.equal(compareTrees(expected, missing).length, 1);
  });

  it('qemu-img sees a descriptor that is wrong', async () => {
    const path = await damaged('bad-flat', 5000);
    await assert.rejects(run('qemu-img', ['compare', '-f', 'vmdk', '-F', 'raw', disk.descriptorPath, path]));
  });
});
