import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { encodeFields, tag } from './fields.ts';
import { delimiter, encodeMessage, frameKind, FrameReader, maxPayloadBytes, type Message } from './frames.ts';

const nonce = randomBytes(16);
const hello = encodeMessage(frameKind.hello, encodeFields([[tag.nonce, nonce]]));

/** Reads a stream that arrives in pieces cut at the given places. */
function readInPieces(reader: FrameReader, bytes: Buffer, cuts: readonly number[]): Message[] {
  const places = [...new Set([0, ...cuts.map((cut) => cut % (bytes.length + 1)), bytes.length])].sort((a, b) => a - b);
  return places
    .slice(1)
    .flatMap((end, index) => [...reader.read(bytes.subarray(places[index] ?? 0, end))])
    .map(({ kind, payload }) => ({ kind, payload: Buffer.from(payload) }));
}

describe('frames from the guest', () => {
  it('arrive whole and in order, however the bytes are cut', () => {
    const message = fc.record({
      kind: fc.constantFrom(2, 3, 4, 0x11, 0x12),
      payload: fc.uint8Array({ maxLength: 300 }),
    });
    fc.assert(
      fc.property(fc.array(message), fc.array(fc.nat()), (messages, cuts) => {
        const sent = messages.map(({ kind, payload }) => ({ kind, payload: Buffer.from(payload) }));
        const bytes = Buffer.concat([hello, ...sent.map(({ kind, payload }) => encodeMessage(kind, payload))]);
        const [first, ...rest] = readInPieces(new FrameReader(nonce), bytes, cuts);
        assert.equal(first?.kind, frameKind.hello);
        assert.deepEqual(rest, sent);
      }),
    );
  });

  it('are joined from parts when longer than one frame', () => {
    const payload = randomBytes(maxPayloadBytes * 3 + 5);
    const messages = readInPieces(
      new FrameReader(nonce),
      Buffer.concat([hello, encodeMessage(3, payload)]),
      [10, 70_000],
    );
    assert.deepEqual(messages[1], { kind: 3, payload });
  });

  it('may not come in endless short parts', () => {
    const part = encodeMessage(3 | 0x80, Buffer.alloc(0));
    const bytes = Buffer.concat([hello, part]);
    assert.throws(() => [...new FrameReader(nonce).read(bytes)], /a short part of a message/);
  });

  it('of an earlier session are thrown away up to the answer to our HELLO', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 70_000 }), fc.array(fc.nat()), (garbage, cuts) => {
        const old = encodeMessage(frameKind.hello, encodeFields([[tag.nonce, randomBytes(16)]]));
        const bytes = Buffer.concat([Buffer.from(garbage), old, encodeMessage(3, Buffer.from('old')), hello]);
        const messages = readInPieces(new FrameReader(nonce), bytes, cuts);
        assert.deepEqual(
          messages.map(({ kind }) => kind),
          [frameKind.hello],
        );
      }),
      { numRuns: 30 },
    );
  });

  it('may have the bare nonce, as on the stream channel, and zeros between them', () => {
    const bytes = Buffer.concat([
      encodeMessage(frameKind.hello, nonce),
      delimiter,
      encodeMessage(0x11, Buffer.from('x')),
    ]);
    assert.deepEqual(readInPieces(new FrameReader(nonce), bytes, [3]).length, 2);
  });

  for (const [what, bytes] of [
    ['a wrong first byte', Buffer.from([1])],
    ['a length above the limit', Buffer.from([0xa5, 3, 0xff, 0xff, 0xff, 0xff])],
    ['a wrong last byte', Buffer.from([0xa5, 3, 1, 0, 0, 0, 7, 0])],
  ] as const) {
    it(`are a violation with ${what}`, () => {
      const reader = new FrameReader(nonce);
      assert.throws(
        () => readInPieces(reader, Buffer.concat([hello, bytes, Buffer.alloc(10, 1)]), []),
        /broke its protocol/,
      );
    });
  }
});
