import { createSocket, type RemoteInfo, type Socket } from 'node:dgram';
import type { GuestPort } from './loopback-proxy.ts';

/** How long a client may be silent before its datagrams are those of a new one; as long as the kernel remembers others (nf_conntrack_udp_timeout_stream). */
const idleMs = 120_000;
/** Clients at once; who has been silent longest makes room. */
const maxClients = 1024;

interface Client {
  readonly further: Socket;
  silence: NodeJS.Timeout;
}

/**
 * Brings datagrams for a published port from this host's own ::1 to the guest, and its answers back, for which the kernel
 * has no way. All others it leads there itself: what comes here all the same has no place to go.
 */
export class LoopbackDatagrams {
  readonly #socket: Socket;
  readonly #guest: () => GuestPort | undefined;
  /** By their ports, the one that was silent longest first. */
  readonly #clients = new Map<number, Client>();

  /** @param guest whom the port leads to now */
  constructor(socket: Socket, guest: () => GuestPort | undefined) {
    this.#socket = socket;
    this.#guest = guest;
    socket.on('message', (data, from) => this.#toGuest(data, from));
  }

  close(): void {
    for (const port of [...this.#clients.keys()]) this.#forget(port);
  }

  #toGuest(data: Buffer, { address, port }: RemoteInfo): void {
    const guest = this.#guest();
    if (guest === undefined || address !== '::1' || port === 0) return;
    const client = this.#clients.get(port) ?? this.#newClient(port);
    this.#clients.delete(port);
    this.#clients.set(port, client);
    client.silence.refresh();
    client.further.send(data, guest.port, guest.address);
  }

  #newClient(port: number): Client {
    const [silent] = this.#clients.keys();
    if (silent !== undefined && this.#clients.size >= maxClients) this.#forget(silent);
    const further = createSocket('udp6');
    further.on('error', () => this.#forget(port)); // as lost on the way: UDP tells nobody
    further.on('message', (data, from) => {
      const guest = this.#guest();
      if (guest === undefined || from.address !== guest.address || from.port !== guest.port) return;
      this.#clients.get(port)?.silence.refresh();
      this.#socket.send(data, port, '::1');
    });
    return { further, silence: setTimeout(() => this.#forget(port), idleMs).unref() };
  }

  #forget(port: number): void {
    const client = this.#clients.get(port);
    this.#clients.delete(port);
    if (client === undefined) return;
    clearTimeout(client.silence);
    client.further.close();
  }
}
