import { HyperError } from '../lib/errors.ts';

/** docs/agent-protocol.md, Frames. */
export const frameKind = {
  hello: 0x01,
  request: 0x02,
  reply: 0x03,
  event: 0x04,
  eventAck: 0x05,
  data: 0x11,
  ack: 0x12,
  eof: 0x13,
  open: 0x14,
  close: 0x15,
} as const;

const start = 0xa5;
const end = 0x5a;
const headerBytes = 6;
const more = 0x80;

/** The most that a frame's payload may hold, so that a whole frame fits one 32 KiB write of virtio-serial. */
export const maxPayloadBytes = 32752;
const maxMessageBytes = 4 << 20;

/** What the host sends ahead of HELLO: no partial frame can swallow it (docs/agent-protocol.md, The delimiter). */
export const delimiter = Buffer.alloc(65600);

/** Frames a message, in parts where it is longer than one payload. */
export function encodeMessage(kind: number, payload: Buffer): Buffer {
  const parts: Buffer[] = [];
  let offset = 0;
  do {
    const part = payload.subarray(offset, offset + maxPayloadBytes);
    offset += part.length;
    const header = Buffer.allocUnsafe(headerBytes);
    header[0] = start;
    header[1] = offset < payload.length ? kind | more : kind;
    header.writeUInt32LE(part.length, 2);
    parts.push(header, part, Buffer.of(end));
  } while (offset < payload.length);
  return Buffer.concat(parts);
}

export interface Message {
  readonly kind: number;
  readonly payload: Buffer;
}

/**
 * Reads what the agent sends. Until the nonce of the HELLO that was sent last has been seen, everything is thrown
 * away; after it, anything that is not a frame is a violation: the guest is not trusted, and the bytes are in order.
 */
export class FrameReader {
  #nonce: Buffer;
  #synchronised = false;
  #rest: Buffer = Buffer.alloc(0);
  #parts: Buffer[] = [];
  #partsBytes = 0;

  constructor(nonce: Buffer) {
    this.#nonce = nonce;
  }

  /** A new HELLO was sent: only its answer counts. */
  expect(nonce: Buffer): void {
    this.#nonce = nonce;
    this.#synchronised = false;
    this.#parts = [];
    this.#partsBytes = 0;
  }

  /** Whole messages, in order. Payloads are views of `chunk` where they can be: use them before the next call. */
  *read(chunk: Buffer): Generator<Message> {
    let bytes = this.#rest.length > 0 ? Buffer.concat([this.#rest, chunk]) : chunk;
    if (!this.#synchronised) {
      const found = this.#findHello(bytes);
      if (found === undefined) {
        this.#rest = bytes.subarray(Math.max(0, bytes.length - maxPayloadBytes - headerBytes));
        return;
      }
      this.#synchronised = true;
      bytes = bytes.subarray(found);
    }
    let offset = 0;
    for (;;) {
      while (offset < bytes.length && bytes[offset] === 0) offset++;
      if (bytes.length - offset < headerBytes) break;
      if (bytes[offset] !== start) throw violation('a frame does not begin with its mark');
      const length = bytes.readUInt32LE(offset + 2);
      if (length > maxPayloadBytes) throw violation(`a frame of ${length} bytes`);
      const frameEnd = offset + headerBytes + length;
      if (bytes.length <= frameEnd) break;
      if (bytes[frameEnd] !== end) throw violation('a frame does not end with its mark');
      const kind = bytes[offset + 1] ?? 0;
      const payload = bytes.subarray(offset + headerBytes, frameEnd);
      offset = frameEnd + 1;
      const message = this.#join(kind, payload);
      if (message !== undefined) yield message;
    }
    this.#rest = bytes.subarray(offset);
  }

  /** Where the frame starts whose payload holds the nonce: as a field (5 bytes of its head first) or bare. */
  #findHello(bytes: Buffer): number | undefined {
    for (let at = bytes.indexOf(this.#nonce); at >= 0; at = bytes.indexOf(this.#nonce, at + 1)) {
      for (const before of [headerBytes, headerBytes + 5]) {
        const begin = at - before;
        if (begin >= 0 && bytes[begin] === start && ((bytes[begin + 1] ?? 0) & ~more) === frameKind.hello) return begin;
      }
    }
    return undefined;
  }

  #join(kind: number, payload: Buffer): Message | undefined {
    const last = (kind & more) === 0;
    if (last && this.#parts.length === 0) return { kind, payload };
    // Only the last part may be short: else a message of endless empty parts would never be too long.
    if (!last && payload.length !== maxPayloadBytes) throw violation('a short part of a message');
    this.#parts.push(Buffer.from(payload));
    this.#partsBytes += payload.length;
    if (this.#partsBytes > maxMessageBytes) throw violation('a message of more than 4 MiB');
    if (!last) return undefined;
    const whole = Buffer.concat(this.#parts);
    this.#parts = [];
    this.#partsBytes = 0;
    return { kind, payload: whole };
  }
}

/** The guest broke the protocol: its VM is not to be trusted further. */
export function violation(what: string): HyperError {
  return new HyperError('vm_failed', `the guest agent broke its protocol: ${what}`);
}
