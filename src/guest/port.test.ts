import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer, type Server } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { delimiter, encodeMessage, frameKind } from './frames.ts';
import { Port } from './port.ts';

/** Answers the first HELLO that it sees: its nonce is the last 16 bytes before the end mark. */
function agentServer(answer: (nonce: Buffer) => Buffer): Server {
  return createServer((socket) => {
    let seen = Buffer.alloc(0);
    socket.on('error', () => undefined);
    socket.on('data', (chunk: Buffer) => {
      seen = Buffer.concat([seen, chunk]);
      if (seen.at(-1) !== 0x5a) return;
      socket.write(answer(seen.subarray(-17, -1)));
      seen = Buffer.alloc(0);
    });
  });
}

describe('a port of the guest', () => {
  let folder = '';
  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'hyper-port-'));
  });
  after(async () => await rm(folder, { recursive: true }));

  async function listening(name: string, answer: (nonce: Buffer) => Buffer): Promise<{ path: string; server: Server }> {
    const path = join(folder, name);
    const server = agentServer(answer);
    const { promise, resolve } = Promise.withResolvers<void>();
    server.listen(path, resolve);
    await promise;
    return { path, server };
  }

  it('keeps what follows the agent’s HELLO until somebody listens', async () => {
    const { path, server } = await listening('held.sock', (nonce) =>
      Buffer.concat([
        encodeMessage(frameKind.hello, nonce),
        encodeMessage(frameKind.data, Buffer.from('first')),
        encodeMessage(frameKind.data, Buffer.from('second')),
      ]),
    );
    const { port } = await Port.open({
      path,
      hello: (nonce) => nonce,
      fresh: false,
      signal: AbortSignal.timeout(5000),
    });
    await new Promise((resolve) => setImmediate(resolve));
    const got: string[] = [];
    const both = Promise.withResolvers<void>();
    port.listen(
      ({ payload }) => {
        if (got.push(payload.toString()) === 2) both.resolve();
      },
      () => undefined,
    );
    await both.promise;
    assert.deepEqual(got, ['first', 'second']);
    port.close();
    server.close();
  });

  it('closes with the cause when what comes is no frame', async () => {
    const { path, server } = await listening('broken.sock', (nonce) =>
      Buffer.concat([encodeMessage(frameKind.hello, nonce), Buffer.alloc(10, 1)]),
    );
    const { port } = await Port.open({
      path,
      hello: (nonce) => nonce,
      fresh: false,
      signal: AbortSignal.timeout(5000),
    });
    const closed = Promise.withResolvers<Error | undefined>();
    port.listen(() => undefined, closed.resolve);
    assert.match(String(await closed.promise), /broke its protocol/);
    server.close();
  });

  it('greets a fresh guest with a frame at once, and with the delimiter before it from the second time on', async () => {
    const path = join(folder, 'fresh.sock');
    const got: Buffer[] = [];
    const second = new AbortController();
    const server = createServer((socket) => {
      socket.on('data', (chunk: Buffer) => {
        got.push(chunk);
        if (Buffer.concat(got).length > delimiter.length) second.abort();
      });
    });
    await new Promise<void>((resolve) => server.listen(path, resolve));
    await assert.rejects(Port.open({ path, hello: (nonce) => nonce, fresh: true, signal: second.signal }));
    const bytes = Buffer.concat(got);
    const first = encodeMessage(frameKind.hello, Buffer.alloc(16)).length;
    assert.deepEqual([bytes[0], bytes[first - 1]], [0xa5, 0x5a]);
    assert.deepEqual(bytes.subarray(first, first + delimiter.length), delimiter);
    server.close();
  });

  it('gives up when the agent never answers', async () => {
    const { path, server } = await listening('mute.sock', () => Buffer.alloc(0));
    await assert.rejects(
      Port.open({ path, hello: (nonce) => nonce, fresh: false, signal: AbortSignal.timeout(50) }),
      /does not answer/,
    );
    server.close();
  });
});
