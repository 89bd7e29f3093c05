import { Writable, type Duplex } from 'node:stream';
import type {
  StartTiming,
  AttachCommand,
  attachChannel as contractChannels,
  stdinWindowBytes as contractWindow,
} from '../contract/index.ts';
import { messageOf } from '../lib/errors.ts';
import { ApiFailure } from './api-failure.ts';
import { parseAttachEvent } from './attach-events.ts';
import { FrameReader } from './frame-reader.ts';
import { encodeFrame, opcode } from './frame-writer.ts';
import type { UpgradedConnection } from './websocket-upgrade.ts';

const channel: typeof contractChannels = { stdin: 0, stdout: 1, stderr: 2 };
/** How much stdin may be under way to a process that does not read. */
const stdinWindowBytes: typeof contractWindow = 262144;
/** A frame's data: small enough for any peer's limits, large enough that its header costs nothing. */
const frameDataBytes = 64 * 1024;

export type OutputStream = 'stdout' | 'stderr';

export interface AttachHandlers {
  /** The pod is there, where this call made it. */
  created?(id: string): void;
  /** The process runs; `id` is the pod's or the exec's; `warnings`: what its user should know. */
  /** `timing`: of the start, where this attach made it. */
  started?(id: string, warnings: readonly string[], timing: StartTiming | null): void;
  /** Output. While a returned promise is pending, nothing more is read from hyperd: that is the back-pressure. */
  output(stream: OutputStream, chunk: Buffer): void | Promise<void>;
}

export type AttachEnd = { readonly type: 'exit'; readonly exitCode: number } | { readonly type: 'detached' };

/**
 * The life of one attached process, over an open WebSocket (contract/attach.ts).
 *
 * @example
 * const session = await client.podAttach('web', { stdin: true }, { output: (_, chunk) => void process.stdout.write(chunk) });
 * session.stdin.end('hello\n');
 * const end = await session.exit;
 */
export class AttachSession {
  /** Writing waits while the process does not take what was written before; ending it is the process's end of input. */
  readonly stdin: Writable;
  /** Settles when all output has been handled. Rejects with an ApiFailure: `unavailable` when the connection is lost. */
  readonly exit: Promise<AttachEnd>;

  readonly #socket: Duplex;
  readonly #handlers: AttachHandlers;
  readonly #reader: FrameReader;
  readonly #settle: PromiseWithResolvers<AttachEnd>;
  #channel: OutputStream | null = null;
  #waiting = new Set<Promise<void>>();
  #pongs: (() => void)[] = [];
  #stdinSent = 0;
  #stdinTaken = 0;
  #onTaken: (() => void) | null = null;
  #over = false;

  constructor(connection: UpgradedConnection, handlers: AttachHandlers) {
    this.#socket = connection.socket;
    this.#handlers = handlers;
    this.#settle = Promise.withResolvers();
    this.exit = this.#settle.promise;
    this.exit.catch(() => undefined); // whoever awaits `exit` sees it; nobody has to
    this.#reader = new FrameReader({
      binary: (piece, first) => this.#onBinary(piece, first),
      text: (message) => this.#onEvent(message),
      control: (kind, payload) => {
        if (kind === opcode.ping) this.#socket.write(encodeFrame(opcode.pong, payload));
        else if (kind === opcode.pong) this.#pongs.splice(0).forEach((answer) => answer());
        else this.#onLost(undefined);
      },
    });
    this.stdin = new Writable({
      write: (chunk: Buffer, _encoding, done) => this.#sendInput(chunk, done),
      final: (done) => {
        this.#command({ type: 'eof' });
        done();
      },
    });
    this.stdin.on('error', () => undefined); // the connection's end tells of it, by `exit`
    this.#socket.on('data', (chunk: Buffer) => this.#onData(chunk));
    this.#socket.on('error', (error) => this.#onLost(error));
    this.#socket.on('end', () => this.#onLost(undefined));
    this.#socket.on('close', () => this.#onLost(undefined));
    this.#socket.resume();
    if (connection.head.length > 0) this.#onData(connection.head);
  }

  /** Says what is to be run, where the call has not said it. */
  open(spec: object): void {
    this.#sendText(spec);
  }

  resize(size: { readonly rows: number; readonly cols: number }): void {
    this.#command({ type: 'resize', ...size });
  }

  /** Sends a signal by its name, `INT` or `SIGINT`. */
  signal(signal: string): void {
    this.#command({ type: 'signal', signal });
  }

  eof = (): void => {
    this.stdin.end();
  };

  /** The reader of a stream has gone: the process gets EPIPE, and no more of it comes. */
  hangup(stream: OutputStream): void {
    this.#command({ type: 'hangup', stream: channel[stream] });
  }

  /** Resolves when hyperd has answered: it is there, whatever the process does. */
  ping(): Promise<void> {
    const answered = new Promise<void>((resolve) => this.#pongs.push(resolve));
    if (!this.#over) this.#socket.write(encodeFrame(opcode.ping, Buffer.alloc(0)));
    return answered;
  }

  /** Leaves the process running: `exit` resolves to `detached`. */
  detach(): void {
    this.#finish();
    this.#settle.resolve({ type: 'detached' });
  }

  #command(command: AttachCommand): void {
    this.#sendText(command);
  }

  #sendText(message: object): void {
    if (!this.#over) this.#socket.write(encodeFrame(opcode.text, Buffer.from(JSON.stringify(message))));
  }

  #sendInput(chunk: Buffer, done: (error?: Error | null) => void): void {
    if (this.#over) {
      done();
      return;
    }
    const room = stdinWindowBytes - (this.#stdinSent - this.#stdinTaken);
    const part = chunk.subarray(0, Math.min(room, frameDataBytes));
    if (part.length > 0) {
      this.#stdinSent += part.length;
      this.#socket.write(encodeFrame(opcode.binary, part, [channel.stdin]));
    }
    const rest = chunk.subarray(part.length);
    if (rest.length === 0) done();
    else if (part.length > 0) this.#sendInput(rest, done);
    else this.#onTaken = () => this.#sendInput(rest, done);
  }

  #stdinWasTaken(bytes: number): void {
    this.#stdinTaken = bytes;
    const go = this.#onTaken;
    this.#onTaken = null;
    go?.();
  }

  #onData(chunk: Buffer): void {
    if (this.#over) return;
    try {
      this.#reader.push(chunk);
    } catch (error) {
      this.#fail(new ApiFailure('internal', `hyperd broke the attach protocol: ${messageOf(error)}`, { cause: error }));
    }
  }

  #onBinary(piece: Buffer, first: boolean): void {
    let data = piece;
    if (first) {
      this.#channel = piece[0] === channel.stdout ? 'stdout' : piece[0] === channel.stderr ? 'stderr' : null;
      data = piece.subarray(1);
    }
    if (this.#channel === null || data.length === 0) return;
    const taken = this.#handlers.output(this.#channel, data);
    if (taken === undefined) return;
    if (this.#waiting.size === 0) this.#socket.pause();
    const settled = taken.catch((error: unknown) => {
      this.#fail(new ApiFailure('internal', messageOf(error), { cause: error }));
    });
    this.#waiting.add(settled);
    void settled.then(() => {
      this.#waiting.delete(settled);
      if (this.#waiting.size === 0) this.#socket.resume();
    });
  }

  #onEvent(message: string): void {
    const event = parseAttachEvent(message);
    if (event.type === 'created') {
      this.#handlers.created?.(event.id);
    } else if (event.type === 'started') {
      this.#handlers.started?.(event.id, event.warnings, event.timing);
    } else if (event.type === 'taken') {
      this.#stdinWasTaken(event.bytes);
    } else if (event.type === 'exit') {
      const outstanding = Promise.all(this.#waiting);
      this.#finish();
      void outstanding.then(() => this.#settle.resolve(event));
    } else {
      this.#fail(new ApiFailure(event.code, event.message));
    }
  }

  #onLost(cause: unknown): void {
    this.#fail(new ApiFailure('unavailable', 'lost the connection to the Hyper daemon', { cause }));
  }

  #fail(failure: ApiFailure): void {
    if (this.#over) return;
    const outstanding = Promise.all(this.#waiting);
    this.#finish();
    void outstanding.then(() => this.#settle.reject(failure));
  }

  /** Says goodbye and lets the connection go; what still comes is not read. */
  #finish(): void {
    if (this.#over) return;
    this.#over = true;
    this.#socket.end(encodeFrame(opcode.close, Buffer.from([0x03, 0xe8])));
    this.#socket.resume();
    this.stdin.destroy();
  }
}
