import { opcode, type Opcode } from './frame-writer.ts';

/** Text messages are small JSON; a peer must not fill the memory with one. */
const maxTextBytes = 1024 * 1024;
const maxControlBytes = 125;

export interface FrameHandlers {
  /** A piece of a binary message, as it arrives; `first` marks a message's beginning. Valid until the call returns or longer. */
  binary(piece: Buffer, first: boolean): void;
  text(message: string): void;
  control(kind: typeof opcode.close | typeof opcode.ping | typeof opcode.pong, payload: Buffer): void;
}

interface Frame {
  readonly kind: Opcode;
  readonly final: boolean;
  remaining: number;
}

/**
 * Reads a server's frames (RFC 6455, 5.2) from a byte stream however it is cut. Binary messages are not put together:
 * their pieces go on at once and uncopied, so a message's size does not matter.
 */
export class FrameReader {
  readonly #handlers: FrameHandlers;
  readonly #header = Buffer.alloc(10);
  #headerLength = 0;
  #frame: Frame | null = null;
  /** The kind of the message that is being read; null between messages. */
  #message: typeof opcode.text | typeof opcode.binary | null = null;
  #messageBegins = false;
  #textParts: Buffer[] = [];
  #textBytes = 0;
  #controlParts: Buffer[] = [];

  constructor(handlers: FrameHandlers) {
    this.#handlers = handlers;
  }

  /** @throws Error when the bytes break the protocol; the connection is of no use then. */
  push(chunk: Buffer): void {
    let at = 0;
    while (at < chunk.length) {
      const frame = this.#frame;
      if (frame === null) {
        at = this.#readHeader(chunk, at);
      } else {
        const end = Math.min(chunk.length, at + frame.remaining);
        frame.remaining -= end - at;
        this.#readPayload(frame, chunk.subarray(at, end));
        at = end;
      }
    }
  }

  #readHeader(chunk: Buffer, from: number): number {
    let at = from;
    while (at < chunk.length) {
      this.#header[this.#headerLength++] = chunk[at++] ?? 0;
      if (this.#headerLength < 2) continue;
      const short = (this.#header[1] ?? 0) & 0x7f;
      const wanted = short === 126 ? 4 : short === 127 ? 10 : 2;
      if (this.#headerLength < wanted) continue;
      this.#headerLength = 0;
      const length =
        short === 126 ? this.#header.readUInt16BE(2) : short === 127 ? Number(this.#header.readBigUInt64BE(2)) : short;
      this.#beginFrame(this.#header[0] ?? 0, this.#header[1] ?? 0, length);
      break;
    }
    return at;
  }

  #beginFrame(first: number, second: number, length: number): void {
    const kind = Object.values(opcode).find((known) => known === (first & 0x0f));
    if (kind === undefined || (first & 0x70) !== 0) throw new Error('a frame of an unknown kind');
    if ((second & 0x80) !== 0) throw new Error('a masked frame from the server');
    if (!Number.isSafeInteger(length)) throw new Error('a frame longer than can be counted');
    const frame: Frame = { kind, final: (first & 0x80) !== 0, remaining: length };
    if (kind >= opcode.close) {
      if (!frame.final || length > maxControlBytes) throw new Error('a control frame that is too long or in parts');
    } else if (kind === opcode.continuation) {
      if (this.#message === null) throw new Error('a continuation of no message');
    } else {
      if (this.#message !== null) throw new Error('a message inside another');
      this.#message = kind === opcode.text ? opcode.text : opcode.binary;
      this.#messageBegins = true;
    }
    this.#frame = frame;
    if (length === 0) this.#readPayload(frame, Buffer.alloc(0));
  }

  #readPayload(frame: Frame, piece: Buffer): void {
    const ended = frame.remaining === 0;
    if (ended) this.#frame = null;
    if (frame.kind === opcode.close || frame.kind === opcode.ping || frame.kind === opcode.pong) {
      this.#controlParts.push(piece);
      if (!ended) return;
      const payload = Buffer.concat(this.#controlParts);
      this.#controlParts = [];
      this.#handlers.control(frame.kind, payload);
      return;
    }
    const isText = this.#message === opcode.text;
    if (ended && frame.final) this.#message = null;
    if (isText) {
      this.#readText(piece, ended && frame.final);
    } else if (piece.length > 0) {
      const first = this.#messageBegins;
      this.#messageBegins = false;
      this.#handlers.binary(piece, first);
    }
  }

  #readText(piece: Buffer, last: boolean): void {
    this.#textParts.push(piece);
    this.#textBytes += piece.length;
    if (this.#textBytes > maxTextBytes) throw new Error('a text message of more than 1 MiB');
    if (!last) return;
    const message = Buffer.concat(this.#textParts).toString('utf8');
    this.#textParts = [];
    this.#textBytes = 0;
    this.#handlers.text(message);
  }
}
