import { logRecordHeaderBytes } from '../../contract/index.ts';
import { parseTime } from './parse-time.ts';

interface LogPiece {
  readonly stream: 1 | 2;
  /** Nanoseconds since 1970. */
  readonly time: bigint;
  readonly bytes: Buffer;
}

/** `application/vnd.hyper.log` (contract/attach.ts). */
export async function* encodeLogStream(pieces: AsyncIterable<LogPiece>): AsyncGenerator<Buffer> {
  for await (const { stream, time, bytes } of pieces) {
    const header = Buffer.alloc(logRecordHeaderBytes);
    header[0] = stream;
    header.writeUInt32LE(bytes.length, 1);
    header.writeBigUInt64LE(time, 5);
    yield Buffer.concat([header, bytes]);
  }
}

/** ISO 8601, or seconds since 1970 with a fraction, as nanoseconds since 1970. */
export function parseSince(text: string, field = 'query.since'): bigint {
  return BigInt(Math.floor(parseTime(field, text) * 1000)) * 1000n;
}
