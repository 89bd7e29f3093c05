import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { WebSocketServer, type WebSocket } from 'ws';
import { HyperClient } from './hyper-client.ts';

/** A server with the package ws: a second opinion on our frames. */
async function withServer(
  onClient: (client: WebSocket) => void,
  use: (client: HyperClient) => Promise<void>,
): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), 'hyper-attach-'));
  const server = createServer((_, response) => {
    response.writeHead(404).end('{"code":"not_found","message":"no such pod"}');
  });
  const sockets = new WebSocketServer({ noServer: true });
  server.on('upgrade', (request, socket, head) => {
    const body = '{"code":"not_found","message":"no such pod"}';
    const refusal = `HTTP/1.1 404 Not Found\r\nContent-Length: ${body.length}\r\n\r\n${body}`;
    if (request.url === '/v1/pods/absent/attach') {
      socket.end(refusal);
    } else if (request.url === '/v1/pods/kept-open/attach') {
      socket.write(refusal.slice(0, -5));
      setImmediate(() => socket.write(refusal.slice(-5)));
    } else {
      sockets.handleUpgrade(request, socket, head, onClient);
    }
  });
  server.listen(join(folder, 's'));
  await once(server, 'listening');
  try {
    await use(new HyperClient(join(folder, 's')));
  } finally {
    for (const client of sockets.clients) client.terminate();
    server.closeAllConnections();
    server.close();
    await rm(folder, { recursive: true });
  }
}

const text = (message: object): string => JSON.stringify(message);

describe('AttachSession', () => {
  it('carries stdin, commands, output and the exit', async () => {
    const got: string[] = [];
    const server = (client: WebSocket): void => {
      client.send(text({ type: 'started', id: 'c1' }));
      client.on('message', (data, isBinary) => {
        const bytes = Buffer.isBuffer(data) ? data : Buffer.alloc(0);
        got.push(isBinary ? `${bytes[0] ?? -1} ${bytes.subarray(1).toString()}` : bytes.toString());
        if (!bytes.toString().includes('eof')) return;
        client.send(Buffer.from('\x01out'));
        client.send(Buffer.from('\x02err'));
        client.send(text({ type: 'exit', exitCode: 3 }));
        client.close();
      });
    };
    await withServer(server, async (client) => {
      const seen: string[] = [];
      const session = await client.podAttach(
        'p',
        {},
        {
          started: (id) => seen.push(`started ${id}`),
          output: (stream, chunk) => void seen.push(`${stream} ${chunk.toString()}`),
        },
      );
      session.resize({ rows: 1, cols: 2 });
      session.signal('SIGINT');
      session.hangup('stderr');
      await session.ping();
      session.stdin.write('in');
      session.eof();
      assert.deepEqual(await session.exit, { type: 'exit', exitCode: 3 });
      assert.deepEqual(seen, ['started c1', 'stdout out', 'stderr err']);
      assert.deepEqual(got, [
        '{"type":"resize","rows":1,"cols":2}',
        '{"type":"signal","signal":"SIGINT"}',
        '{"type":"hangup","stream":2}',
        '0 in',
        '{"type":"eof"}',
      ]);
    });
  });

  it('reads no further while output is being handled, and exits only after it', async () => {
    const block = Buffer.alloc(64 * 1024, 1);
    const blocks = 1000;
    let unsent = 0;
    const server = (client: WebSocket): void => {
      for (let at = 0; at < blocks; at++) client.send(block);
      client.send(text({ type: 'exit', exitCode: 0 }));
      setTimeout(() => (unsent = client.bufferedAmount), 200);
    };
    await withServer(server, async (client) => {
      let bytes = 0;
      const release = Promise.withResolvers<void>();
      setTimeout(release.resolve, 400);
      const session = await client.podAttach(
        'p',
        {},
        {
          output: async (_, chunk) => {
            await release.promise;
            bytes += chunk.length;
          },
        },
      );
      await session.exit;
      assert.ok(unsent > (block.length * blocks) / 2, `only ${unsent} bytes waited at the server`);
      assert.equal(bytes, (block.length - 1) * blocks);
    });
  });

  it('says what went wrong: no such pod, an error of hyperd, a lost connection, nobody there', async () => {
    const server = (client: WebSocket): void => {
      client.once('message', (data) => {
        if (Buffer.isBuffer(data) && data.includes('TERM')) client.terminate();
        else client.send(text({ type: 'error', code: 'command_not_found', message: 'no such command' }));
      });
    };
    const handlers = { output: () => undefined };
    await withServer(server, async (client) => {
      await assert.rejects(client.podAttach('absent', {}, handlers), { code: 'not_found', status: 404 });
      await assert.rejects(client.podAttach('kept-open', {}, handlers), { code: 'not_found', status: 404 });
      const failed = await client.podAttach('p', {}, handlers);
      failed.signal('INT');
      await assert.rejects(failed.exit, { code: 'command_not_found' });
      const lost = await client.execAttach('e', {}, handlers);
      lost.signal('TERM');
      await assert.rejects(lost.exit, { code: 'unavailable' });
      const left = await client.podAttach('p', {}, handlers);
      left.detach();
      assert.deepEqual(await left.exit, { type: 'detached' });
      await assert.rejects(client.podInspect('p'), { code: 'not_found', message: 'no such pod' });
      await assert.rejects(client.ping({ signal: AbortSignal.abort() }), { code: 'cancelled' });
    });
    await assert.rejects(new HyperClient('/nonexistent/s').ping(), { code: 'unavailable', status: null });
    assert.throws(() => new HyperClient('tcp://host'), { code: 'bad_request' });
  });
});
