import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { Exchange, TestStore } from './servers/index.ts';
import {
  descriptorOf,
  digestOf,
  incompressible,
  never,
  openTestStore,
  serveBytes,
  startScriptedRegistry,
  startServer,
  tinyImage,
  tinyIndex,
  tinyLayer,
} from './servers/index.ts';

const layer = tinyLayer({ big: incompressible(300_000) });
const image = tinyImage({ layers: [layer] });
const blobPath = `/v2/app/blobs/${layer.digest}`;

async function assertEmpty(store: TestStore): Promise<void> {
  for (const folder of ['layers', 'images', 'tmp']) assert.deepEqual(await store.contents(folder), [], folder);
}

/** Sends the first half of the layer, then breaks the connection. */
function breakOff({ response }: Exchange, from = 0): void {
  response.writeHead(from === 0 ? 200 : 206, {
    'content-length': layer.bytes.length - from,
    'content-range': `bytes ${from}-${layer.bytes.length - 1}/${layer.bytes.length}`,
  });
  response.write(layer.bytes.subarray(from, from + 100_000), () => response.destroy());
}

describe('a pull from a registry that fails', () => {
  it('goes on where the connection broke', async () => {
    await using registry = await startScriptedRegistry({
      images: { 'app:1': image },
      intercept: (exchange) => {
        if (exchange.path !== blobPath || exchange.attempt > 1) return false;
        breakOff(exchange);
        return true;
      },
    });
    await using store = await openTestStore();
    const statuses: string[] = [];

    const pulled = await store.images.pull(`${registry.host}/app:1`, {
      signal: never,
      onProgress: (line) => line.type === 'layer' && statuses.push(line.status),
    });

    assert.equal(pulled.image.id, image.config.digest);
    assert.ok(statuses.includes('retrying'));
    const ranges = registry.requests.filter(({ path }) => path === blobPath).map(({ headers }) => headers.range);
    assert.equal(ranges.length, 2);
    assert.match(ranges[1] ?? '', /^bytes=[1-9]\d*-$/);
  });

  it('goes on when the server ignores Range and begins anew', async () => {
    await using registry = await startScriptedRegistry({
      images: { 'app:1': image },
      intercept: (exchange) => {
        if (exchange.path !== blobPath) return false;
        delete exchange.request.headers.range;
        if (exchange.attempt === 1) breakOff(exchange);
        else serveBytes(exchange.request, exchange.response, layer);
        return true;
      },
    });
    await using store = await openTestStore();

    const pulled = await store.images.pull(`${registry.host}/app:1`, { signal: never });

    assert.equal(pulled.image.id, image.config.digest);
  });

  it('goes on when a connection stalls', async () => {
    await using registry = await startScriptedRegistry({
      images: { 'app:1': image },
      intercept: ({ path, attempt, response }) => {
        if (path !== blobPath || attempt > 1) return false;
        response.writeHead(200, { 'content-length': layer.bytes.length });
        response.write(layer.bytes.subarray(0, 1000));
        return true;
      },
    });
    await using store = await openTestStore({ idleTimeoutMs: 100 });

    const pulled = await store.images.pull(`${registry.host}/app:1`, { signal: never });

    assert.equal(pulled.image.id, image.config.digest);
  });

  it('tries again after an error of the server, a few times', async () => {
    await using registry = await startScriptedRegistry({
      images: { 'app:1': image },
      intercept: ({ path, attempt, response }) => {
        if (path === '/v2/' || attempt > 2) return false;
        response.writeHead(path.includes('manifests') ? 503 : 500).end();
        return true;
      },
    });
    await using store = await openTestStore();

    const pulled = await store.images.pull(`${registry.host}/app:1`, { signal: never });

    assert.equal(pulled.image.id, image.config.digest);
  });

  it('gives up on a server that only fails, and says what it said', async () => {
    await using registry = await startScriptedRegistry({
      images: { 'app:1': image },
      intercept: ({ path, response }) => {
        if (path !== blobPath) return false;
        response.writeHead(500).end(JSON.stringify({ errors: [{ code: 'X', message: 'the \u001b[31mdisk is gone' }] }));
        return true;
      },
    });
    await using store = await openTestStore();

    await assert.rejects(store.images.pull(`${registry.host}/app:1`, { signal: never }), {
      code: 'unavailable',
      message: /^cannot get layer [0-9a-fsh:]+ \(127\.0\.0\.1:\d+ says 500: the .*disk is gone\): try again later$/,
    });
    assert.equal(registry.requests.filter(({ path }) => path === blobPath).length, 3);
    await assertEmpty(store);
  });

  it('says when there is no server', async () => {
    await using registry = await startScriptedRegistry({ images: {} });
    await registry[Symbol.asyncDispose]();
    await using store = await openTestStore();

    await assert.rejects(store.images.pull(`${registry.host}/app:1`, { signal: never }), {
      code: 'unavailable',
      message: new RegExp(`^cannot reach ${registry.host}: .*ECONNREFUSED`),
    });
  });
});

describe('a pull of bytes that are not what was promised', () => {
  // The gzip header's OS byte: the same layer inside, of the same size, in other bytes.
  const relabelled = Buffer.from(layer.bytes);
  relabelled[9] = 7;
  const bomb = tinyLayer({ zeros: Buffer.alloc(8 << 20) });
  const lies: readonly (readonly [string, ReturnType<typeof tinyImage>, Buffer, object])[] = [
    [
      'refuses a layer with another digest',
      image,
      relabelled,
      { code: 'corrupt', message: /^layer sha256:[0-9a-f]{12} has the digest sha256:.*: refused$/ },
    ],
    [
      'refuses a longer layer',
      image,
      Buffer.concat([layer.bytes, layer.bytes]),
      { code: 'corrupt', message: /600\d+ bytes, not 300\d+/ },
    ],
    ['refuses a shorter layer', image, layer.bytes.subarray(0, 1000), { code: 'corrupt', message: /1000 bytes, not/ }],
    [
      'refuses a layer that unpacks to something else than the config says',
      tinyImage({ layers: [{ ...layer, diffId: digestOf(Buffer.from('x')) }] }),
      layer.bytes,
      { code: 'corrupt', message: /unpacks to sha256:.* but its image says/ },
    ],
    [
      'refuses a truncated gzip',
      tinyImage({
        layers: [
          { ...layer, bytes: layer.bytes.subarray(0, 200_000), digest: digestOf(layer.bytes.subarray(0, 200_000)) },
        ],
      }),
      layer.bytes.subarray(0, 200_000),
      { code: 'corrupt' },
    ],
    ['refuses a gzip bomb', tinyImage({ layers: [bomb] }), bomb.bytes, { message: /1048576|1 MiB|larger|more than/ }],
  ];
  for (const [name, lying, bytes, expected] of lies) {
    it(`${name}, and leaves nothing behind`, async () => {
      await using registry = await startScriptedRegistry({
        images: { 'app:1': lying },
        intercept: ({ path, request, response }) => {
          if (path !== `/v2/app/blobs/${lying.layers[0]?.digest ?? ''}`) return false;
          delete request.headers.range;
          serveBytes(request, response, { bytes, digest: '', mediaType: 'application/octet-stream' });
          return true;
        },
      });
      await using store = await openTestStore({ maxLayerBytes: 1 << 20 });

      await assert.rejects(store.images.pull(`${registry.host}/app:1`, { signal: never }), expected);

      await assertEmpty(store);
      assert.deepEqual(store.images.list(), []);
    });
  }

  it('refuses a manifest and a config with another digest', async () => {
    const other = tinyImage();
    await using registry = await startScriptedRegistry({
      images: { 'app:1': image, 'bad:1': image },
      intercept: ({ path, request, response }) => {
        if (path === `/v2/app/manifests/${image.manifest.digest}`) serveBytes(request, response, other.manifest);
        else if (path === `/v2/bad/blobs/${image.config.digest}`) serveBytes(request, response, other.config);
        else return false;
        return true;
      },
    });
    await using store = await openTestStore();

    await assert.rejects(store.images.pull(`${registry.host}/app@${image.manifest.digest}`, { signal: never }), {
      code: 'corrupt',
      message: /has the digest sha256:.*, not sha256:.*: refused/,
    });
    await assert.rejects(store.images.pull(`${registry.host}/bad:1`, { signal: never }), { code: 'corrupt' });
  });

  it('refuses a manifest of many megabytes without reading it all', async () => {
    await using registry = await startScriptedRegistry({
      images: { 'app:1': { bytes: Buffer.alloc(5 << 20, ' '), digest: digestOf(Buffer.from('')), mediaType: 'x' } },
    });
    await using store = await openTestStore();

    await assert.rejects(store.images.pull(`${registry.host}/app:1`, { signal: never }), {
      code: 'corrupt',
      message: /larger than 4194304 bytes: refused/,
    });
  });
});

describe('a pull of what cannot run here', () => {
  const arm = tinyImage({ architecture: 'arm64' });
  const foreign = tinyLayer({ a: 'a' }, 'application/vnd.docker.image.rootfs.foreign.diff.tar.gzip');
  const cases: readonly (readonly [string, Parameters<typeof startScriptedRegistry>[0], RegExp])[] = [
    [
      'lists the platforms that there are',
      {
        images: { 'app:1': tinyIndex({ 'linux/arm64': arm, 'linux/arm/v7': arm, 'unknown/unknown': image }) },
        blobs: [],
      },
      /is not there for linux\/amd64: there is linux\/arm64, linux\/arm\/v7$/,
    ],
    [
      'names the platform of a single image',
      { images: { 'app:1': arm } },
      /is for linux\/arm64: this machine runs linux\/amd64$/,
    ],
    ['refuses foreign layers', { images: { 'app:1': tinyImage({ layers: [foreign] }) } }, /kept outside registries/],
    [
      'refuses schema 1',
      { images: { 'app:1': tinyImage({ editManifest: () => ({ schemaVersion: 1, name: 'app', fsLayers: [] }) }) } },
      /schema 1/,
    ],
    [
      'refuses a chart',
      {
        images: {
          'app:1': tinyImage({
            editManifest: (manifest) => ({
              ...manifest,
              config: { ...descriptorOf(image.config), mediaType: 'application/vnd.cncf.helm.config.v1+json' },
            }),
          }),
        },
      },
      /no container image but application\/vnd\.cncf\.helm/,
    ],
  ];
  for (const [name, options, message] of cases) {
    it(name, async () => {
      await using registry = await startScriptedRegistry(options);
      await using store = await openTestStore();

      await assert.rejects(store.images.pull(`${registry.host}/app:1`, { signal: never }), {
        code: 'unsupported',
        message,
      });
    });
  }

  it('takes our platform of an index', async () => {
    const index = tinyIndex({ 'linux/arm64': arm, 'linux/amd64': image });
    await using registry = await startScriptedRegistry({ images: { 'app:1': index, 'x:1': arm, 'y:1': image } });
    await using store = await openTestStore();

    const pulled = await store.images.pull(`${registry.host}/app:1`, { signal: never });

    assert.equal(pulled.image.id, image.config.digest);
    assert.deepEqual(pulled.image.digests, [`${registry.host}/app@${index.digest}`]);
  });
});

describe('a login', () => {
  /** A registry with a token service of its own; `expiresIn` in seconds. */
  async function startTokenRegistry(field: 'token' | 'access_token', expiresIn: number) {
    let issued = 0;
    const asked: { url: string; authorization: string | undefined }[] = [];
    const service = await startServer((request, response) => {
      asked.push({ url: request.url ?? '', authorization: request.headers.authorization });
      const refused = request.headers.authorization?.endsWith(Buffer.from('alice:wrong').toString('base64')) === true;
      if (refused) response.writeHead(401).end();
      else response.end(JSON.stringify({ [field]: `token-${++issued}`, expires_in: expiresIn }));
    });
    const registry = await startScriptedRegistry({
      images: { 'app:1': image },
      intercept: ({ request, response }) => {
        if (request.headers.authorization === `Bearer token-${issued}` && issued > 0) return false;
        const realm = `Bearer realm="http://${service.host}/token",service="reg"`;
        response.writeHead(401, { 'www-authenticate': realm }).end();
        return true;
      },
    });
    return {
      host: registry.host,
      asked,
      expire: () => issued++,
      async [Symbol.asyncDispose]() {
        await registry[Symbol.asyncDispose]();
        await service[Symbol.asyncDispose]();
      },
    };
  }

  for (const field of ['token', 'access_token'] as const) {
    it(`is exchanged for a token that comes as ${field}`, async () => {
      await using registry = await startTokenRegistry(field, 300);
      await using store = await openTestStore();
      const credentials = { kind: 'password', username: 'alice', password: 'secret' } as const;

      const pulled = await store.images.pull(`${registry.host}/app:1`, { signal: never, credentials });

      assert.equal(pulled.image.id, image.config.digest);
      assert.equal(registry.asked.length, 1);
      assert.match(registry.asked[0]?.url ?? '', /service=reg&scope=repository%3Aapp%3Apull&account=alice/);
      assert.match(registry.asked[0]?.authorization ?? '', /^Basic /);
    });
  }

  it('is not needed where the token service serves anyone', async () => {
    await using registry = await startTokenRegistry('token', 300);
    await using store = await openTestStore();

    await store.images.pull(`${registry.host}/app:1`, { signal: never });

    assert.equal(registry.asked[0]?.authorization, undefined);
  });

  it('gets a new token when the old one has expired', async () => {
    await using registry = await startTokenRegistry('token', 1);
    await using store = await openTestStore();

    await store.images.pull(`${registry.host}/app:1`, { signal: never });

    assert.ok(registry.asked.length >= 3);
  });

  it('that is wrong is refused in words', async () => {
    await using registry = await startTokenRegistry('token', 300);
    await using store = await openTestStore();
    const credentials = { kind: 'password', username: 'alice', password: 'wrong' } as const;

    await assert.rejects(store.images.pull(`${registry.host}/app:1`, { signal: never, credentials }), {
      code: 'unauthorized',
      message: `${registry.host} refused the login (status 401): run 'docker login ${registry.host}'`,
    });
  });

  it('never reaches the host that a blob is redirected to', async () => {
    const seen: (string | undefined)[] = [];
    await using storage = await startServer((request, response) => {
      seen.push(request.headers.authorization);
      serveBytes(request, response, layer);
    });
    await using registry = await startScriptedRegistry({
      images: { 'app:1': image },
      intercept: ({ path, request, response }) => {
        if (request.headers.authorization === undefined) {
          response.writeHead(401, { 'www-authenticate': 'Basic realm="x"' }).end();
        } else if (path === blobPath) {
          response.writeHead(307, { location: `http://${storage.host}/bucket?signature=1` }).end();
        } else return false;
        return true;
      },
    });
    await using store = await openTestStore();
    const credentials = { kind: 'password', username: 'alice', password: 'secret' } as const;

    await store.images.pull(`${registry.host}/app:1`, { signal: never, credentials });

    assert.deepEqual(seen, [undefined]);
  });
});
