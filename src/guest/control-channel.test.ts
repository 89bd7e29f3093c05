import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { it } from 'node:test';
import { ControlChannel, type ExitEvent, protocolVersion } from './control-channel.ts';
import { encodeFields, tag } from './fields.ts';
import { encodeMessage, frameKind } from './frames.ts';

const nonceBytes = 16;
/** What stands before the nonce in its field. */
const nonceHead = encodeFields([[tag.nonce, Buffer.alloc(nonceBytes)]]).subarray(0, -nonceBytes);
const frameEnd = 0x5a;

const exitOf = (sequence: number): Buffer =>
  encodeMessage(
    frameKind.event,
    encodeFields([
      [tag.event, 1],
      [tag.seq, sequence],
      [tag.process, 1],
      [tag.container, 1],
      [tag.code, 0],
    ]),
  );

it('an event that is numbered as if before the first ends the connection', { timeout: 30_000 }, async () => {
  const folder = await mkdtemp(join(tmpdir(), 'hyper-control-'));
  const path = join(folder, 'control.sock');
  const server = createServer((socket) => {
    let seen = Buffer.alloc(0);
    socket.on('error', () => undefined);
    socket.on('data', (chunk: Buffer) => {
      seen = Buffer.concat([seen, chunk]);
      if (seen.at(-1) !== frameEnd) return;
      const nonce = seen.subarray(seen.lastIndexOf(nonceHead) + nonceHead.length).subarray(0, nonceBytes);
      const hello = encodeFields([
        [tag.nonce, nonce],
        [tag.version, protocolVersion],
        [tag.seq, 0],
      ]);
      socket.write(Buffer.concat([encodeMessage(frameKind.hello, hello), exitOf(1), exitOf(0)]));
    });
  });
  try {
    server.listen(path);
    await once(server, 'listening');
    const channel = await ControlChannel.open(0, { path, fresh: true, signal: AbortSignal.timeout(5000) });
    const closed = Promise.withResolvers<Error | undefined>();
    const exits: ExitEvent[] = [];
    channel.listen({ onExit: (event) => exits.push(event), onClose: closed.resolve });
    assert.match(String((await closed.promise)?.message), /an event before the first/);
    assert.deepEqual(
      exits.map(({ sequence }) => sequence),
      [1],
    );
  } finally {
    server.close();
    await rm(folder, { recursive: true });
  }
});
