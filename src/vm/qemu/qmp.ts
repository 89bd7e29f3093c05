import type { FileHandle } from 'node:fs/promises';
import { connect, type Socket } from 'node:net';
import { HyperError, systemCode } from '../../lib/errors.ts';
import { Mutex } from '../../lib/mutex.ts';
import { tryParseJson } from '../../lib/try-parse-json.ts';
import { passFile } from './pass-file.ts';

export interface QmpEvent {
  readonly name: string;
  readonly data: Readonly<Record<string, unknown>>;
}

interface Waiting {
  readonly resolve: (value: unknown) => void;
  readonly reject: (error: Error) => void;
}

/** More than QEMU has to say in one line. */
const mostLineLength = 4 << 20;

/** QEMU answers in milliseconds; one that is stopped, or whose monitor somebody else holds, never. */
const answerTimeoutMs = 30_000;

const isObject = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null;

/** Whether `connect` failed because a QEMU that has just been started does not listen yet. */
export const listensNotYet = (error: unknown): boolean => ['ENOENT', 'ECONNREFUSED'].includes(systemCode(error) ?? '');

/** A QEMU Machine Protocol session (QEMU docs, interop/qmp-spec). */
export class Qmp {
  readonly #socket: Socket;
  readonly #waiting = new Map<number, Waiting>();
  #nextId = 1;
  #rest = '';
  #onEvent: (event: QmpEvent) => void = () => {};
  readonly #closed = Promise.withResolvers<void>();
  /** Before its greeting comes what it could not send to the hyperd before. */
  #hasGreeted = false;
  #violation = '';
  #isClosed = false;
  /** A file belongs to the command that comes with it. */
  readonly #passing = new Mutex();

  private constructor(socket: Socket) {
    this.#socket = socket;
    socket.setEncoding('utf8');
    socket.on('data', (text: string) => this.#receive(text));
    socket.on('error', () => socket.destroy()); // 'close' follows and tells
    socket.on('close', () => {
      this.#isClosed = true;
      for (const waiting of this.#waiting.values()) waiting.reject(gone());
      this.#waiting.clear();
      this.#closed.resolve();
    });
  }

  /** Connects and leaves the negotiation behind. Fails when nobody listens on the path. */
  static async connect(path: string, onEvent: (event: QmpEvent) => void): Promise<Qmp> {
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const socket = connect({ path }, resolve);
    socket.once('error', reject);
    await promise;
    socket.off('error', reject);
    const qmp = new Qmp(socket);
    qmp.#onEvent = onEvent;
    try {
      await qmp.execute('qmp_capabilities');
      return qmp;
    } catch (error) {
      qmp.close();
      throw error;
    }
  }

  /** Resolves when QEMU has closed the connection, which it does when it ends. */
  get closed(): Promise<void> {
    return this.#closed.promise;
  }

  /** What it said that is no answer of QEMU's, and was the end of the connection; empty where that ended otherwise. */
  get violation(): string {
    return this.#violation;
  }

  async execute(command: string, argumentsOf?: object): Promise<unknown> {
    return await this.#ask(command, argumentsOf, (line) => {
      this.#socket.write(`${line}\n`);
      return Promise.resolve();
    });
  }

  /** Gives QEMU an open file, which it keeps; answers with the name by which it can open it, for what it is open for. */
  async addFile(file: FileHandle): Promise<string> {
    const added = await this.#passing.run(() => this.#ask('add-fd', {}, (line) => passFile(this.#socket, line, file)));
    return `/dev/fdset/${String(isObject(added) ? added['fdset-id'] : '')}`;
  }

  close(): void {
    this.#socket.destroy();
  }

  async #ask(
    command: string,
    argumentsOf: object | undefined,
    send: (line: string) => Promise<void>,
  ): Promise<unknown> {
    if (this.#isClosed) throw gone();
    const id = this.#nextId++;
    const { promise, resolve, reject } = Promise.withResolvers<unknown>();
    this.#waiting.set(id, { resolve, reject });
    const timer = setTimeout(() => {
      reject(new HyperError('timeout', `QEMU did not answer ${command} in ${answerTimeoutMs} ms`));
    }, answerTimeoutMs);
    promise.catch(() => undefined); // heard below, unless it was not sent
    try {
      await send(JSON.stringify({ execute: command, arguments: argumentsOf, id }));
      return await promise;
    } finally {
      clearTimeout(timer);
      this.#waiting.delete(id);
    }
  }

  #receive(text: string): void {
    const lines = (this.#rest + text).split('\n');
    this.#rest = lines.pop() ?? '';
    if (this.#rest.length > mostLineLength) this.#leave('a line without an end');
    for (const line of lines) {
      if (line.trim() === '') continue;
      const message = tryParseJson(line);
      if (message === undefined && this.#hasGreeted) this.#leave(line.slice(0, 200));
      if (this.#violation !== '') return;
      if (isObject(message)) this.#dispatch(message);
    }
  }

  /** A QEMU that a guest has taken over may say anything. */
  #leave(said: string): void {
    this.#violation = said;
    this.#socket.destroy();
  }

  #dispatch(message: Readonly<Record<string, unknown>>): void {
    if (typeof message['event'] === 'string') {
      this.#onEvent({ name: message['event'], data: isObject(message['data']) ? message['data'] : {} });
      return;
    }
    if ('QMP' in message) this.#hasGreeted = true;
    if (typeof message['id'] !== 'number') return;
    const waiting = this.#waiting.get(message['id']);
    const error = message['error'];
    if (isObject(error)) waiting?.reject(new HyperError('vm_failed', `QEMU: ${String(error['desc'])}`));
    else waiting?.resolve(message['return']);
  }
}

function gone(): HyperError {
  return new HyperError('vm_failed', 'the VM has ended');
}
