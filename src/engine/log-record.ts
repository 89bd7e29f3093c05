import type { FileHandle } from 'node:fs/promises';

/** Set in a record's stream byte: the stream has ended at `offset`. */
const endOfStream = 0x80;
/** The kind of a record without bytes: a pod was started again, and both of its streams begin at 0. */
const startOfRun = 0x40;

/** `stream:u8 zero[3] length:u32le time:u64le offset:u64le`, then `length` bytes. */
export const logHeaderBytes = 24;

/** Where a stream stands in its log. */
export interface LogPosition {
  readonly offset: number;
  readonly ended: boolean;
}

export interface LogRecord {
  readonly stream: 1 | 2;
  readonly ended: boolean;
  /** Not of a stream: from here on both streams are those of a new run. */
  readonly startsRun: boolean;
  /** Nanoseconds since 1970. */
  readonly time: bigint;
  readonly offset: number;
  readonly bytes: Buffer;
  /** Where the next record begins. */
  readonly next: number;
}

export function encodeLogHeader(record: {
  readonly stream: 1 | 2;
  readonly ended: boolean;
  readonly offset: number;
  readonly length: number;
}): Buffer {
  return encodeHeader(record.stream | (record.ended ? endOfStream : 0), record.length, record.offset);
}

export const encodeStartOfRun = (): Buffer => encodeHeader(startOfRun, 0, 0);

function encodeHeader(kind: number, length: number, offset: number): Buffer {
  const header = Buffer.alloc(logHeaderBytes);
  header[0] = kind;
  header.writeUInt32LE(length, 4);
  header.writeBigUInt64LE(BigInt(Date.now()) * 1_000_000n, 8);
  header.writeBigUInt64LE(BigInt(offset), 16);
  return header;
}

const readBytes = 256 << 10;

/** The whole records between two places of a log file; a last one that is cut off is left out. */
export async function* readLogRecords(file: FileHandle, from: number, to: number): AsyncGenerator<LogRecord> {
  let position = from;
  let rest: Buffer = Buffer.alloc(0);
  let readAt = from;
  while (readAt < to) {
    const buffer = Buffer.allocUnsafe(Math.min(readBytes, to - readAt));
    const { bytesRead } = await file.read(buffer, 0, buffer.length, readAt);
    if (bytesRead === 0) return;
    readAt += bytesRead;
    let bytes =
      rest.length === 0 ? buffer.subarray(0, bytesRead) : Buffer.concat([rest, buffer.subarray(0, bytesRead)]);
    while (bytes.length >= logHeaderBytes) {
      const length = bytes.readUInt32LE(4);
      const whole = logHeaderBytes + length;
      if (bytes.length < whole) break;
      position += whole;
      const kind = bytes[0] ?? 0;
      yield {
        stream: (kind & ~endOfStream) === 2 ? 2 : 1,
        ended: (kind & endOfStream) !== 0,
        startsRun: kind === startOfRun,
        time: bytes.readBigUInt64LE(8),
        offset: Number(bytes.readBigUInt64LE(16)),
        bytes: bytes.subarray(logHeaderBytes, whole),
        next: position,
      };
      bytes = bytes.subarray(whole);
    }
    rest = bytes;
  }
}
