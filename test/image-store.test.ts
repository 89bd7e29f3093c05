import assert from 'node:assert/strict';
import { mkdir, readFile, rm, statfs, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { describe, it } from 'node:test';
import type { Exchange, TestStore } from './servers/index.ts';
import {
  incompressible,
  makeTestFolder,
  mountSmallDisk,
  never,
  openTestStore,
  startScriptedRegistry,
  tinyImage,
  tinyLayer,
} from './servers/index.ts';

const layer = tinyLayer({ big: incompressible(300_000) });
const image = tinyImage({ layers: [layer] });
const nobody = { force: false, inUse: () => [] };

async function assertEmpty(store: TestStore): Promise<void> {
  for (const folder of ['layers', 'images', 'tmp']) assert.deepEqual(await store.contents(folder), [], folder);
}

/** A registry that holds the layer back until `release()`, and tells when it was asked for it. */
async function startHoldingRegistry() {
  const asked = Promise.withResolvers<undefined>();
  const held: Exchange[] = [];
  const registry = await startScriptedRegistry({
    images: { 'app:1': image, 'app:2': tinyImage({ layers: [layer], process: { Cmd: ['two'] } }) },
    intercept: (exchange) => {
      if (!exchange.path.endsWith(layer.digest)) return false;
      exchange.response.writeHead(200, { 'content-length': layer.bytes.length });
      exchange.response.write(layer.bytes.subarray(0, 100_000));
      held.push(exchange);
      asked.resolve(undefined);
      return true;
    },
  });
  return {
    host: registry.host,
    asked: asked.promise,
    held,
    release: () => held.forEach(({ response }) => response.end(layer.bytes.subarray(100_000))),
    [Symbol.asyncDispose]: () => registry[Symbol.asyncDispose](),
  };
}

describe('two pulls at once', () => {
  it('of one image, and of another with the same layer, share the download', async () => {
    await using registry = await startHoldingRegistry();
    await using store = await openTestStore();

    const pulls = ['app:1', 'app:1', 'app:2'].map((name) =>
      store.images.pull(`${registry.host}/${name}`, { signal: never }),
    );
    await registry.asked;
    registry.release();
    const pulled = await Promise.all(pulls);

    assert.equal(registry.held.length, 1);
    assert.equal(new Set(pulled.map((result) => result.image.id)).size, 2);
    assert.equal((await store.contents('layers')).length, 1);
  });

  it('are cancelled each alone', async () => {
    await using registry = await startHoldingRegistry();
    await using store = await openTestStore();
    const first = new AbortController();

    const given = store.images.pull(`${registry.host}/app:1`, { signal: first.signal });
    const kept = store.images.pull(`${registry.host}/app:1`, { signal: never });
    await registry.asked;
    first.abort();
    await assert.rejects(given, { code: 'cancelled' });
    registry.release();

    assert.equal((await kept).image.id, image.config.digest);
  });

  it('fail each alone: a layer that one cannot get is got by the other', async () => {
    await using registry = await startHoldingRegistry();
    await using good = await startScriptedRegistry({ images: { 'app:2': image } });
    await using store = await openTestStore({ attempts: 1 });

    const failing = store.images.pull(`${registry.host}/app:1`, { signal: never });
    await registry.asked;
    const working = store.images.pull(`${good.host}/app:2`, { signal: never });
    await good.asked(image.config.digest);
    registry.held.forEach(({ response }) => response.destroy());

    await assert.rejects(failing, { code: 'unavailable' });
    assert.equal((await working).image.id, image.config.digest);
  });

  it('stop, and leave nothing, when the last is cancelled', async () => {
    await using registry = await startHoldingRegistry();
    await using store = await openTestStore();
    const stop = new AbortController();

    const pulls = [1, 2].map(() => store.images.pull(`${registry.host}/app:1`, { signal: stop.signal }));
    await registry.asked;
    stop.abort();
    for (const pull of pulls) await assert.rejects(pull, { code: 'cancelled' });
    await store.images[Symbol.asyncDispose]();

    assert.equal(registry.held[0]?.request.socket.destroyed, true);
    await assertEmpty(store);
  });
});

describe('a full disk', () => {
  it('ends a pull in words; the space comes back, and the next pull works', async (t) => {
    if (process.getuid?.() !== 0) {
      t.skip('a small file system can only be mounted by root');
      return;
    }
    await using disk = await mountSmallDisk(6);
    const large = tinyImage({ layers: [tinyLayer({ a: 'a' }), tinyLayer({ huge: incompressible(8 << 20) })] });
    await using registry = await startScriptedRegistry({ images: { 'large:1': large, 'app:1': image } });
    await using store = await openTestStore({}, join(disk.path, 'store'));
    const before = (await statfs(disk.path)).bfree;

    await assert.rejects(store.images.pull(`${registry.host}/large:1`, { signal: never }), {
      code: 'no_space',
      message: /^no space left on the disk/,
    });

    await assertEmpty(store);
    assert.equal((await statfs(disk.path)).bfree, before);
    assert.equal((await store.images.pull(`${registry.host}/app:1`, { signal: never })).image.id, image.config.digest);
  });

  it('ends a load and an import in words, and leaves nothing', async (t) => {
    if (process.getuid?.() !== 0) {
      t.skip('a small file system can only be mounted by root');
      return;
    }
    await using disk = await mountSmallDisk(6);
    await using store = await openTestStore({}, join(disk.path, 'store'));
    const before = (await statfs(disk.path)).bfree;
    const { tar } = tinyLayer({ huge: incompressible(8 << 20) });
    const pieces = () => Readable.from([tar.subarray(0, 1 << 20), tar.subarray(1 << 20)]);

    const load = store.images.load(pieces(), { signal: never });
    await assert.rejects(load, { code: 'no_space' });
    const add = store.images.addImageFromTar({ reference: 'huge', tar: pieces(), signal: never });
    await assert.rejects(add, { code: 'no_space' });

    await assertEmpty(store);
    assert.equal((await statfs(disk.path)).bfree, before);
  });
});

describe('an image in the store', () => {
  it('is found by name, digest, id and the beginning of its id', async () => {
    await using registry = await startScriptedRegistry({ images: { 'app:latest': image } });
    await using store = await openTestStore();
    const { image: pulled } = await store.images.pull(`${registry.host}/app`, { signal: never });
    const hex = pulled.id.slice('sha256:'.length);

    const digest = `${registry.host}/app@${image.manifest.digest}`;
    for (const name of [
      `${registry.host}/app`,
      digest,
      pulled.id,
      hex,
      hex.slice(0, 6),
      `sha256:${hex.slice(0, 12)}`,
    ]) {
      assert.equal(store.images.find(name)?.id, pulled.id, name);
    }
    assert.equal(store.images.find(`${registry.host}/app:other`), undefined);
    assert.throws(() => store.images.inspect('nothing'), {
      code: 'not_found',
      message: "no such image: nothing: pull it with 'hyper pull nothing'",
    });
  });

  it('is there after the store was opened anew, with the half-done swept', async () => {
    await using registry = await startScriptedRegistry({ images: { 'app:1': image } });
    await using folder = await makeTestFolder();
    const root = join(folder.path, 'store');
    const first = await openTestStore({}, root);
    const { image: pulled } = await first.images.pull(`${registry.host}/app:1`, { signal: never });
    await first[Symbol.asyncDispose]();
    await mkdir(join(root, 'tmp/work-dead'));
    await mkdir(join(root, 'images', 'f'.repeat(64)));
    await writeFile(join(root, 'images', 'f'.repeat(64), 'config.json'), '{}');
    await mkdir(join(root, 'layers', 'e'.repeat(64)));

    await using second = await openTestStore({}, root);

    assert.deepEqual(second.images.list(), [pulled]);
    assert.deepEqual(await second.contents('tmp'), []);
    assert.equal((await second.contents('images')).length, 1);
    assert.equal((await second.contents('layers')).length, 1);
  });

  it('whose layer is gone is gone itself at the next opening', async () => {
    await using registry = await startScriptedRegistry({ images: { 'app:1': image } });
    await using folder = await makeTestFolder();
    const root = join(folder.path, 'store');
    const first = await openTestStore({}, root);
    await first.images.pull(`${registry.host}/app:1`, { signal: never });
    await first[Symbol.asyncDispose]();
    await rm(join(root, 'layers'), { recursive: true });

    await using second = await openTestStore({}, root);

    assert.deepEqual(second.images.list(), []);
    await second.images.pull(`${registry.host}/app:1`, { signal: never });
    assert.equal(second.images.list().length, 1);
  });

  it('has a disk whose files are all there', async () => {
    await using registry = await startScriptedRegistry({ images: { 'app:1': image } });
    await using store = await openTestStore();
    const { image: pulled } = await store.images.pull(`${registry.host}/app:1`, { signal: never });

    const disk = store.images.disk(pulled);

    assert.match(await readFile(disk.descriptorPath, 'utf8'), /^# Disk DescriptorFile\n/);
    for (const file of disk.files) assert.ok((await readFile(file)).length > 0, file);
  });
});

describe('a removal', () => {
  it('takes the last name’s image along, and the layers that no other has', async () => {
    const own = tinyLayer({ own: 'mine' });
    const two = tinyImage({ layers: [layer, own] });
    await using registry = await startScriptedRegistry({ images: { 'one:1': image, 'two:1': two } });
    await using store = await openTestStore();
    await store.images.pull(`${registry.host}/one:1`, { signal: never });
    await store.images.pull(`${registry.host}/two:1`, { signal: never });
    await store.images.tag(`${registry.host}/two:1`, 'second');

    const name = await store.images.remove('second', nobody);
    const rest = await store.images.remove(`${registry.host}/two:1`, nobody);

    assert.deepEqual(name, { untagged: ['docker.io/library/second:latest'], deleted: [] });
    assert.deepEqual(rest.deleted, [two.config.digest, own.diffId]);
    assert.deepEqual(await store.contents('layers'), [layer.diffId.slice('sha256:'.length)]);
    await store.images.remove(`${registry.host}/one:1`, nobody);
    await assertEmpty(store);
  });

  it('of an image that a running pod uses is refused, even forced', async () => {
    await using registry = await startScriptedRegistry({ images: { 'one:1': image } });
    await using store = await openTestStore();
    const name = `${registry.host}/one:1`;
    await store.images.pull(name, { signal: never });
    const inUse = () => [
      { name: 'web', running: true },
      { name: 'old', running: false },
    ];

    for (const force of [false, true]) {
      await assert.rejects(store.images.remove(name, { force, inUse }), {
        code: 'conflict',
        message: `${name} is in use by web, which runs: stop that first`,
      });
    }

    assert.ok(store.images.find(name) !== undefined);
  });

  it('of an image that pods use which have ended is refused, and forced', async () => {
    await using registry = await startScriptedRegistry({ images: { 'one:1': image } });
    await using store = await openTestStore();
    await store.images.pull(`${registry.host}/one:1`, { signal: never });
    const inUse = () => [{ name: 'pod-aaaaaaaaaa', running: false }];
    const name = `${registry.host}/one:1`;

    await assert.rejects(store.images.remove(name, { force: false, inUse }), {
      code: 'conflict',
      message: `${name} is in use by pod-aaaaaaaaaa: remove that first, or use force`,
    });
    const removed = await store.images.remove(name, { force: true, inUse });

    assert.ok(removed.deleted.includes(image.config.digest));
    await assertEmpty(store);
  });
});

describe('an image from a tar', () => {
  it('gets a name and a config, and the same id each time', async () => {
    await using store = await openTestStore();
    const add = () =>
      store.images.addImageFromTar({
        reference: 'busybox',
        tar: Readable.from([layer.tar]),
        config: { command: ['sh'] },
        signal: never,
      });

    const first = await add();
    const second = await add();

    assert.equal(first.id, second.id);
    assert.deepEqual(first.tags, ['docker.io/library/busybox:latest']);
    assert.deepEqual(first.config.command, ['sh']);
    assert.match(first.config.env[0] ?? '', /^PATH=/);
    assert.equal(first.layers[0]?.diffId, layer.diffId);
    assert.deepEqual(await store.contents('tmp'), []);
  });
});
