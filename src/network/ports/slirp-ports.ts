import { connect, isIPv6 } from 'node:net';
import { randomInt } from 'node:crypto';
import { text } from 'node:stream/consumers';
import { z } from 'zod';
import { HyperError, messageOf } from '../../lib/errors.ts';
import { BoundPorts, type HostPorts } from './host-ports.ts';
import { isTaken } from './is-taken.ts';
import { describePort, type PortMapping, type PublishedPort } from './port-mapping.ts';

export interface SlirpPortsOptions {
  /** slirp4netns' API socket (`--api-socket`); null where another tool, or none, joins the namespace to the host. */
  readonly socket: string | null;
  /** slirp4netns' guest: where what comes from the host's ports arrives in the namespace. */
  readonly address: string;
}

/** net.ipv4.ip_local_port_range's default: what a host gives to who asks for any port. */
const anyPort = { first: 32_768, last: 60_999 } as const;
const attempts = 20;
const answerMs = 5000;

/** A list comes without the `return` that its manual shows (1.2.0). */
const Answer = z.object({
  return: z.object({ entries: z.array(z.unknown()).optional() }).optional(),
  entries: z.array(z.unknown()).optional(),
  error: z.object({ desc: z.string() }).optional(),
});
const Entry = z.object({
  id: z.number(),
  proto: z.string(),
  host_addr: z.string(),
  host_port: z.number(),
  guest_port: z.number(),
});
type Entry = z.infer<typeof Entry>;

/**
 * The host's ports as a hyperd in a namespace of its own has them: slirp4netns, which is outside, listens. It outlives
 * hyperd, and the ports with it.
 */
export class SlirpPorts implements HostPorts {
  readonly #options: SlirpPortsOptions;
  readonly ipv6 = false;
  /** Of the namespace: two ports of the host may have one number on two addresses. */
  readonly #inside = new BoundPorts();

  constructor(options: SlirpPortsOptions) {
    this.#options = options;
  }

  async reserve(mapping: PortMapping): Promise<PublishedPort> {
    if (isIPv6(mapping.hostIp)) {
      const why = "an ordinary user's ports are published on IPv4 addresses alone (slirp4netns)";
      throw new HyperError(
        'unavailable',
        `the port ${describePort(mapping)} cannot be had: ${why}: leave out ${mapping.hostIp}`,
      );
    }
    const inside = await this.#inside.reserve({ ...mapping, hostIp: this.#options.address, hostPort: 0 });
    try {
      const hostPort = await this.#forward(mapping, inside.hostPort);
      return { ...mapping, hostPort, arrivesAt: { ip: this.#options.address, port: inside.hostPort } };
    } catch (error) {
      await this.#inside.release(inside);
      throw error;
    }
  }

  /** hyperd may have been killed between slirp4netns' answer and its own record. */
  async keepOnly(ports: readonly PublishedPort[]): Promise<void> {
    if (this.#options.socket === null) return;
    for (const entry of await this.#entries()) {
      const known = ports.some((port) => leadsTo(entry, port) && entry.guest_port === port.arrivesAt.port);
      if (!known) await this.#ask('remove_hostfwd', { id: entry.id });
    }
  }

  async resume(port: PublishedPort): Promise<void> {
    await this.#inside.resume(this.#insideOf(port));
    // Of a tool that was started anew since it has to be told again.
    if ((await this.#entryOf(port)) === undefined) await this.#add(port, port.hostPort, port.arrivesAt.port);
  }

  async release(port: PublishedPort): Promise<void> {
    const entry = await this.#entryOf(port);
    if (entry !== undefined) await this.#ask('remove_hostfwd', { id: entry.id });
    await this.#inside.release(this.#insideOf(port)); // last: what leads there must not lead to another's
  }

  async close(): Promise<void> {
    await this.#inside.close();
  }

  #insideOf(port: PublishedPort): PublishedPort {
    return { ...port, hostIp: port.arrivesAt.ip, hostPort: port.arrivesAt.port };
  }

  async #forward(mapping: PortMapping, inside: number): Promise<number> {
    if (mapping.hostPort !== 0) {
      await this.#add(mapping, mapping.hostPort, inside);
      return mapping.hostPort;
    }
    for (let attempt = 1; ; attempt++) {
      const port = randomInt(anyPort.first, anyPort.last + 1);
      try {
        await this.#add(mapping, port, inside);
        return port;
      } catch (error) {
        if (attempt === attempts || !isTaken(error)) throw error;
      }
    }
  }

  async #add({ protocol, hostIp }: PortMapping, hostPort: number, inside: number): Promise<void> {
    try {
      await this.#ask('add_hostfwd', {
        ...{ proto: protocol, host_addr: hostIp, host_port: hostPort },
        ...{ guest_addr: this.#options.address, guest_port: inside },
      });
    } catch (cause) {
      if (!isTaken(cause)) throw cause;
      const port = describePort({ protocol, hostIp, hostPort });
      const why = hostPort < 1024 ? 'ports below 1024 are not for ordinary users' : 'it is taken, or not of this host';
      throw new HyperError('conflict', `the port ${port} cannot be had (${why}): publish another`, { cause });
    }
  }

  async #entries(): Promise<readonly Entry[]> {
    return (await this.#ask('list_hostfwd', {})).flatMap((entry) => Entry.safeParse(entry).data ?? []);
  }

  async #entryOf(port: PublishedPort): Promise<Entry | undefined> {
    return (await this.#entries()).find((entry) => leadsTo(entry, port));
  }

  /** One request a connection, ended by half of it closing (slirp4netns(1), API SOCKET). */
  async #ask(execute: string, args: object): Promise<readonly unknown[]> {
    const { socket: path } = this.#options;
    if (path === null) {
      const todo = 'install slirp4netns, stop your pods, end hyperd and the processes of its namespaces';
      throw new HyperError(
        'unavailable',
        `an ordinary user's ports are published by slirp4netns, which does not run: ${todo}`,
      );
    }
    const socket = connect({ path, timeout: answerMs });
    socket.once('timeout', () => socket.destroy(new Error('no answer')));
    socket.end(JSON.stringify({ execute, arguments: args }));
    let said: string;
    try {
      said = await text(socket);
    } catch (cause) {
      throw new HyperError('unavailable', `slirp4netns does not answer: ${messageOf(cause)}`, { cause });
    }
    const answer = Answer.parse(JSON.parse(said));
    if (answer.error !== undefined) throw new HyperError('conflict', answer.error.desc);
    return answer.entries ?? answer.return?.entries ?? [];
  }
}

/** Whether it is the port of the host. */
function leadsTo({ proto, host_addr, host_port }: Entry, { protocol, hostIp, hostPort }: PublishedPort): boolean {
  return proto === protocol && host_addr === hostIp && host_port === hostPort;
}
