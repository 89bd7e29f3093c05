import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { FrameReader } from './frame-reader.ts';
import { encodeFrame, opcode } from './frame-writer.ts';

/** A server's frame, by hand from RFC 6455, 5.2. */
function serverFrame(first: number, payload: Buffer): Buffer {
  const { length } = payload;
  const header = Buffer.alloc(length < 126 ? 2 : length < 65536 ? 4 : 10);
  header[0] = first;
  header[1] = length < 126 ? length : length < 65536 ? 126 : 127;
  if (header.length === 4) header.writeUInt16BE(length, 2);
  if (header.length === 10) header.writeBigUInt64BE(BigInt(length), 2);
  return Buffer.concat([header, payload]);
}

function read(bytes: Buffer, cut: number): string[] {
  const seen: string[] = [];
  let open = '';
  const flush = (): void => {
    if (open !== '') seen.push(open);
    open = '';
  };
  const reader = new FrameReader({
    binary: (piece, first) => {
      if (first) flush();
      open += open === '' ? `binary ${piece.toString()}` : piece.toString();
    },
    text: (message) => {
      flush();
      seen.push(`text ${message}`);
    },
    control: (kind, payload) => seen.push(`control ${kind} ${payload.toString()}`),
  });
  for (let at = 0; at < bytes.length; at += cut) reader.push(bytes.subarray(at, at + cut));
  flush();
  return seen;
}

describe('FrameReader', () => {
  it('reads messages however the bytes are cut: whole, in parts, with a ping between, of every length', () => {
    const long = 'x'.repeat(300);
    const huge = 'y'.repeat(70_000);
    const bytes = Buffer.concat([
      serverFrame(0x82, Buffer.from('hello')),
      serverFrame(0x01, Buffer.from('{"a"')),
      serverFrame(0x89, Buffer.from('ping')),
      serverFrame(0x80, Buffer.from(':1}')),
      serverFrame(0x02, Buffer.from('part ')),
      serverFrame(0x00, Buffer.from('')),
      serverFrame(0x80, Buffer.from('two')),
      serverFrame(0x82, Buffer.from(long)),
      serverFrame(0x81, Buffer.from('')),
      serverFrame(0x82, Buffer.from(huge)),
      serverFrame(0x88, Buffer.from('')),
    ]);
    const expected = [
      'control 9 ping',
      'binary hello',
      'text {"a":1}',
      'binary part two',
      `binary ${long}`,
      'text ',
      'control 8 ',
      `binary ${huge}`,
    ];
    for (const cut of [1, 2, 3, 7, 1000, bytes.length]) assert.deepEqual(read(bytes, cut).sort(), expected.sort());
  });

  it('refuses what RFC 6455 forbids', () => {
    for (const [what, bytes] of [
      ['reserved bits', Buffer.from([0xc2, 0])],
      ['an unknown kind', Buffer.from([0x83, 0])],
      ['a mask from the server', Buffer.from([0x82, 0x80, 0, 0, 0, 0])],
      ['a ping in parts', Buffer.from([0x09, 0])],
      ['a long ping', Buffer.from([0x89, 126, 1, 0])],
      ['a continuation of nothing', Buffer.from([0x80, 0])],
      ['a message in another', Buffer.from([0x02, 0, 0x82, 0])],
      ['a length beyond counting', Buffer.from([0x82, 127, 0x7f, 0, 0, 0, 0, 0, 0, 0])],
    ] as const) {
      assert.throws(() => read(bytes, bytes.length), Error, what);
    }
  });
});

describe('encodeFrame', () => {
  it('masks the payload, for every length of header', () => {
    for (const length of [0, 1, 3, 124, 125, 126, 65_535, 65_536, 100_001]) {
      const data = Buffer.alloc(length, 'abcdefg');
      const frame = encodeFrame(opcode.binary, data, [7]);
      const short = (frame[1] ?? 0) & 0x7f;
      const at = short === 126 ? 4 : short === 127 ? 10 : 2;
      const size = short === 126 ? frame.readUInt16BE(2) : short === 127 ? Number(frame.readBigUInt64BE(2)) : short;
      assert.deepEqual([frame[0], (frame[1] ?? 0) & 0x80, size], [0x82, 0x80, length + 1]);
      const mask = frame.subarray(at, at + 4);
      const payload = frame.subarray(at + 4).map((byte, index) => byte ^ (mask[index % 4] ?? 0));
      assert.deepEqual(Buffer.from(payload), Buffer.concat([Buffer.from([7]), data]));
    }
  });
});
