import type { logRecordHeaderBytes as contractHeaderBytes } from '../contract/index.ts';

const headerBytes: typeof contractHeaderBytes = 13;
/** hyperd splits lines far below this; more is not a log. */
const maxRecordBytes = 64 * 1024 * 1024;

export interface LogRecord {
  readonly stream: 'stdout' | 'stderr';
  /** Nanoseconds since 1970. */
  readonly timeNs: bigint;
  readonly data: Buffer;
}

/** The records of an `application/vnd.hyper.log` body (contract/attach.ts). @throws Error when it is cut or none. */
export async function* parseLogRecords(chunks: AsyncIterable<Buffer>): AsyncGenerator<LogRecord, void, undefined> {
  let parts: Buffer[] = [];
  let held = 0;
  let wanted: number = headerBytes;
  for await (const chunk of chunks) {
    parts.push(chunk);
    held += chunk.length;
    if (held < wanted) continue;
    let bytes = parts.length === 1 ? chunk : Buffer.concat(parts, held);
    for (;;) {
      wanted = bytes.length < headerBytes ? headerBytes : headerBytes + bytes.readUInt32LE(1);
      if (wanted > maxRecordBytes) throw new Error('the log holds a record of more than 64 MiB');
      if (bytes.length < wanted) break;
      yield {
        stream: bytes[0] === 2 ? 'stderr' : 'stdout',
        timeNs: bytes.readBigUInt64LE(5),
        data: bytes.subarray(headerBytes, wanted),
      };
      bytes = bytes.subarray(wanted);
    }
    parts = bytes.length === 0 ? [] : [bytes];
    held = bytes.length;
  }
  if (held > 0) throw new Error('the log ends in the middle of a record');
}
