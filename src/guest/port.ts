import { randomBytes } from 'node:crypto';
import { connect, type Socket } from 'node:net';
import { HyperError } from '../lib/errors.ts';
import { delimiter, encodeMessage, frameKind, FrameReader, type Message, violation } from './frames.ts';

/** How long an answer to HELLO may take before another is sent: what arrives before the guest listens is lost. */
const helloRetryMs = 100;

/** A guest that has this much unread does not read at all: stdin has a window, and the rest is small. */
const maxUnreadBytes = 16 << 20;

export interface PortOptions {
  /** The unix socket of QEMU's chardev. */
  readonly path: string;
  /** The payload of HELLO for a nonce of 16 bytes. */
  readonly hello: (nonce: Buffer) => Buffer;
  /** The guest is between two frames: nobody has connected to it before, or who did had sent its last one whole. */
  readonly fresh: boolean;
  /** Ends the attempt to connect. */
  readonly signal: AbortSignal;
}

/** The host's end of one virtio-serial port: a socket, its frames, and the HELLO that begins a session. */
export class Port {
  readonly #socket: Socket;
  readonly #reader: FrameReader;
  #onMessage: (message: Message) => void = () => {};
  #onClose: (cause: Error | undefined) => void = () => {};
  /** What came behind the agent's HELLO, until somebody listens. */
  #held: Message[] = [];
  #failure: Error | undefined;
  #closed = false;

  private constructor(socket: Socket, reader: FrameReader) {
    this.#socket = socket;
    this.#reader = reader;
    socket.on('data', (chunk: Buffer) => this.#receive(chunk));
    socket.on('error', (error) => (this.#failure ??= error));
    socket.on('close', () => {
      this.#closed = true;
      this.#onClose(this.#failure);
    });
  }

  /** Connects and exchanges HELLOs. Answers with the port and the agent's HELLO. */
  static async open(options: PortOptions): Promise<{ readonly port: Port; readonly answer: Buffer }> {
    const { signal } = options;
    signal.throwIfAborted();
    const socket = await connectSocket(options.path, signal);
    const port = new Port(socket, new FrameReader(randomBytes(16)));
    try {
      return { port, answer: await port.#greet(options) };
    } catch (error) {
      port.close();
      throw error;
    }
  }

  async #greet({ hello, fresh, signal }: PortOptions): Promise<Buffer> {
    const { promise, resolve, reject } = Promise.withResolvers<Buffer>();
    const greet = (after: Buffer | undefined): void => {
      if (this.#socket.writableLength > 0) return;
      const nonce = randomBytes(16);
      this.#reader.expect(nonce);
      if (after !== undefined) this.#socket.write(after);
      this.#socket.write(encodeMessage(frameKind.hello, hello(nonce)));
    };
    const abort = (): void =>
      reject(new HyperError('vm_failed', 'the guest agent does not answer', { cause: signal.reason }));
    this.#onMessage = (message) => {
      if (message.kind === frameKind.hello) {
        this.#held = [];
        this.#socket.pause();
        resolve(message.payload);
      } else {
        this.#held.push(message);
      }
    };
    this.#onClose = (cause) => reject(new HyperError('vm_failed', 'the VM ended while it started', { cause }));
    signal.addEventListener('abort', abort, { once: true });
    greet(fresh ? undefined : delimiter);
    const retry = setInterval(() => greet(delimiter), helloRetryMs);
    try {
      return await promise;
    } finally {
      clearInterval(retry);
      signal.removeEventListener('abort', abort);
    }
  }

  /** From now on messages go to `onMessage`, and `onClose` is told once, with the cause if there was one. */
  listen(onMessage: (message: Message) => void, onClose: (cause: Error | undefined) => void): void {
    this.#onMessage = onMessage;
    this.#onClose = onClose;
    for (const message of this.#held.splice(0)) this.#deliver(message);
    if (this.#closed) onClose(this.#failure);
    else this.#socket.resume();
  }

  send(kind: number, payload: Buffer): void {
    if (this.#closed) return;
    this.#socket.write(encodeMessage(kind, payload));
    if (this.#socket.writableLength > maxUnreadBytes) this.#fail(violation('it does not read what it is sent'));
  }

  close(): void {
    this.#socket.destroy();
  }

  #receive(chunk: Buffer): void {
    try {
      for (const message of this.#reader.read(chunk)) this.#deliver(message);
    } catch (error) {
      this.#fail(error);
    }
  }

  #deliver(message: Message): void {
    try {
      this.#onMessage(message);
    } catch (error) {
      this.#fail(error);
    }
  }

  #fail(error: unknown): void {
    this.#failure ??= error instanceof Error ? error : new Error(String(error));
    this.#socket.destroy();
  }
}

function connectSocket(path: string, signal: AbortSignal): Promise<Socket> {
  const { promise, resolve, reject } = Promise.withResolvers<Socket>();
  const socket = connect({ path });
  const abort = (): void => {
    socket.destroy();
    reject(new HyperError('cancelled', 'cancelled while connecting to the VM', { cause: signal.reason }));
  };
  const fail = (error: Error): void =>
    reject(new HyperError('vm_failed', `the VM does not answer on ${path}`, { cause: error }));
  signal.addEventListener('abort', abort, { once: true });
  socket.once('error', fail);
  socket.once('connect', () => {
    socket.off('error', fail);
    resolve(socket);
  });
  return promise.finally(() => signal.removeEventListener('abort', abort));
}
