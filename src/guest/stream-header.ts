import { violation } from './frames.ts';

/** `process:u32 stream:u8 zero[3] offset:u64`: what DATA, ACK and EOF begin with. */
export interface StreamHeader {
  readonly process: number;
  readonly stream: number;
  readonly offset: number;
}

export const streamHeaderBytes = 16;

export function encodeStreamHeader({ process, stream, offset }: StreamHeader): Buffer {
  const header = Buffer.alloc(streamHeaderBytes);
  header.writeUInt32LE(process, 0);
  header[4] = stream;
  header.writeBigUInt64LE(BigInt(offset), 8);
  return header;
}

export function readStreamHeader(bytes: Buffer, at: number): StreamHeader {
  const offset = bytes.readBigUInt64LE(at + 8);
  if (offset > BigInt(Number.MAX_SAFE_INTEGER)) throw violation('a stream offset out of range');
  return { process: bytes.readUInt32LE(at), stream: bytes[at + 4] ?? 0, offset: Number(offset) };
}
