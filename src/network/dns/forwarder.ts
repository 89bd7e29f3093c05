import { HyperError, messageOf } from '../../lib/errors.ts';
import type { Log } from '../../lib/log.ts';
import { exchange, type Transport } from './exchange.ts';

export interface ForwarderOptions {
  readonly upstreams: () => Promise<readonly string[]>;
  /** Not asked, or we would ask ourselves. */
  readonly self: string;
  readonly log: Log;
  readonly signal: AbortSignal;
  /** Default 53. */
  readonly port?: number;
  /** How long one server may take; default 3 s. A guest's resolver waits 5 s by default. */
  readonly timeoutMs?: number;
  /** How many queries may be under way at once; default 256. */
  readonly maxPending?: number;
}

/** Asks the upstream nameservers, one after the other until one answers. */
export class Forwarder {
  readonly #options: ForwarderOptions;
  #pending = 0;

  constructor(options: ForwarderOptions) {
    this.#options = options;
  }

  /** @throws HyperError `unavailable` when none answers or too much is under way. */
  async ask(message: Buffer, transport: Transport): Promise<Buffer> {
    const { maxPending = 256, self } = this.#options;
    if (this.#pending >= maxPending) {
      throw new HyperError('unavailable', `more than ${maxPending} DNS queries are under way: try again`);
    }
    this.#pending += 1;
    try {
      const servers = (await this.#options.upstreams()).filter((server) => server !== self);
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
      this.#pending -= 1;
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
