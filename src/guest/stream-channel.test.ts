import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { encodeMessage, frameKind } from './frames.ts';
import type { OutputConsumer } from './output-consumer.ts';
import { StreamChannel } from './stream-channel.ts';
import { encodeStreamHeader } from './stream-header.ts';

const data = (offset: number, text: string): Buffer =>
  encodeMessage(
    frameKind.data,
    Buffer.concat([encodeStreamHeader({ process: 1, stream: 1, offset }), Buffer.from(text)]),
  );

/** What a consumer was given, until the channel closes. */
interface Heard {
  readonly pieces: string[];
  readonly closed: Promise<Error | undefined>;
  readonly first: Promise<void>;
  readonly close: () => void;
}

describe('a stream of the guest', () => {
  let folder = '';
  let count = 0;
  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'hyper-stream-'));
  });
  after(async () => await rm(folder, { recursive: true }));

  /** A channel whose guest answers HELLO and then sends this; the stream is known up to `offset`. */
  async function listening(sent: readonly Buffer[], offset: number): Promise<Heard> {
    const path = join(folder, `${count++}.sock`);
    const server = createServer((socket: Socket) => {
      let seen = Buffer.alloc(0);
      socket.on('error', () => undefined);
      socket.on('data', (chunk: Buffer) => {
        seen = Buffer.concat([seen, chunk]);
        if (seen.at(-1) !== 0x5a) return;
        // HELLO's payload begins with the nonce, behind the delimiter's zeros and 6 bytes of head.
        const at = seen.indexOf(0xa5) + 6;
        socket.write(Buffer.concat([encodeMessage(frameKind.hello, seen.subarray(at, at + 16)), ...sent]));
      });
    });
    server.listen(path);
    await once(server, 'listening');
    const known = offset > 0 ? [{ process: 1, stream: 1 as const, offset, ended: false }] : [];
    const channel = await StreamChannel.open(known, { path, fresh: false, signal: AbortSignal.timeout(5000) });
    const closed = Promise.withResolvers<Error | undefined>();
    const first = Promise.withResolvers<void>();
    const pieces: string[] = [];
    const consumer: OutputConsumer = {
      data: (_stream, bytes, at) => {
        pieces.push(`${at}:${bytes.toString()}`);
        first.resolve();
      },
      end: () => undefined,
    };
    channel.consume(1, 1, consumer, offset);
    channel.listen({
      onConnection: (connection) => pieces.push(`open ${connection.socket}`),
      onClose: (cause) => {
        server.close();
        closed.resolve(cause);
      },
    });
    return { pieces, closed: closed.promise, first: first.promise, close: () => channel.close() };
  }

  it('is given without what was had before a reconnect', async () => {
    const heard = await listening([data(2, 'cdef')], 4);
    await heard.first;
    heard.close();
    assert.deepEqual(heard.pieces, ['4:ef']);
    assert.equal(await heard.closed, undefined);
  });

  it('may begin after a reconnect behind what a full disk swallowed', async () => {
    const heard = await listening([data(9, 'after')], 4);
    await heard.first;
    heard.close();
    assert.deepEqual(heard.pieces, ['9:after']);
    assert.equal(await heard.closed, undefined);
  });

  it('may have no gap otherwise', async () => {
    const heard = await listening([data(1, 'x')], 0);
    assert.match(String(await heard.closed), /a gap in a stream/);
  });

  it('may not be longer than the window while nothing is acknowledged', async () => {
    const chunk = 'x'.repeat(30_000);
    const sent = Array.from({ length: 36 }, (_, index) => data(index * chunk.length, chunk));
    const heard = await listening(sent, 0);
    assert.match(String(await heard.closed), /more output than the window allows/);
  });

  const open = (id: number, socket: string): Buffer =>
    encodeMessage(
      frameKind.open,
      Buffer.concat([encodeStreamHeader({ process: id, stream: 1, offset: 0 }), Buffer.from(socket)]),
    );

  it('may be a connection, with a number that no process has', async () => {
    const heard = await listening([open(0x8000_0000, '3'), data(0, 'x')], 0);
    await heard.first;
    heard.close();
    assert.deepEqual(heard.pieces, ['open 3', '0:x']);
    for (const sent of [[open(1, '0')], [open(0x8000_0001, '0'), open(0x8000_0001, '0')]]) {
      const { closed } = await listening(sent, 0);
      assert.match(String(await closed), /broke its protocol: a connection of number/);
    }
  });

  it('is one of no more connections than the agent takes at a time', async () => {
    const many = Array.from({ length: 257 }, (_, at) => open(0x8000_0000 + at, '0'));
    const { closed } = await listening(many, 0);
    assert.match(String(await closed), /more than 256 connections/);
  });
});
