import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer, type RequestListener } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { maxFileBytes, readUri } from './read-uri.ts';

const { signal } = new AbortController();

async function serve(listener: RequestListener): Promise<AsyncDisposable & { readonly url: string }> {
  const server = createServer(listener).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}`,
    [Symbol.asyncDispose]: async () => {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
}

describe('a file with a URI', () => {
  it('is downloaded, also where the server sends elsewhere', async () => {
    await using server = await serve((request, response) => {
      if (request.url === '/moved') response.writeHead(302, { Location: '/here' }).end();
      else response.end('content');
    });
    assert.equal((await readUri(`${server.url}/moved`, signal)).toString(), 'content');
  });

  it('that a server does not give, or gives too much of, is refused with the reason', async () => {
    await using server = await serve((request, response) => {
      if (request.url === '/large') response.end(Buffer.alloc(maxFileBytes + 1));
      else response.writeHead(404).end('no');
    });
    await assert.rejects(readUri(`${server.url}/none`, signal), {
      code: 'unavailable',
      message: `${server.url}/none cannot be read: its server answered 404`,
    });
    await assert.rejects(readUri(`${server.url}/large`, signal), {
      code: 'bad_request',
      message: `${server.url}/large is too large: a file may have ${maxFileBytes} bytes`,
    });
  });

  it('whose server is not there, or has no such name, is refused with the reason', async () => {
    const { url } = await serve(() => undefined).then(async (server) => {
      await server[Symbol.asyncDispose]();
      return server;
    });
    await assert.rejects(readUri(`${url}/x`, signal), {
      code: 'unavailable',
      message: /cannot be read: .*ECONNREFUSED/,
    });
  });

  it('is given up when the caller goes', async () => {
    const asked = Promise.withResolvers<void>();
    await using server = await serve(() => asked.resolve());
    const leaving = new AbortController();
    const reading = readUri(`${server.url}/slow`, leaving.signal);
    await asked.promise;
    const reason = new Error('gone');
    leaving.abort(reason);
    await assert.rejects(reading, reason);
  });

  it('of this host is read there: an ordinary file, that is not too large', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'hyper-uri-'));
    try {
      await writeFile(join(folder, 'a b'), 'content');
      await writeFile(join(folder, 'large'), Buffer.alloc(maxFileBytes + 1));
      execFileSync('mkfifo', [join(folder, 'pipe')]);
      assert.equal((await readUri(`file://${folder}/a%20b`, signal)).toString(), 'content');
      for (const [name, code, message] of [
        ['none', 'not_found', `${folder}/none does not exist on this host`],
        ['', 'bad_request', `${folder}/ is no file`],
        ['pipe', 'bad_request', `${folder}/pipe is no file`],
        ['large', 'bad_request', `${folder}/large is too large: a file may have ${maxFileBytes} bytes`],
      ] as const) {
        await assert.rejects(readUri(`file://${folder}/${name}`, signal), { code, message });
      }
      await assert.rejects(readUri('file://elsewhere/etc/passwd', signal), { code: 'bad_request' });
    } finally {
      await rm(folder, { recursive: true });
    }
  });
});
