import { HyperError, messageOf } from '../lib/errors.ts';
import type { ConnectOptions, Endpoint, EndpointWish } from './endpoint.ts';
import { bridgesOf } from './bridge.ts';
import { isOfSameVm } from './link-names.ts';
import { freeIpv6Subnet, freeSubnet } from './free-subnet.ts';
import { tableOf } from './firewall-options.ts';
import { Network } from './network.ts';
import type { NetworkDefinition, NetworkSettings, NetworkStatus } from './network-options.ts';
import { BoundPorts, type HostPort, type HostPorts } from './ports/host-ports.ts';
import type { GuestPort } from './ports/loopback-proxy.ts';
import { describePort, type PortMapping, type PublishedPort } from './ports/port-mapping.ts';
import { reservePort } from './ports/reserve-port.ts';
import { removeNetwork } from './remove-network.ts';
import { formatSubnet, overlaps, parseSubnet, type Subnet } from './subnet.ts';
import { hasTap } from './tap.ts';
import { Upkeep } from './upkeep.ts';
import { limitTraffic, shapeTraffic, type TrafficRate } from './traffic-rate.ts';

export interface NetworksOptions extends NetworkSettings {
  /** The one that is always there. */
  readonly standard: NetworkDefinition;
  /** Those that users made. */
  readonly others?: readonly NetworkDefinition[];
  /** Default: those of the network namespace that hyperd is in. */
  readonly hostPorts?: HostPorts | undefined;
}

/** What the default network may be called beside its own name, as docker's users do. */
const standardNames = ['default', 'bridge'];
/** What `--network` means otherwise. */
export const reservedNetworks: readonly string[] = ['none', 'host'];

/**
 * Opens the networks: makes bridges, rules and DNS servers, or adopts what an earlier run left. What this machine does
 * not allow is no error here: `status()` and `connect()` say it, so that pods can still run without a NIC.
 *
 * @throws HyperError `bad_request` when the options cannot be right anywhere.
 */
export async function openNetworks(options: NetworksOptions): Promise<Networks> {
  const networks = new Networks(options);
  await networks.open();
  return networks;
}

/** All networks of a hyperd, and the ports of the host that lead to their guests. */
export class Networks {
  readonly standard: Network;
  readonly #options: NetworksOptions;
  readonly #hostPorts: HostPorts;
  readonly #all = new Map<string, Network>();
  #upkeep: Upkeep | undefined;

  constructor(options: NetworksOptions) {
    this.#options = options;
    this.#hostPorts = options.hostPorts ?? new BoundPorts((port) => this.#guestBehind(port));
    this.standard = this.#add(options.standard);
    for (const definition of options.others ?? []) this.#add(definition);
  }

  async open(): Promise<void> {
    await Promise.all([...this.list().map((network) => network.open()), this.#removeLeftOvers()]);
    this.#upkeep = new Upkeep(() => this.list(), this.#options.log);
  }

  /** What a hyperd left that died while it made a network: a bridge of ours that no record tells of. */
  async #removeLeftOvers(): Promise<void> {
    const { owner, log } = this.#options;
    const known = this.list().map(({ bridge }) => bridge);
    try {
      for (const bridge of await bridgesOf(owner)) {
        if (known.includes(bridge)) continue;
        log.warn({ bridge }, 'removing a network that no record tells of');
        await removeNetwork(bridge);
      }
    } catch (error) {
      log.debug({ error: messageOf(error) }, 'networks cannot be looked for here');
    }
  }

  /** Of the default network. */
  status(): NetworkStatus {
    return this.standard.status();
  }

  list(): readonly Network[] {
    return [...this.#all.values()];
  }

  /** @throws HyperError `not_found` */
  find(name: string): Network {
    const network = this.#all.get(name) ?? (standardNames.includes(name) ? this.standard : undefined);
    if (network === undefined) {
      throw new HyperError(
        'not_found',
        `no such network: ${name}: see 'hyper network ls', or make it with 'hyper network create'`,
      );
    }
    return network;
  }

  /**
   * Makes a network; without a subnet, of the first that nothing on this host uses, and of IPv6 likewise where it has it.
   *
   * @throws HyperError `conflict` for a name or subnet that is taken, `bad_request`, `unavailable`.
   */
  async create(definition: NetworkDefinition & { readonly name: string }): Promise<Network> {
    const taken = this.#all.has(definition.name) || [...standardNames, ...reservedNetworks].includes(definition.name);
    if (taken) {
      throw new HyperError('conflict', `the name ${definition.name} is taken: choose another, or remove that network`);
    }
    const ours = this.#subnets();
    const host = (this.#options.hostOutside?.addresses ?? []).map((address) => parseSubnet(`${address}/32`));
    const subnet = definition.subnet ?? (await freeSubnet([...ours, ...host]));
    const ipv6 = definition.ipv6 && {
      ...definition.ipv6,
      subnet: definition.ipv6.subnet ?? (await freeIpv6Subnet(ours)),
    };
    for (const text of [subnet, ...(ipv6 === undefined ? [] : [ipv6.subnet])]) {
      const wanted = parseSubnet(text);
      const other = this.#subnets().find((each) => overlaps(each, wanted));
      if (other === undefined) continue;
      const whose = formatSubnet(other) === formatSubnet(wanted) ? 'is' : `overlaps ${formatSubnet(other)}, which is`;
      throw new HyperError('conflict', `the subnet ${text} ${whose} another network's: choose another with --subnet`);
    }
    const network = this.#add({ ...definition, subnet, ipv6 });
    await network.restore([]); // no earlier run has guests on it
    await network.open();
    const { problem } = network;
    if (problem === null) return network;
    this.#all.delete(network.name);
    await network.remove().catch((error: unknown) => {
      this.#options.log.warn({ network: network.name, error: messageOf(error) }, 'something of a network is left');
    });
    throw problem;
  }

  /** @throws HyperError `conflict` while guests are on it. */
  async remove(name: string): Promise<void> {
    const network = this.find(name);
    if (network === this.standard) throw new HyperError('conflict', `${network.name} is the default network: it stays`);
    const guests = network.guests().length;
    if (guests > 0) {
      throw new HyperError('conflict', `the network ${network.name} has ${guests} running pods: stop them first`);
    }
    await network.remove();
    this.#all.delete(network.name);
  }

  async connect(
    vmId: string,
    { network, ...options }: ConnectOptions & { readonly network?: string },
  ): Promise<Endpoint> {
    const to = network === undefined ? this.standard : this.find(network);
    const endpoint = await to.connect(vmId, options);
    try {
      await shapeTraffic(endpoint.tap, endpoint.rate);
      return endpoint;
    } catch (error) {
      await to.disconnect(endpoint);
      throw error;
    }
  }

  /** Whether a NIC's network is up, and nobody has taken its tap away. */
  async isThere(endpoint: Endpoint): Promise<boolean> {
    return this.#of(endpoint).problem === null && (await hasTap(endpoint.tap));
  }

  /** Makes a NIC that is there already what a pod asks for: costs nothing but where it is to be on another network or address. */
  async assign(
    endpoint: Endpoint,
    { network, ...wish }: EndpointWish & { readonly network: string },
  ): Promise<Endpoint> {
    const [from, to] = [this.#of(endpoint), this.find(network)];
    const { address, address6, mac, hostAccess = false, egress = null, rate, whiteLists = null } = wish;
    const plain = (address ?? address6 ?? mac ?? rate?.out) === undefined;
    const asItIs = from === to && plain && !hostAccess && egress === null && whiteLists === null;
    await shapeTraffic(endpoint.tap, rate ?? {}); // before: it is the same tap, and what fails here changes nothing
    return asItIs ? to.describe(endpoint, wish) : await to.takeOver(from, endpoint, wish);
  }

  /** What others call a guest from now on. */
  rename(endpoint: Endpoint, names: readonly string[]): Endpoint {
    const { nameservers, rate } = endpoint;
    return this.#of(endpoint).describe(endpoint, { names, nameservers, rate });
  }

  /** Bounds what passes to and from a guest anew; empty: no more. */
  async limit(endpoint: Endpoint, rate: TrafficRate): Promise<Endpoint> {
    const network = this.#of(endpoint);
    await limitTraffic(tableOf(network.bridge), endpoint, rate);
    const { names, nameservers } = endpoint;
    return network.describe(endpoint, { names, nameservers, rate });
  }

  /** Opens ports of the host that lead to a guest: all of them or none. */
  async publish(endpoint: Endpoint, mappings: readonly PortMapping[]): Promise<Endpoint> {
    const reserved: PublishedPort[] = [];
    const ipv6 = endpoint.ipv6 !== null;
    try {
      const inOrder = mappings.toSorted((one, other) => freedom(one) - freedom(other));
      for (const mapping of inOrder) reserved.push(...(await reservePort(this.#hostPorts, mapping, ipv6)));
      return await this.#of(endpoint).publish(endpoint, reserved);
    } catch (error) {
      await this.#release(reserved);
      throw error;
    }
  }

  /** Leads the ports of a VM to another of its NICs: the host's stay reserved. Both NICs as they are then. */
  async movePorts(from: Endpoint, to: Endpoint): Promise<readonly [Endpoint, Endpoint]> {
    return await this.#of(to).movePorts(this.#of(from), from, to);
  }

  async unpublish(endpoint: Endpoint, ports: readonly PublishedPort[]): Promise<Endpoint> {
    const changed = await this.#of(endpoint).unpublish(endpoint, ports);
    await this.#release(ports);
    return changed;
  }

  async disconnect(endpoint: Endpoint): Promise<void> {
    try {
      await this.#all.get(endpoint.network)?.disconnect(endpoint);
    } finally {
      await this.#release(endpoint.ports);
    }
  }

  /** After a restart: see Network.restore. Ports that others have taken meanwhile still lead to the guest. */
  async restore(endpoints: readonly Endpoint[]): Promise<{ readonly missing: readonly Endpoint[] }> {
    const missing: Endpoint[] = [];
    for (const network of this.list()) {
      const own = endpoints.filter((endpoint) => endpoint.network === network.name);
      missing.push(...(await network.restore(own)).missing);
    }
    const published = endpoints.flatMap(({ ports }) => ports);
    await this.#hostPorts.keepOnly(published).catch((error: unknown) => {
      this.#options.log.warn({ error: messageOf(error) }, 'ports of the host may be left open');
    });
    for (const port of published) {
      await this.#hostPorts.resume(port).catch((error: unknown) => {
        this.#options.log.warn({ port, error: messageOf(error) }, 'a published port could not be reserved again');
      });
    }
    return { missing };
  }

  /** Stops what runs in this process; bridges, taps and rules stay. */
  async close(): Promise<void> {
    this.#upkeep?.[Symbol.dispose]();
    await Promise.all([...this.list().map((network) => network.close()), this.#hostPorts.close()]);
  }

  /** Closes all and takes away everything they made on this machine. */
  async removeAll(): Promise<void> {
    this.#upkeep?.[Symbol.dispose]();
    await Promise.all([...this.list().map((network) => network.remove()), this.#hostPorts.close()]);
  }

  /** Of all networks, be they up or not. */
  #subnets(): readonly Subnet[] {
    return this.list().flatMap(({ addresses: { subnet, ipv6 } }) => [subnet, ...(ipv6 === null ? [] : [ipv6.subnet])]);
  }

  #add(definition: NetworkDefinition): Network {
    const { owner, log, hostOutside, forbiddenDestinations, upstreams } = this.#options;
    const settings = { owner, log, hostOutside, forbiddenDestinations, upstreams };
    const network = new Network({ ...definition, ...settings }, (guest) =>
      this.list().filter((each) => each.guests().some(({ tap }) => isOfSameVm(tap, guest.tap))),
    );
    this.#all.set(network.name, network);
    return network;
  }

  /** Whom a port of the host leads to by IPv6. */
  #guestBehind(port: HostPort): GuestPort | undefined {
    const guests = this.list().flatMap((network) => network.guests());
    const [found] = guests.flatMap(({ ipv6, ports }) => {
      const own = ports.find((each) => describePort(each) === describePort(port));
      return own === undefined || ipv6 === null ? [] : { address: ipv6.address, port: own.guestPort };
    });
    return found;
  }

  /** All of them, whichever fails: the log says what is left. */
  async #release(ports: readonly PublishedPort[]): Promise<void> {
    for (const port of ports) {
      await this.#hostPorts.release(port).catch((error: unknown) => {
        this.#options.log.warn({ port, error: messageOf(error) }, 'a port of the host could not be given back');
      });
    }
  }

  #of({ network }: Endpoint): Network {
    return this.find(network);
  }
}

/** How much a mapping leaves open: what is asked for by its number is not to be taken by another's choice. */
function freedom({ hostPort, hostPortLast }: PortMapping): number {
  if (hostPort === 0) return 2;
  return hostPortLast === undefined ? 0 : 1;
}
