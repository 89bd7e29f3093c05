import { createSocket, type Socket as UdpSocket } from 'node:dgram';
import { once } from 'node:events';
import { createServer, type Server as TcpServer, type Socket } from 'node:net';
import { messageOf, systemCode } from '../../lib/errors.ts';
import type { Log } from '../../lib/log.ts';
import type { Transport } from './exchange.ts';
import { Forwarder } from './forwarder.ts';
import { addressesOf, type Gate } from './gate.ts';
import { errorAnswer, rcode } from './message.ts';
import type { Names } from './names.ts';
import { answerOwn, parseQuery } from './query.ts';
import { Shares } from './shares.ts';
import { serveConnection } from './tcp-connection.ts';

export interface DnsServerOptions {
  /** The address to listen on: the gateway. */
  readonly address: string;
  /** Default 53; another one is taken when it is in use. */
  readonly port?: number;
  /** What an asker is answered by us. */
  readonly names: (from: string) => Names;
  /** Whom to ask for an asker. */
  readonly upstreams: (from: string) => Promise<readonly string[]>;
  /** Default: everything may be asked outside. */
  readonly gate?: (from: string, name: string) => Gate;
  readonly upstreamPort?: number;
  /** How long a connection is kept that gets no answers; default 10 s. */
  readonly idleMs?: number;
  readonly log: Log;
}

const maxConnections = 64;
const defaultIdleMs = 10_000;

/** A network's DNS server: answers its own names, asks upstream for the others, over UDP and TCP. */
export class DnsServer implements AsyncDisposable {
  readonly port: number;
  readonly #options: DnsServerOptions;
  readonly #udp: UdpSocket;
  readonly #tcp: TcpServer;
  readonly #forwarder: Forwarder;
  readonly #closing = new AbortController();
  readonly #connections = new Set<Socket>();
  readonly #shares = new Shares(maxConnections);

  private constructor(options: DnsServerOptions, udp: UdpSocket, tcp: TcpServer) {
    this.#options = options;
    this.#udp = udp;
    this.#tcp = tcp;
    this.port = udp.address().port;
    const { upstreams, address, log, upstreamPort } = options;
    this.#forwarder = new Forwarder({
      upstreams,
      self: address,
      log,
      signal: this.#closing.signal,
      ...(upstreamPort === undefined ? {} : { port: upstreamPort }),
    });
    udp.on('message', (message, from) => {
      if (from.port === 0) return; // nothing can be sent there: Node throws
      void this.#answer(message, 'udp', from.address).then((answer) => {
        if (answer !== undefined && !this.#closing.signal.aborted) udp.send(answer, from.port, from.address, ignore);
      });
    });
    udp.on('error', (error) => log.warn({ error: messageOf(error) }, 'DNS over UDP'));
    tcp.on('connection', (socket) => this.#serve(socket));
    tcp.on('error', (error) => log.warn({ error: messageOf(error) }, 'DNS over TCP'));
  }

  /** Listens on the port for both, or on another when something on this host has it on all addresses. */
  static async listen(options: DnsServerOptions): Promise<DnsServer> {
    try {
      return await DnsServer.#listenOn(options, options.port ?? 53);
    } catch (error) {
      if (systemCode(error) !== 'EADDRINUSE') throw error;
      options.log.info({ address: options.address }, 'port 53 is in use: guests are redirected to another');
      return DnsServer.#listenOn(options, 0);
    }
  }

  static async #listenOn(options: DnsServerOptions, port: number): Promise<DnsServer> {
    const udp = createSocket('udp4');
    const tcp = createServer();
    try {
      udp.bind({ address: options.address, port });
      await once(udp, 'listening');
      tcp.listen({ host: options.address, port: udp.address().port });
      await once(tcp, 'listening');
      return new DnsServer(options, udp, tcp);
    } catch (error) {
      udp.close();
      tcp.close();
      throw error;
    }
  }

  async close(): Promise<void> {
    this.#closing.abort();
    for (const socket of this.#connections) socket.destroy();
    await Promise.all([
      new Promise<void>((resolve) => this.#udp.close(resolve)),
      new Promise<void>((resolve) => this.#tcp.close(() => resolve())),
    ]);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  #serve(socket: Socket): void {
    const { remoteAddress: from } = socket;
    if (from === undefined || !this.#shares.take(from)) {
      socket.destroy();
      return;
    }
    this.#connections.add(socket);
    socket.on('close', () => {
      this.#connections.delete(socket);
      this.#shares.release(from);
    });
    serveConnection(socket, (message) => this.#answer(message, 'tcp', from), this.#options.idleMs ?? defaultIdleMs);
  }

  /** Never throws: what goes wrong is an answer too, or silence for what is no query. */
  async #answer(message: Buffer, transport: Transport, from: string): Promise<Buffer | undefined> {
    const query = parseQuery(message);
    if (query === 'silence') return undefined;
    if ('refuse' in query) return errorAnswer(message, query.refuse);
    try {
      const own = answerOwn(query, this.#options.names(from));
      if (own !== undefined) return own;
      const gate = this.#options.gate?.(from, query.name) ?? 'open';
      if (gate === 'closed') return errorAnswer(message, rcode.refused);
      const answer = await this.#forwarder.ask(message, transport, from);
      if (gate !== 'open') {
        const { addresses, seconds } = addressesOf(answer);
        await gate(addresses, seconds);
      }
      return answer;
    } catch (error) {
      this.#options.log.debug({ name: query.name, type: query.type, error: messageOf(error) }, 'DNS query failed');
      return errorAnswer(message, rcode.serverFailure);
    }
  }
}

/** A guest that went away before its answer is nobody's problem. */
function ignore(): void {
  return undefined;
}
