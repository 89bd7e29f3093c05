import { frameKind, type Message, violation } from './frames.ts';
import { GuestConnection } from './guest-connection.ts';
import type { OutputConsumer, OutputStream } from './output-consumer.ts';
import { Port, type PortOptions } from './port.ts';
import { StdinWriter } from './stdin-writer.ts';
import { encodeStreamHeader, readStreamHeader, type StreamHeader, streamHeaderBytes } from './stream-header.ts';

/** Where an output stream stands with its consumer: bytes persisted, and the whole length once its end is known. */
export interface StreamPosition {
  readonly process: number;
  readonly stream: OutputStream;
  readonly offset: number;
  readonly ended: boolean;
}

/** The most that the agent may have sent and not been acknowledged (docs/agent-protocol.md, Credit). */
const windowBytes = 1 << 20;

/** An acknowledgement interrupts the guest: so many bytes are worth one, or fewer after so long. */
const ackBytes = windowBytes / 4;
const ackDelayMs = 10;

interface Output {
  readonly consumer: OutputConsumer;
  received: number;
  acknowledged: number;
  /** What the agent has been told of. */
  ackSent: number;
  ended: boolean;
  /** Nothing came since it was registered: what a full disk swallowed before a reconnect is not sent again. */
  fresh: boolean;
}

/** Connections are numbered by the agent from here on, processes by the host below. */
const firstConnection = 0x8000_0000;
/** The agent takes no more at a time; each is a descriptor of ours. */
const maxConnections = 256;

export interface StreamHandlers {
  readonly onConnection: (connection: GuestConnection) => void;
  readonly onClose: (cause: Error | undefined) => void;
}

const keyOf = (process: number, stream: number): number => process * 4 + stream;
const isOutput = (stream: number): stream is OutputStream => stream === 1 || stream === 2;

/** The bytes of all processes: port `sh.hyper.channel.1`. */
export class StreamChannel {
  readonly #port: Port;
  readonly #outputs = new Map<number, Output>();
  readonly #stdins = new Map<number, StdinWriter>();
  readonly #connections = new Map<number, GuestConnection>();
  readonly #acks = new Map<number, StreamHeader>();
  #acksUrgent = false;
  #ackTimer: NodeJS.Timeout | undefined;
  #ackImmediate: NodeJS.Immediate | undefined;

  private constructor(port: Port) {
    this.#port = port;
  }

  /** `known`: every output stream whose consumer goes on from an earlier connection. */
  static async open(
    known: readonly StreamPosition[],
    options: Pick<PortOptions, 'path' | 'fresh' | 'signal'>,
  ): Promise<StreamChannel> {
    const positions = known.map((position) =>
      encodeStreamHeader({ ...position, offset: position.offset + (position.ended ? 1 : 0) }),
    );
    const hello = (nonce: Buffer): Buffer => Buffer.concat([nonce, ...positions]);
    const { port, answer } = await Port.open({ ...options, hello });
    const channel = new StreamChannel(port);
    for (let offset = 16; offset + streamHeaderBytes <= answer.length; offset += streamHeaderBytes) {
      const header = readStreamHeader(answer, offset);
      if (header.stream === 0) channel.#stdins.set(header.process, channel.#newStdin(header.process, header.offset));
    }
    return channel;
  }

  listen({ onConnection, onClose }: StreamHandlers): void {
    this.#port.listen(
      (message) => this.#receive(message, onConnection),
      (cause) => {
        for (const connection of [...this.#connections.values()]) connection.lost();
        for (const stdin of this.#stdins.values()) stdin.destroy();
        onClose(cause);
      },
    );
  }

  /** Register before the process starts, or with the persisted offset before `listen` after a reconnect. */
  consume(process: number, stream: OutputStream, consumer: OutputConsumer, offset = 0, ended = false): void {
    const output = { consumer, received: offset, acknowledged: offset, ackSent: offset, ended, fresh: offset > 0 };
    this.#outputs.set(keyOf(process, stream), output);
  }

  /** All below `offset` is persisted (`ended`: and the end too). Sent with others in one write. */
  acknowledge(process: number, stream: OutputStream, offset: number, ended = false): void {
    const output = this.#outputs.get(keyOf(process, stream));
    const urgent = ended || output === undefined || offset - output.ackSent >= ackBytes;
    this.#queueAck({ process, stream, offset: offset + (ended ? 1 : 0) }, urgent);
    if (ended) this.#outputs.delete(keyOf(process, stream));
    else if (output !== undefined) output.acknowledged = offset;
  }

  stdin(process: number, windowBytes?: number): StdinWriter {
    const existing = this.#stdins.get(process);
    if (existing !== undefined) return existing;
    const stdin = this.#newStdin(process, 0, windowBytes);
    this.#stdins.set(process, stdin);
    return stdin;
  }

  /** The process has ended, or was never started: nobody reads its stdin, and its output is of no use any more. */
  forget(process: number): void {
    this.#stdins.get(process)?.destroy();
    this.#stdins.delete(process);
    for (const stream of [1, 2]) this.#outputs.delete(keyOf(process, stream));
  }

  close(): void {
    clearTimeout(this.#ackTimer);
    clearImmediate(this.#ackImmediate);
    this.#port.close();
  }

  #newStdin(process: number, offset: number, windowBytes?: number): StdinWriter {
    const send: ConstructorParameters<typeof StdinWriter>[1] = (kind, at, bytes) => {
      const header = encodeStreamHeader({ process, stream: 0, offset: at });
      this.#port.send(frameKind[kind], bytes === undefined ? header : Buffer.concat([header, bytes]));
    };
    return new StdinWriter(offset, send, windowBytes);
  }

  /** The newest of each stream goes out: soon, or at once when the guest would run into its window. */
  #queueAck(header: StreamHeader, urgent = false): void {
    this.#acks.set(keyOf(header.process, header.stream), header);
    this.#acksUrgent ||= urgent;
    if (this.#acksUrgent && this.#ackImmediate === undefined) this.#ackImmediate = setImmediate(() => this.#sendAcks());
    else this.#ackTimer ??= setTimeout(() => this.#sendAcks(), ackDelayMs);
  }

  #sendAcks(): void {
    clearTimeout(this.#ackTimer);
    clearImmediate(this.#ackImmediate);
    this.#ackTimer = undefined;
    this.#ackImmediate = undefined;
    this.#acksUrgent = false;
    for (const ack of this.#acks.values()) {
      this.#port.send(frameKind.ack, encodeStreamHeader(ack));
      const output = this.#outputs.get(keyOf(ack.process, ack.stream));
      if (output !== undefined) output.ackSent = ack.offset;
    }
    this.#acks.clear();
  }

  #open(id: number, socket: string, onConnection: StreamHandlers['onConnection']): void {
    if (id < firstConnection || this.#connections.has(id)) throw violation(`a connection of number ${id}`);
    if (this.#connections.size >= maxConnections) throw violation(`more than ${maxConnections} connections`);
    const connection = new GuestConnection(socket, {
      stdin: this.stdin(id),
      acknowledge: (offset, ended) => this.acknowledge(id, 1, offset, ended),
      forget: (tell) => {
        this.#connections.delete(id);
        this.forget(id);
        if (tell) this.#port.send(frameKind.close, encodeStreamHeader({ process: id, stream: 1, offset: 0 }));
      },
    });
    this.#connections.set(id, connection);
    this.consume(id, 1, connection);
    onConnection(connection);
  }

  #receive({ kind, payload }: Message, onConnection: StreamHandlers['onConnection']): void {
    if (payload.length < streamHeaderBytes) throw violation('a stream message without its head');
    const header = readStreamHeader(payload, 0);
    if (kind === frameKind.ack) {
      if (header.stream !== 0) return;
      this.#stdins.get(header.process)?.acknowledge(header.offset);
      this.#connections.get(header.process)?.settle();
      return;
    }
    if (kind === frameKind.open) {
      this.#open(header.process, payload.toString('utf8', streamHeaderBytes), onConnection);
      return;
    }
    if (kind === frameKind.close) {
      this.#connections.get(header.process)?.lost();
      return;
    }
    if (kind !== frameKind.data && kind !== frameKind.eof) throw violation(`kind ${kind} on the stream channel`);
    const { process, stream } = header;
    if (!isOutput(stream)) throw violation(`output on stream ${stream}`);
    const bytes = payload.subarray(streamHeaderBytes);
    const output = this.#outputs.get(keyOf(process, stream));
    if (output === undefined) {
      this.#queueAck({ process, stream, offset: header.offset + (kind === frameKind.eof ? 1 : bytes.length) });
    } else if (kind === frameKind.eof) {
      if (output.ended) return;
      skipLost(output, header.offset);
      if (header.offset !== output.received) throw violation('a stream ends elsewhere than its bytes');
      output.ended = true;
      output.consumer.end(stream, header.offset);
    } else {
      this.#take(output, stream, header.offset, bytes);
    }
  }

  #take(output: Output, stream: OutputStream, offset: number, bytes: Buffer): void {
    skipLost(output, offset);
    if (offset > output.received) throw violation('a gap in a stream');
    const had = output.received - offset;
    if (had >= bytes.length) return; // sent again after a reconnect
    output.received = offset + bytes.length;
    if (output.received - output.acknowledged > windowBytes) throw violation('more output than the window allows');
    output.consumer.data(stream, bytes.subarray(had), offset + had);
  }
}

/** The first that comes after a reconnect may lie ahead: what is between was acknowledged and could not be kept. */
function skipLost(output: Output, offset: number): void {
  if (output.fresh && offset > output.received) {
    output.received = offset;
    output.acknowledged = offset;
  }
  output.fresh = false;
}
