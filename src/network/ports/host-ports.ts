import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { createServer, isIPv6, type Server, type Socket } from 'node:net';
import { HyperError, messageOf, systemCode } from '../../lib/errors.ts';
import { LoopbackDatagrams } from './loopback-datagrams.ts';
import { type GuestPort, proxyLoopback } from './loopback-proxy.ts';
import { describePort, type PortMapping, type PublishedPort } from './port-mapping.ts';

/** Ports of the host that are ours while pods have them. */
export interface HostPorts {
  /** Whether those of the host's IPv6 addresses can be had. */
  readonly ipv6: boolean;
  /**
   * Takes a port; with 0 any that is free.
   *
   * @throws HyperError `conflict` when something else has it, `unavailable` where no port can be had.
   */
  reserve(mapping: PortMapping): Promise<PublishedPort>;
  /** After a restart, before all else: gives back what an earlier hyperd took and no record tells of. */
  keepOnly(ports: readonly PublishedPort[]): Promise<void>;
  /** After a restart: goes on with one that an earlier hyperd had reserved. */
  resume(port: PublishedPort): Promise<void>;
  release(port: PublishedPort): Promise<void>;
  close(): Promise<void>;
}

/** A port of this host. */
export type HostPort = Omit<PortMapping, 'guestPort'>;
export type GuestBehind = (port: HostPort) => GuestPort | undefined;

interface Held {
  readonly port: number;
  close(): Promise<void>;
}

/**
 * The ports of the network namespace that hyperd is in. Each is bound while it is published, though packets never come
 * so far: nobody else takes it, and one that is taken is refused.
 */
export class BoundPorts implements HostPorts {
  readonly ipv6 = true;
  readonly #guestBehind: GuestBehind;
  readonly #held = new Map<string, Held>();

  /** @param guestBehind whom a port leads to now, for connections that the kernel does not lead there */
  constructor(guestBehind: GuestBehind = () => undefined) {
    this.#guestBehind = guestBehind;
  }

  async reserve(mapping: PortMapping): Promise<PublishedPort> {
    const held = await bind(mapping, this.#guestBehind);
    const port = { ...mapping, hostPort: held.port, arrivesAt: { ip: mapping.hostIp, port: held.port } };
    this.#held.set(describePort(port), held);
    return port;
  }

  /** What a process had bound is free when it has gone. */
  keepOnly(): Promise<void> {
    return Promise.resolve();
  }

  async resume(port: PublishedPort): Promise<void> {
    const held = await bind(port, this.#guestBehind);
    this.#held.set(describePort(port), held);
  }

  async release(port: PublishedPort): Promise<void> {
    const held = this.#held.get(describePort(port));
    this.#held.delete(describePort(port));
    await held?.close();
  }

  async close(): Promise<void> {
    const all = [...this.#held.values()];
    this.#held.clear();
    await Promise.all(all.map((held) => held.close()));
  }
}

const ignore = (): void => undefined;

async function bind(mapping: HostPort, guestBehind: GuestBehind): Promise<Held> {
  try {
    return mapping.protocol === 'tcp' ? await bindTcp(mapping, guestBehind) : await bindUdp(mapping, guestBehind);
  } catch (error) {
    throw bindFailure(mapping, error);
  }
}

async function bindTcp({ hostIp, hostPort, protocol }: HostPort, guestBehind: GuestBehind): Promise<Held> {
  const connections = new Set<Socket>();
  const portOf = (bound: ReturnType<Server['address']>): number =>
    typeof bound === 'object' && bound !== null ? bound.port : hostPort;
  const server = createServer({ allowHalfOpen: true }, (socket) => {
    connections.add(socket.once('close', () => connections.delete(socket)));
    proxyLoopback(socket, guestBehind({ hostIp, hostPort: portOf(server.address()), protocol }));
  });
  server.on('error', ignore); // of one connection, when this process has no descriptor left
  server.listen({ host: hostIp, port: hostPort, exclusive: true, ipv6Only: isIPv6(hostIp) });
  await once(server, 'listening');
  return {
    port: portOf(server.address()),
    close: async () => {
      const closed = new Promise<void>((resolve) => server.close(() => resolve()));
      for (const socket of connections) socket.destroy();
      await closed;
    },
  };
}

async function bindUdp({ hostIp, hostPort, protocol }: HostPort, guestBehind: GuestBehind): Promise<Held> {
  const socket = createSocket(isIPv6(hostIp) ? { type: 'udp6', ipv6Only: true } : { type: 'udp4' });
  socket.on('error', ignore); // as lost on the way
  try {
    socket.bind({ address: hostIp, port: hostPort, exclusive: true });
    await once(socket, 'listening');
  } catch (error) {
    socket.close();
    throw error;
  }
  const { port } = socket.address();
  const proxy = new LoopbackDatagrams(socket, () => guestBehind({ hostIp, hostPort: port, protocol }));
  return {
    port,
    close: async () => {
      proxy.close();
      await new Promise<void>((resolve) => socket.close(() => resolve()));
    },
  };
}

function bindFailure(mapping: HostPort, cause: unknown): HyperError {
  const port = describePort(mapping);
  switch (systemCode(cause)) {
    case 'EADDRINUSE':
      return new HyperError('conflict', `the port ${port} is taken on this host: publish another`, { cause });
    case 'EADDRNOTAVAIL':
      return new HyperError('bad_request', `${mapping.hostIp} is no address of this host: publish on another`, {
        cause,
      });
    case 'EACCES':
      return new HyperError('unavailable', `the port ${port} may not be taken by this user: publish another`, {
        cause,
      });
    default:
      return new HyperError('unavailable', `the port ${port} cannot be published: ${messageOf(cause)}`, { cause });
  }
}
