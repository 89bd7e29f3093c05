import assert from 'node:assert/strict';
import { it } from 'node:test';
import { logRecordHeaderBytes } from '../contract/index.ts';
import { parseLogRecords } from './log-records.ts';

function record(stream: number, text: string, timeNs: bigint): Buffer {
  const header = Buffer.alloc(logRecordHeaderBytes);
  header.writeUInt8(stream, 0);
  header.writeUInt32LE(Buffer.byteLength(text), 1);
  header.writeBigUInt64LE(timeNs, 5);
  return Buffer.concat([header, Buffer.from(text)]);
}

// eslint-disable-next-line @typescript-eslint/require-await -- an async source is what is needed
async function* cutInto(bytes: Buffer, size: number): AsyncGenerator<Buffer> {
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size);
}

it('reads log records however they are cut, and says when the last is', async () => {
  const bytes = Buffer.concat([record(1, 'one\n', 1n), record(2, '', 2n), record(2, 'three', 2n ** 63n)]);
  for (const size of [1, 5, 13, 17, 1000]) {
    const seen = [];
    for await (const { stream, timeNs, data } of parseLogRecords(cutInto(bytes, size))) {
      seen.push([stream, timeNs, data.toString()]);
    }
    assert.deepEqual(seen, [
      ['stdout', 1n, 'one\n'],
      ['stderr', 2n, ''],
      ['stderr', 2n ** 63n, 'three'],
    ]);
  }
  await assert.rejects(async () => {
    for await (const entry of parseLogRecords(cutInto(bytes.subarray(0, -1), 8))) assert.ok(entry);
  }, /middle of a record/);
});
