/** RFC 6455, 5.2. */
export const opcode = { continuation: 0x0, text: 0x1, binary: 0x2, close: 0x8, ping: 0x9, pong: 0xa } as const;
export type Opcode = (typeof opcode)[keyof typeof opcode];

/**
 * One whole client frame (FIN set, masked as RFC 6455, 5.3 asks of clients). The payload is `prefix` and then `data`, so
 * that a channel byte costs no copy of its own. The payload begins at a multiple of four: it is masked by words.
 */
export function encodeFrame(kind: Opcode, data: Buffer, prefix: readonly number[] = []): Buffer {
  const length = prefix.length + data.length;
  const lengthBytes = length < 126 ? 0 : length < 65_536 ? 2 : 8;
  const headerBytes = 2 + lengthBytes + 4;
  const lead = (4 - (headerBytes % 4)) % 4;
  const payloadAt = lead + headerBytes;
  const memory = new ArrayBuffer(Math.ceil((payloadAt + length) / 4) * 4);
  const frame = Buffer.from(memory, lead, headerBytes + length);

  frame[0] = 0x80 | kind;
  frame[1] = 0x80 | (lengthBytes === 0 ? length : lengthBytes === 2 ? 126 : 127);
  if (lengthBytes === 2) frame.writeUInt16BE(length, 2);
  if (lengthBytes === 8) frame.writeBigUInt64BE(BigInt(length), 2);
  const mask = crypto.getRandomValues(new Uint8Array(4));
  frame.set(mask, headerBytes - 4);
  frame.set(prefix, headerBytes);
  frame.set(data, headerBytes + prefix.length);

  const words = new Uint32Array(memory, payloadAt);
  const wordMask = new Uint32Array(mask.buffer)[0] ?? 0;
  for (let at = 0; at < words.length; at++) words[at] = (words[at] ?? 0) ^ wordMask;
  return frame;
}
