import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { once } from 'node:events';
import { createReadStream } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { describe, it } from 'node:test';
import { promisify } from 'node:util';
import { gzipSync, zstdCompressSync } from 'node:zlib';
import { tarMaker } from './images/index.ts';
import type { TestStore } from './servers/index.ts';
import {
  descriptorOf,
  makeTestFolder,
  never,
  ociArchive,
  oldDockerArchive,
  openTestStore,
  startDockerd,
  tinyImage,
  tinyIndex,
  tinyLayer,
  writeOciLayout,
} from './servers/index.ts';

const run = promisify(execFile);
const image = tinyImage();
const options = { signal: never };

/** In small pieces, as a network brings them. */
function stream(bytes: Buffer): Readable {
  const pieces = Array.from({ length: Math.ceil(bytes.length / 1000) }, (_, index) =>
    Buffer.from(bytes.subarray(index * 1000, (index + 1) * 1000)),
  );
  return Readable.from(pieces);
}

async function assertEmpty(store: TestStore): Promise<void> {
  for (const folder of ['layers', 'images', 'tmp']) assert.deepEqual(await store.contents(folder), [], folder);
}

describe('docker save', () => {
  for (const [name, compress] of [
    ['plain', (bytes: Buffer) => bytes],
    ['gzip', (bytes: Buffer) => gzipSync(bytes)],
    ['zstd', (bytes: Buffer) => zstdCompressSync(bytes)],
  ] as const) {
    it(`is loaded, ${name}, with its names`, async () => {
      await using store = await openTestStore();
      const archive = compress(oldDockerArchive(image, ['app:1', 'app:latest']));

      const loaded = await store.images.load(stream(archive), options);

      assert.deepEqual(
        loaded.map(({ reference, changed }) => [reference, changed]),
        [
          ['docker.io/library/app:1', true],
          ['docker.io/library/app:latest', true],
        ],
      );
      assert.equal(store.images.find('app')?.id, image.config.digest);
      assert.deepEqual(await store.contents('tmp'), []);
    });
  }

  it('is loaded where a layer is a link to another', async () => {
    await using store = await openTestStore();
    const layer = tinyLayer({ same: 'same' });
    const twice = tinyImage({ layers: [layer, tinyLayer({ a: 'a' }), layer] });

    const [loaded] = await store.images.load(stream(oldDockerArchive(twice, ['twice'])), options);

    assert.equal(loaded?.image.layers.length, 3);
    assert.equal((await store.contents('layers')).length, 2);
  });

  it('without a name is loaded by its id', async () => {
    await using store = await openTestStore();

    const [loaded] = await store.images.load(stream(oldDockerArchive(image, null)), options);

    assert.equal(loaded?.reference, image.config.digest);
    assert.deepEqual(loaded.image.tags, []);
  });

  it('of a real Docker, and what that Docker still has, is found', async (t) => {
    if (process.getuid?.() !== 0) {
      t.skip('dockerd needs root');
      return;
    }
    await using folder = await makeTestFolder();
    await using docker = await startDockerd();
    await using store = await openTestStore({ environment: { DOCKER_HOST: docker.host } });
    const archive = join(folder.path, 'in.tar');
    await writeFile(archive, oldDockerArchive(image, ['team/app:1']));
    await docker.docker('load', '-i', archive);
    await docker.docker('tag', 'team/app:1', 'app');
    await docker.docker('save', '-o', archive, 'app', 'team/app:1');

    const copied = await store.images.importFromDocker('team/app:1', options);
    const unknown = await store.images.importFromDocker('nothing', options);
    const loaded = await store.images.load(createReadStream(archive), options);

    assert.equal(copied?.id, image.config.digest);
    assert.deepEqual(copied.tags, ['docker.io/team/app:1']);
    assert.equal(unknown, undefined);
    assert.deepEqual(loaded.map(({ reference }) => reference).sort(), [
      'docker.io/library/app:latest',
      'docker.io/team/app:1',
    ]);
  });
});

describe('no Docker', () => {
  it('is no error', async () => {
    await using store = await openTestStore({ environment: { DOCKER_HOST: 'unix:///nowhere/docker.sock' } });
    await using remote = await openTestStore({ environment: { DOCKER_HOST: 'tcp://192.0.2.1:2375' } });

    assert.equal(await store.images.importFromDocker('app', options), undefined);
    assert.equal(await remote.images.importFromDocker('app', options), undefined);
  });
});

describe('an OCI archive', () => {
  it('is loaded with the names in its annotations', async () => {
    await using store = await openTestStore();
    const other = tinyImage({ process: { Cmd: ['other'] } });
    const third = tinyImage({ process: { Cmd: ['third'] } });

    const loaded = await store.images.load(
      stream(
        ociArchive(
          {
            image,
            annotations: { 'io.containerd.image.name': 'ghcr.io/a/b:1', 'org.opencontainers.image.ref.name': '1' },
          },
          { image: other, annotations: { 'org.opencontainers.image.ref.name': 'other:2' } },
          { image: third, annotations: { 'org.opencontainers.image.ref.name': 'latest' } },
        ),
      ),
      options,
    );

    assert.deepEqual(
      loaded.map(({ reference }) => reference),
      ['ghcr.io/a/b:1', 'docker.io/library/other:2', third.config.digest],
    );
  });

  it('of skopeo is loaded', async () => {
    await using folder = await makeTestFolder();
    await using store = await openTestStore();
    await writeOciLayout(join(folder.path, 'layout'), { one: image });
    for (const kind of ['oci-archive', 'docker-archive']) {
      const target = join(folder.path, `${kind}.tar`);
      await run('skopeo', [
        '--insecure-policy',
        'copy',
        `oci:${folder.path}/layout:one`,
        `${kind}:${target}:app:${kind}`,
      ]);

      const [loaded] = await store.images.load(createReadStream(target), options);

      assert.equal(loaded?.reference, `docker.io/library/app:${kind}`);
      assert.equal(loaded.image.id, image.config.digest);
    }
  });

  it('of many platforms is loaded for ours', async () => {
    await using store = await openTestStore();
    const arm = tinyImage({ architecture: 'arm64' });
    const index = tinyIndex({ 'linux/arm64': arm, 'linux/amd64': image });
    const blobs = [index, image.manifest, image.config, ...image.layers];
    const archive = tarMaker.tar(
      ...blobs.map(({ digest, bytes }) => tarMaker.file(`blobs/${digest.replace(':', '/')}`, bytes)),
      tarMaker.file('index.json', JSON.stringify({ schemaVersion: 2, manifests: [descriptorOf(index)] })),
    );

    const [loaded] = await store.images.load(stream(archive), options);

    assert.equal(loaded?.image.id, image.config.digest);
  });
});

describe('an archive that is broken', () => {
  const oci = ociArchive({ image });
  const docker = oldDockerArchive(image, ['app']);
  const wrongLayer = tinyImage({ layers: [{ ...tinyLayer({ a: 'a' }), tar: tinyLayer({ b: 'b' }).tar }] });
  const cases: readonly (readonly [string, Buffer, object])[] = [
    ['is refused when it is cut off', docker.subarray(0, 2000), { code: 'corrupt' }],
    ['is refused when its gzip is cut off', gzipSync(docker).subarray(0, 200), { code: 'corrupt' }],
    ['is refused when it is no archive at all', Buffer.from('hello'.repeat(1000)), { code: 'corrupt' }],
    [
      'is refused when it has no images',
      tarMaker.tar(tarMaker.file('readme', 'hi')),
      { code: 'bad_request', message: /^the archive has no images: make it with 'docker save'/ },
    ],
    [
      'is refused when a layer is another',
      oldDockerArchive(wrongLayer, ['app']),
      { code: 'corrupt', message: /unpacks to/ },
    ],
    [
      'is refused when a blob has another digest',
      Buffer.from(oci.toString('latin1').replace('"architecture":"amd64"', '"architecture":"amd46"'), 'latin1'),
      { code: 'corrupt', message: /has the digest sha256:.*: refused/ },
    ],
    [
      'is refused when a file is missing, wherever its name points to',
      tarMaker.tar(
        tarMaker.link('x.json', '../../../../etc/passwd', '2'),
        tarMaker.file('manifest.json', JSON.stringify([{ Config: 'x.json', Layers: [] }])),
      ),
      { code: 'corrupt', message: 'the archive is broken: it has no x.json' },
    ],
  ];
  for (const [name, bytes, expected] of cases) {
    it(`${name}, and leaves nothing behind`, async () => {
      await using store = await openTestStore();

      await assert.rejects(store.images.load(stream(bytes), options), expected);

      await assertEmpty(store);
    });
  }

  it('is refused when it unpacks to more than is allowed, and leaves nothing behind', async () => {
    const bomb = gzipSync(
      tarMaker.tar(tarMaker.file('blobs/a', Buffer.alloc(2 << 20)), oldDockerArchive(image, ['app'])),
    );
    await using store = await openTestStore({ maxLayerBytes: 1 << 20 });

    await assert.rejects(store.images.load(stream(bomb), options), {
      code: 'no_space',
      message:
        'the archive unpacks to more than the 1048576 bytes allowed: save fewer images in it, or set maxLayerBytes',
    });

    await assertEmpty(store);
  });

  it('is left when the load is cancelled', async () => {
    await using store = await openTestStore();
    const stop = new AbortController();
    // A source that never goes on.
    const source = new Readable({ read: () => undefined });
    source.push(docker.subarray(0, 1000));

    const load = store.images.load(source, { signal: stop.signal });
    await once(source, 'data');
    stop.abort();

    await assert.rejects(load, { code: 'cancelled' });

    await assertEmpty(store);
  });
});
