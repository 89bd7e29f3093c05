import { HyperError, messageOf } from '../../lib/errors.ts';
import type { Log } from '../../lib/log.ts';
import { exchange, type Transport } from './exchange.ts';
import { Shares } from './shares.ts';

export interface ForwarderOptions {
  /** Whom to ask for an asker. */
  readonly upstreams: (from: string) => Promise<readonly string[]>;
  /** Not asked, or we would ask ourselves. */
  readonly self: string;
  readonly log: Log;
  readonly signal: AbortSignal;
  /** Default 53. */
  readonly port?: number;
  /** How long one server may take; default 3 s. A guest's resolver waits 5 s by default. */
  readonly timeoutMs?: number;
}

const maxPending = 256;

/** Asks the upstream nameservers, one after the other until one answers. */
export class Forwarder {
  readonly #options: ForwarderOptions;
  readonly #shares = new Shares(maxPending);

  constructor(options: ForwarderOptions) {
    this.#options = options;
  }

  /**
   * @param from who asks: each asker has a share of the queries that may be under way
   * @throws HyperError `unavailable` when none answers or too much is under way.
   */
  async ask(message: Buffer, transport: Transport, from: string): Promise<Buffer> {
    const { self } = this.#options;
    if (!this.#shares.take(from)) {
      throw new HyperError('unavailable', `too many DNS queries of ${from} are under way: try again`);
    }
    try {
      const servers = (await this.#options.upstreams(from)).filter((server) => server !== self);
      let last: unknown = new HyperError('unavailable', 'no nameserver is known: see /etc/resolv.conf');
      for (const server of servers.slice(0, 3)) {
        try {
          return await this.#askServer(message, transport, server);
        } catch (error) {
          this.#options.log.debug({ server, transport, error: messageOf(error) }, 'a nameserver did not answer');
          last = error;
        }
      }
      throw last;
    } finally {
      this.#shares.release(from);
    }
  }

  async #askServer(message: Buffer, transport: Transport, server: string): Promise<Buffer> {
    const { port = 53, timeoutMs = 3000, signal } = this.#options;
    const options = { server, port, timeoutMs, signal };
    try {
      return await exchange(message, transport, options);
    } catch (error) {
      // Some home routers and user-mode networks speak UDP only; a guest that asks by TCP still gets what there is.
      if (transport === 'tcp' && !signal.aborted) return exchange(message, 'udp', options);
      throw error;
    }
  }
}
