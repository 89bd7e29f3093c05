import { maxPayloadBytes, violation } from './frames.ts';
import { streamHeaderBytes } from './stream-header.ts';

/** How much stdin may be under way to a process that does not read (docs/agent-protocol.md, Credit). */
const defaultWindowBytes = 64 << 10;
/** The same of a task of the agent's. */
export const taskWindowBytes = 1 << 20;
const chunkBytes = maxPayloadBytes - streamHeaderBytes;

type Send = (kind: 'data' | 'eof', offset: number, bytes?: Buffer) => void;

/** A process's stdin: keeps inside the window, and makes its writer wait when the process does not read. */
export class StdinWriter {
  readonly #send: Send;
  readonly #windowBytes: number;
  #sent: number;
  #acknowledged: number;
  #queue: Buffer[] = [];
  #waiting: (() => void)[] = [];
  #ending = false;
  #ended = false;
  #finished = false;
  #destroyed = false;

  constructor(offset: number, send: Send, windowBytes = defaultWindowBytes) {
    this.#windowBytes = windowBytes;
    this.#sent = offset;
    this.#acknowledged = offset;
    this.#send = send;
  }

  /** Resolves when the bytes are under way, so that the caller reads no faster than the process does. */
  async write(bytes: Buffer): Promise<void> {
    if (this.#destroyed || this.#ending || bytes.length === 0) return;
    this.#queue.push(bytes);
    this.#pump();
    if (this.#queue.length === 0) return;
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#waiting.push(resolve);
    await promise;
  }

  get ending(): boolean {
    return this.#ending;
  }

  /** The other end has taken all, the end with it. */
  get finished(): boolean {
    return this.#finished;
  }

  /** No more bytes: the process reads its end of file after those written. */
  end(): void {
    this.#ending = true;
    this.#pump();
  }

  acknowledge(offset: number): void {
    if (offset > this.#sent + 1) throw violation('stdin acknowledged that was never sent');
    if (this.#ended && offset === this.#sent + 1) this.#finished = true;
    this.#acknowledged = Math.max(this.#acknowledged, Math.min(offset, this.#sent));
    this.#pump();
  }

  /** The process or the connection is gone: what is not sent is dropped, writers go on. */
  destroy(): void {
    this.#destroyed = true;
    this.#queue = [];
    this.#wake();
  }

  #pump(): void {
    if (this.#destroyed) return;
    for (let next = this.#queue[0]; next !== undefined; next = this.#queue[0]) {
      const room = this.#windowBytes - (this.#sent - this.#acknowledged);
      if (room <= 0) return;
      const part = next.subarray(0, Math.min(room, chunkBytes));
      this.#send('data', this.#sent, part);
      this.#sent += part.length;
      if (part.length === next.length) this.#queue.shift();
      else this.#queue[0] = next.subarray(part.length);
    }
    this.#wake();
    if (this.#ending && !this.#ended) {
      this.#ended = true;
      this.#send('eof', this.#sent);
    }
  }

  #wake(): void {
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const resolve of waiting) resolve();
  }
}
