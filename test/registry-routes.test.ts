import assert from 'node:assert/strict';
import { createServer } from 'node:http';
import { once } from 'node:events';
import { chmod, writeFile } from 'node:fs/promises';
import { connect } from 'node:net';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { describe, it } from 'node:test';
import {
  makeTestFolder,
  never,
  openTestStore,
  startScriptedRegistry,
  startServer,
  tinyImage,
} from './servers/index.ts';

const image = tinyImage();

/** A proxy that reaches every host at 127.0.0.1, and says what it was asked for. */
async function startProxy(port: number) {
  const asked: string[] = [];
  const server = createServer((request, response) => {
    asked.push(`GET ${request.url ?? ''}`);
    const { pathname } = new URL(request.url ?? '');
    void fetch(`http://127.0.0.1:${port}${pathname}`).then(async (answer) => {
      const type = answer.headers.get('content-type') ?? 'application/json';
      response.writeHead(answer.status, { 'content-type': type }).end(Buffer.from(await answer.arrayBuffer()));
    });
  });
  server.on('connect', (request, socket) => {
    asked.push(`CONNECT ${request.url ?? ''}`);
    const target = connect(port, '127.0.0.1', () => {
      socket.write('HTTP/1.1 200 OK\r\n\r\n');
      target.pipe(socket).pipe(target);
    });
    target.on('error', () => socket.destroy());
    socket.on('error', () => target.destroy());
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('a TCP server has a port');
  return {
    url: `http://127.0.0.1:${address.port}`,
    asked,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
}

const portOf = (host: string): number => Number(host.split(':')[1]);

describe('mirrors', () => {
  it('are asked first, in order', async () => {
    await using empty = await startScriptedRegistry({ images: {} });
    await using mirror = await startScriptedRegistry({ images: { 'library/app:latest': image } });
    await using store = await openTestStore({
      mirrors: { 'docker.io': [`http://${empty.host}`, `http://${mirror.host}`] },
    });

    const pulled = await store.images.pull('app', { signal: never });

    assert.equal(pulled.reference, 'docker.io/library/app:latest');
    assert.ok(empty.requests.length > 0);
  });

  it('that fail are passed over for the registry itself', async () => {
    await using broken = await startScriptedRegistry({
      images: {},
      intercept: ({ response }) => Boolean(response.writeHead(500).end()),
    });
    await using registry = await startScriptedRegistry({ images: { 'app:1': image } });
    await using store = await openTestStore({ mirrors: { [registry.host]: [`http://${broken.host}`] } });

    const pulled = await store.images.pull(`${registry.host}/app:1`, { signal: never });

    assert.equal(pulled.image.id, image.config.digest);
  });

  it('and the registry are all named when none has the image', async () => {
    await using mirror = await startScriptedRegistry({ images: {} });
    await using registry = await startScriptedRegistry({ images: {} });
    await using store = await openTestStore({ mirrors: { [registry.host]: [`http://${mirror.host}`] } });
    const name = `${registry.host}/app:1`;

    await assert.rejects(store.images.pull(name, { signal: never }), {
      code: 'not_found',
      message: `${mirror.host} has no ${name}: check name and tag; ${registry.host} has no ${name}: check name and tag`,
    });
  });

  it('may break off in the middle: the registry brings the rest', async () => {
    const [layer] = image.layers;
    await using mirror = await startScriptedRegistry({
      images: { 'app:1': image },
      intercept: ({ path, response }) => {
        if (layer === undefined || !path.endsWith(layer.digest)) return false;
        response.writeHead(200, { 'content-length': layer.bytes.length });
        response.write(layer.bytes.subarray(0, 10), () => response.destroy());
        return true;
      },
    });
    await using registry = await startScriptedRegistry({ images: { 'app:1': image } });
    await using store = await openTestStore({ mirrors: { [registry.host]: [`http://${mirror.host}`] } });

    const pulled = await store.images.pull(`${registry.host}/app:1`, { signal: never });

    assert.equal(pulled.image.id, image.config.digest);
  });
});

describe('a proxy', () => {
  it('is used for registries that are not on this machine', async () => {
    await using registry = await startScriptedRegistry({ images: { 'app:1': image } });
    await using proxy = await startProxy(portOf(registry.host));
    await using store = await openTestStore({
      insecureRegistries: ['registry.example'],
      environment: { HTTP_PROXY: proxy.url },
    });

    const pulled = await store.images.pull('registry.example/app:1', { signal: never });

    assert.equal(pulled.image.id, image.config.digest);
    assert.ok(proxy.asked.some((line) => line.startsWith('GET http://registry.example/v2/app/')));
  });

  it('tunnels HTTPS', async () => {
    await using registry = await startScriptedRegistry({ images: {} });
    await using proxy = await startProxy(portOf(registry.host));
    await using store = await openTestStore({ environment: { https_proxy: proxy.url } });

    await assert.rejects(store.images.pull('registry.example/app:1', { signal: never }), {
      code: 'unavailable',
      message: /^cannot reach registry\.example: it does not speak HTTPS/,
    });
    assert.equal(proxy.asked[0], 'CONNECT registry.example:443');
  });

  it('is not used for what NO_PROXY names', async () => {
    await using registry = await startScriptedRegistry({ images: {} });
    await using proxy = await startProxy(portOf(registry.host));
    await using store = await openTestStore({
      environment: { HTTPS_PROXY: proxy.url, NO_PROXY: '.invalid' },
    });

    await assert.rejects(store.images.pull('registry.invalid/app:1', { signal: never }), {
      code: 'unavailable',
      message: 'cannot reach registry.invalid: there is no such host: check the name',
    });
    assert.deepEqual(proxy.asked, []);
  });
});

describe('an address', () => {
  it('is mapped before it is connected to, given as such or by name', async () => {
    await using registry = await startScriptedRegistry({ images: { 'app:1': image } });
    const port = portOf(registry.host);
    const mapAddress = (address: string): string => (address === '127.0.0.1' ? address : '127.0.0.1');
    await using store = await openTestStore({ mapAddress });

    const byAddress = await store.images.pull(`127.9.9.9:${port}/app:1`, { signal: never });
    const byName = await store.images.pull(`localhost:${port}/app:1`, { signal: never });

    assert.equal(byAddress.image.id, byName.image.id);
  });
});

describe('an identity token', () => {
  it('is exchanged for an access token by POST', async () => {
    const bodies: string[] = [];
    await using service = await startServer((request, response) => {
      void text(request).then((body) => {
        bodies.push(`${request.method ?? ''} ${body}`);
        response.end('{"access_token":"t"}');
      });
    });
    await using registry = await startScriptedRegistry({
      images: { 'app:1': image },
      intercept: ({ request, response }) => {
        if (request.headers.authorization === 'Bearer t') return false;
        const realm = `Bearer realm="http://${service.host}/token",service="reg"`;
        response.writeHead(401, { 'www-authenticate': realm }).end();
        return true;
      },
    });
    await using store = await openTestStore();
    const credentials = { kind: 'identityToken', token: 'idt' } as const;

    await store.images.pull(`${registry.host}/app:1`, { signal: never, credentials });

    assert.deepEqual(bodies, [
      'POST grant_type=refresh_token&client_id=hyper&refresh_token=idt&scope=repository%3Aapp%3Apull&service=reg',
    ]);
  });
});

describe('a credential helper', () => {
  it('is asked over stdin for the registry’s login', async () => {
    await using folder = await makeTestFolder();
    await using registry = await startScriptedRegistry({
      images: { 'app:1': image },
      intercept: ({ request, response }) => {
        const wanted = `Basic ${Buffer.from('bob:hunter2').toString('base64')}`;
        if (request.headers.authorization === wanted) return false;
        response.writeHead(401, { 'www-authenticate': 'Basic realm="x"' }).end();
        return true;
      },
    });
    const helper = join(folder.path, 'docker-credential-test');
    const answer = '{"ServerURL":"x","Username":"bob","Secret":"hunter2"}';
    await writeFile(helper, `#!/bin/sh\nread -r s || :\n[ "$1 $s" = "get ${registry.host}" ] && echo '${answer}'\n`);
    await chmod(helper, 0o755);
    await writeFile(join(folder.path, 'config.json'), JSON.stringify({ credHelpers: { [registry.host]: 'test' } }));
    const path = `${folder.path}:${process.env['PATH'] ?? ''}`;
    await using store = await openTestStore({ environment: { DOCKER_CONFIG: folder.path, PATH: path } });

    const pulled = await store.images.pull(`${registry.host}/app:1`, { signal: never });

    assert.equal(pulled.image.id, image.config.digest);
  });

  it('that is not there is named', async () => {
    await using folder = await makeTestFolder();
    await using registry = await startScriptedRegistry({
      images: {},
      intercept: ({ response }) => Boolean(response.writeHead(401, { 'www-authenticate': 'Basic realm="x"' }).end()),
    });
    await writeFile(join(folder.path, 'config.json'), JSON.stringify({ credsStore: 'missing' }));
    await using store = await openTestStore({ environment: { HOME: '/', DOCKER_CONFIG: folder.path, PATH: '/bin' } });

    await assert.rejects(store.images.pull(`${registry.host}/app:1`, { signal: never }), {
      code: 'missing_dependency',
      message: /^docker-credential-missing is not in the PATH/,
    });
  });
});
