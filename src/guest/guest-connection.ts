import type { OutputConsumer, OutputStream } from './output-consumer.ts';
import type { StdinWriter } from './stdin-writer.ts';

/** Who takes what a connection brings. */
export interface ConnectionHandlers {
  /** Call `taken` when the bytes have gone on: until then the guest's process is held. */
  readonly data: (bytes: Buffer, taken: () => void) => void;
  /** The process sends no more; `taken` as above. */
  readonly end: (taken: () => void) => void;
  /** It is over both ways, before its time. */
  readonly closed: () => void;
}

/** What a connection needs of its channel. */
export interface ConnectionChannel {
  readonly stdin: StdinWriter;
  readonly acknowledge: (offset: number, ended: boolean) => void;
  /** It is over; `tell` the guest so. */
  readonly forget: (tell: boolean) => void;
}

/** A connection that a process of the guest has made to a socket of its container's; it ends with hyperd's own to the guest. */
export class GuestConnection implements OutputConsumer {
  /** What the host has called the socket. */
  readonly socket: string;
  readonly #channel: ConnectionChannel;
  #handlers: ConnectionHandlers | undefined;
  #ended = false;
  #over = false;

  constructor(socket: string, channel: ConnectionChannel) {
    this.socket = socket;
    this.#channel = channel;
  }

  /** To be called at once: nothing is kept. */
  listen(handlers: ConnectionHandlers): void {
    this.#handlers = handlers;
  }

  data(_stream: OutputStream, bytes: Buffer, offset: number): void {
    this.#handlers?.data(bytes, () => {
      if (!this.#over) this.#channel.acknowledge(offset + bytes.length, false);
    });
  }

  end(_stream: OutputStream, offset: number): void {
    this.#handlers?.end(() => {
      if (this.#over) return;
      this.#channel.acknowledge(offset, true);
      this.#ended = true;
      this.settle();
    });
  }

  /** Resolves when the bytes are under way to the process, or it is over. */
  async write(bytes: Buffer): Promise<void> {
    await this.#channel.stdin.write(bytes);
  }

  /** Nothing more is written. */
  finish(): void {
    this.#channel.stdin.end();
  }

  /** Ends it both ways at once, unless both sides have ended it: what is on its way then arrives. */
  close(): void {
    if (this.#over || (this.#ended && this.#channel.stdin.ending)) return;
    this.#over = true;
    this.#channel.forget(true);
  }

  /** The guest has closed it, or has gone. */
  lost(): void {
    if (this.#over) return;
    this.#over = true;
    this.#channel.forget(false);
    this.#handlers?.closed();
  }

  /** Forgets it when both sides have all. */
  settle(): void {
    if (this.#over || !this.#ended || !this.#channel.stdin.finished) return;
    this.#over = true;
    this.#channel.forget(false);
  }
}
