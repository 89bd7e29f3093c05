import { HyperError } from '../lib/errors.ts';
import { encodeFields, Fields, tag } from './fields.ts';
import { frameKind, type Message, violation } from './frames.ts';
import { Port, type PortOptions } from './port.ts';
import type { AgentRequest } from './requests.ts';

export const protocolVersion = 1;

/** Processes are numbered with 32 bits. */
const maxProcess = 0xffff_ffff;

const processStates = { 1: 'starting', 2: 'running', 3: 'exited' } as const;

/** A process that the agent still knows, as its HELLO says. */
export interface KnownProcess {
  readonly process: number;
  readonly container: number;
  readonly state: 'starting' | 'running' | 'exited';
  readonly exitCode: number;
}

export interface AgentHello {
  readonly agentVersion: string;
  readonly newestEvent: number;
  readonly processes: readonly KnownProcess[];
}

/** A process has ended. Kept by the agent until `acknowledgeEvents(sequence)`. */
export interface ExitEvent {
  readonly sequence: number;
  readonly process: number;
  readonly container: number;
  readonly exitCode: number;
  readonly oomKilled: boolean;
}

/** A request that the agent refused. `errno` is Linux's, `failure` as in docs/agent-protocol.md, START_PROCESS. */
export class AgentRefusal extends Error {
  readonly errno: number;
  readonly failure: number | undefined;

  constructor(errno: number, failure: number | undefined, message: string) {
    super(message);
    this.name = 'AgentRefusal';
    this.errno = errno;
    this.failure = failure;
  }
}

export interface ControlHandlers {
  readonly onExit: (event: ExitEvent) => void;
  readonly onClose: (cause: Error | undefined) => void;
}

interface Waiting {
  readonly resolve: (reply: Fields) => void;
  readonly reject: (error: Error) => void;
}

/** Requests, replies and events: port `sh.hyper.channel.0`. */
export class ControlChannel {
  readonly hello: AgentHello;
  readonly #port: Port;
  readonly #waiting = new Map<number, Waiting>();
  #nextId = 1;
  #closed: Error | undefined;

  private constructor(port: Port, hello: AgentHello) {
    this.#port = port;
    this.hello = hello;
  }

  /** `persistedEvent`: the newest event whose effect is stored; the agent sends the later ones again. */
  static async open(
    persistedEvent: number,
    options: Pick<PortOptions, 'path' | 'fresh' | 'signal'>,
  ): Promise<ControlChannel> {
    const { port, answer } = await Port.open({
      ...options,
      hello: (nonce) =>
        encodeFields([
          [tag.version, protocolVersion],
          [tag.nonce, nonce],
          [tag.seq, persistedEvent],
        ]),
    });
    try {
      return new ControlChannel(port, readHello(answer));
    } catch (error) {
      port.close();
      throw error;
    }
  }

  listen(handlers: ControlHandlers): void {
    this.#port.listen(
      (message) => this.#receive(message, handlers),
      (cause) => {
        this.#closed = new HyperError('vm_failed', 'the connection to the guest agent has ended', { cause });
        for (const waiting of this.#waiting.values()) waiting.reject(this.#closed);
        this.#waiting.clear();
        handlers.onClose(cause);
      },
    );
  }

  /** Sends a request and waits for its reply, `timeoutMs` at most. */
  async request(request: AgentRequest, timeoutMs: number): Promise<Fields> {
    if (this.#closed !== undefined) throw this.#closed;
    const id = this.#nextId++;
    const message = encodeFields([[tag.id, id], [tag.op, request.op], ...request.fields]);
    const { promise, resolve, reject } = Promise.withResolvers<Fields>();
    this.#waiting.set(id, { resolve, reject });
    const timer = setTimeout(() => {
      reject(new HyperError('timeout', `the guest agent did not answer request ${request.op} in ${timeoutMs} ms`));
    }, timeoutMs);
    try {
      this.#port.send(frameKind.request, message);
      return await promise;
    } finally {
      clearTimeout(timer);
      this.#waiting.delete(id);
    }
  }

  /** Everything up to this event is stored: the agent may forget it. */
  acknowledgeEvents(sequence: number): void {
    this.#port.send(frameKind.eventAck, encodeFields([[tag.seq, sequence]]));
  }

  close(): void {
    this.#port.close();
  }

  #receive({ kind, payload }: Message, handlers: ControlHandlers): void {
    const fields = new Fields(payload);
    if (kind === frameKind.reply) {
      const waiting = this.#waiting.get(fields.required(tag.id));
      if (waiting === undefined) return; // its caller has given up
      const errno = fields.required(tag.status);
      if (errno === 0) waiting.resolve(fields);
      else {
        const message = fields.text(tag.message) ?? `error ${errno}`;
        waiting.reject(new AgentRefusal(errno, fields.integer(tag.failure), message));
      }
    } else if (kind === frameKind.event) {
      if (fields.required(tag.event) !== 1) return; // a newer agent's: not ours to understand
      const exitCode = fields.required(tag.code);
      if (exitCode > 255) throw violation(`an exit code of ${exitCode}`);
      const sequence = fields.required(tag.seq);
      if (sequence === 0) throw violation('an event before the first'); // what is acknowledged is one less
      handlers.onExit({
        sequence,
        process: fields.required(tag.process),
        container: fields.required(tag.container),
        exitCode,
        oomKilled: fields.integer(tag.oom) === 1,
      });
    } else {
      throw violation(`a message of kind ${kind} on the control channel`);
    }
  }
}

function readHello(payload: Buffer): AgentHello {
  const fields = new Fields(payload);
  const version = fields.required(tag.version);
  if (version !== protocolVersion) {
    throw new HyperError(
      'vm_failed',
      `the guest agent speaks protocol ${version}, this hyperd ${protocolVersion}: run scripts/quickstart to rebuild the guest`,
    );
  }
  return {
    agentVersion: fields.text(tag.agent) ?? '',
    newestEvent: fields.required(tag.seq),
    processes: fields.all(tag.process).map((record) => {
      const known = new Fields(record);
      const state = known.required(tag.state);
      if (state !== 1 && state !== 2 && state !== 3) throw violation(`a process in state ${state}`);
      const process = known.required(tag.process);
      if (process > maxProcess) throw violation(`a process of number ${process}`);
      return {
        process,
        container: known.required(tag.container),
        state: processStates[state],
        exitCode: known.integer(tag.code) ?? 0,
      };
    }),
  };
}
