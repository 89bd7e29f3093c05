import { HyperError, messageOf } from '../lib/errors.ts';
import { ensureBridge, routeLoopback } from './bridge.ts';
import type { Gate } from './dns/gate.ts';
import { DnsServer } from './dns/server.ts';
import { fileUpstreams } from './dns/upstreams.ts';
import type { EgressRule } from './egress.ts';
import { egressGate } from './egress-gate.ts';
import type { ConnectOptions, Endpoint, EndpointWish } from './endpoint.ts';
import { type FirewalledSubnet, tableOf } from './firewall-options.ts';
import { firewallRules, removeIpv6Rules } from './firewall-rules.ts';
import { keepAddresses, releaseAddresses, takeAddresses } from './guest-addresses.ts';
import { namesIn } from './guest-names.ts';
import { admitGuests, closePorts, dismissGuest, openPorts } from './guest-rules.ts';
import { hostFirewallProblem } from './host-firewall.ts';
import { ensureForwarding, ensureIpv6Forwarding } from './ip-forward.ts';
import { checkBridgeName, checkMac, macOf, tapName } from './link-names.ts';
import { explainFailure, requireTun } from './machine-problem.ts';
import { hasIpv6 } from './net-setting.ts';
import { addressesOf, type NetworkAddresses } from './network-addresses.ts';
import { defaultBridge, type NetworkOptions, type NetworkStatus } from './network-options.ts';
import { applyRules } from './nft.ts';
import { OpenedNames } from './opened-names.ts';
import type { PublishedPort } from './ports/port-mapping.ts';
import { formatSubnet } from './subnet.ts';
import { refuseHostAddress } from './subnet-conflict.ts';
import { reclaimGuests } from './reclaim-guests.ts';
import { removeNetwork } from './remove-network.ts';
import { createTap, deleteTaps, listTaps, moveTap } from './tap.ts';
import { whatIsGone } from './what-is-gone.ts';

/** A network that is not up is tried again at a connect, but no more often than this. */
const retryAfterMs = 2000;

/** What a network has while it is up. */
interface Up {
  readonly mtu: number;
  readonly dns: DnsServer;
  /** What keeps it from being of full use, or empty. */
  readonly reason: string;
}

/** One bridge with the guests on it. Made by `Networks`. */
export class Network {
  readonly name: string;
  readonly bridge: string;
  readonly gateway: string;
  readonly internal: boolean;
  readonly addresses: NetworkAddresses;
  readonly egress: readonly EgressRule[] | null;
  readonly #options: NetworkOptions;
  readonly #networksOf: (guest: Endpoint) => readonly Network[];
  /** By their tap: those that were connected, and those of VMs that an earlier run left. */
  readonly #guests = new Map<string, Endpoint>();
  /** Whether the guests of an earlier run are known: before, no tap is a left-over. */
  #restored = false;
  readonly #openedNames: OpenedNames;
  #up: Up | undefined;
  #problem = new HyperError('unavailable', 'the network was not opened');
  #triedAt = 0;
  #opening: Promise<void> | undefined;
  /** Its bridge is there and not someone else's. */
  #ours = false;

  /**
   * @param networksOf those that the VM of a guest of this one is on
   * @throws HyperError `bad_request` when the options cannot be right anywhere.
   */
  constructor(options: NetworkOptions, networksOf: (guest: Endpoint) => readonly Network[]) {
    this.#options = options;
    this.#networksOf = networksOf;
    this.bridge = checkBridgeName(options.bridge ?? defaultBridge);
    this.name = options.name ?? this.bridge;
    this.internal = options.internal ?? false;
    this.addresses = addressesOf(options);
    this.gateway = this.addresses.gateway;
    this.egress = options.egress ?? null;
    this.#openedNames = new OpenedNames(tableOf(this.bridge));
    // Says now what is wrong in them, not at the first pod.
    this.#rules(53);
  }

  get subnet(): string {
    return formatSubnet(this.addresses.subnet);
  }

  /** Null: it has none. */
  get ipv6(): FirewalledSubnet | null {
    const { ipv6 } = this.addresses;
    return ipv6 && { subnet: formatSubnet(ipv6.subnet), gateway: ipv6.gateway };
  }

  status(): NetworkStatus {
    return {
      bridge: this.bridge,
      subnet: this.subnet,
      state: this.#up === undefined ? 'unavailable' : 'up',
      reason: this.#up === undefined ? this.#problem.message : this.#up.reason,
    };
  }

  /** Why it is not up; null when it is. */
  get problem(): HyperError | null {
    return this.#up === undefined ? this.#problem : null;
  }

  /** The guests that are on it. */
  guests(): readonly Endpoint[] {
    return [...this.#guests.values()];
  }

  /** Sets the network up; does nothing when it is. Never throws: see `status()`. */
  async open(): Promise<void> {
    if (this.#up !== undefined) return;
    this.#opening ??= this.#setUp().finally(() => (this.#opening = undefined));
    await this.#opening;
  }

  /** Makes again what somebody else has taken away of it; does nothing while it is not up. */
  async mend(): Promise<void> {
    if (this.#up === undefined) return;
    const gone = await whatIsGone(this.bridge, this.ipv6 !== null);
    if (gone.length === 0 || this.problem !== null) return;
    this.#options.log.warn(
      { network: this.name, gone },
      'somebody has taken away what the network needs: it is made again',
    );
    this.#opening ??= this.#setUp().finally(() => (this.#opening = undefined));
    await this.#opening;
  }

  /**
   * Gives a VM a NIC: a tap on the bridge, an address and its MAC. Takes two processes, side by side.
   *
   * @throws HyperError `unavailable` or `conflict` when the network is not up (the message is `status().reason`),
   *   `conflict` or `bad_request` for an address that is asked for and cannot be had.
   */
  async connect(vmId: string, options: ConnectOptions): Promise<Endpoint> {
    const { mtu } = await this.#whenUp();
    const { nic = 0 } = options;
    const tap = tapName(vmId, nic);
    if (this.#guests.has(tap)) throw new HyperError('conflict', `${vmId} has that NIC already: disconnect it first`);
    const { signal, ownerUid } = options;
    const endpoint = this.#admit({ tap, nic }, mtu, options);
    const [made, admitted] = await Promise.allSettled([
      createTap({ name: tap, bridge: this.bridge, ownerUid, mtu, signal }),
      applyRules(admitGuests(this.bridge, [endpoint]), signal),
    ]);
    if (made.status === 'fulfilled' && admitted.status === 'fulfilled') return endpoint;
    try {
      if (made.status === 'fulfilled') await deleteTaps([tap]);
      if (admitted.status === 'fulfilled') await applyRules(dismissGuest(this.bridge, endpoint));
      this.#forget(endpoint);
    } catch (error) {
      // The address stays taken: what is left of this endpoint goes at the next start.
      this.#warn(error, 'an endpoint could not be undone');
    }
    throw explainFailure(made.status === 'rejected' ? made.reason : admitted.status === 'rejected' && admitted.reason);
  }

  /**
   * Makes a NIC that has a tap already one of this network's, with another address: its VM runs on. On failure it is as
   * it was on `from`, or on neither: disconnect it then.
   */
  async takeOver(from: Network, endpoint: Endpoint, wish: EndpointWish): Promise<Endpoint> {
    const { mtu } = await this.#whenUp();
    const { tap } = endpoint;
    if (from === this) this.#guests.delete(tap); // it keeps its address until it has the other
    let taken: Endpoint;
    try {
      taken = this.#admit(endpoint, mtu, wish);
    } catch (error) {
      if (from === this) this.#guests.set(tap, endpoint);
      throw error;
    }
    try {
      await applyRules(dismissGuest(from.bridge, from.#asHere(endpoint)) + admitGuests(this.bridge, [taken]));
      if (from !== this) await moveTap(tap, this.bridge, mtu);
    } catch (error) {
      this.#forget(taken);
      from.#guests.set(tap, endpoint);
      await applyRules(dismissGuest(this.bridge, taken)).catch((left: unknown) => {
        this.#warn(left, 'rules of a guest are left');
      });
      throw error;
    }
    releaseAddresses(from.addresses, endpoint);
    if (from !== this) from.#guests.delete(tap);
    return taken;
  }

  /** What others call a guest from now on, who answers its queries, and what bounds its traffic already. */
  describe(endpoint: Endpoint, { names = [], nameservers = [], rate = {} }: EndpointWish): Endpoint {
    return this.#change(endpoint, { names, nameservers, rate });
  }

  /** Opens published ports of a guest, whose host's ports are reserved. */
  async publish(endpoint: Endpoint, ports: readonly PublishedPort[]): Promise<Endpoint> {
    await this.#whenUp();
    await applyRules(openPorts(this.bridge, this.#asHere(endpoint), ports));
    return this.#change(endpoint, { ports: [...endpoint.ports, ...ports] });
  }

  /** Leads the ports of a guest to another of its NICs, which is on this network. Both as they are then. */
  async movePorts(from: Network, before: Endpoint, after: Endpoint): Promise<readonly [Endpoint, Endpoint]> {
    await this.#whenUp();
    const { ports } = before;
    const closed = from.#up === undefined ? '' : closePorts(from.bridge, from.#asHere(before), ports);
    await applyRules(closed + openPorts(this.bridge, this.#asHere(after), ports));
    return [from.#change(before, { ports: [] }), this.#change(after, { ports: [...after.ports, ...ports] })];
  }

  async unpublish(endpoint: Endpoint, ports: readonly PublishedPort[]): Promise<Endpoint> {
    if (this.#up !== undefined) await applyRules(closePorts(this.bridge, this.#asHere(endpoint), ports));
    return this.#change(endpoint, { ports: endpoint.ports.filter((port) => !ports.includes(port)) });
  }

  /** Takes a NIC away and gives its address back. One that is gone already is fine. */
  async disconnect(endpoint: Endpoint): Promise<void> {
    await deleteTaps([endpoint.tap]); // before its rules: a guest that still runs is never without them
    // While the network is down there may be none: once it is up they are set anew.
    if (this.#up !== undefined) await applyRules(dismissGuest(this.bridge, this.#asHere(endpoint)));
    this.#forget(endpoint);
  }

  /** The taps on the bridge, whoever they belong to. */
  async listTaps(): Promise<readonly string[]> {
    return this.#up === undefined ? [] : listTaps(this.bridge);
  }

  /**
   * After a restart: takes over the endpoints of VMs that still run, removes every other tap of the bridge, and says
   * which of the endpoints have no tap any more (their VMs are dead). When the network is not up, the endpoints are kept
   * in mind, and the rest is done once it is.
   */
  async restore(endpoints: readonly Endpoint[]): Promise<{ readonly missing: readonly Endpoint[] }> {
    for (const endpoint of endpoints) this.#remember(endpoint);
    this.#restored = true;
    return { missing: this.#up === undefined ? [] : await this.#takeOver(this.#up.mtu) };
  }

  /** Stops what runs in this process: DNS. Bridge, taps and rules stay, as VMs outlive hyperd. */
  async close(): Promise<void> {
    await this.#opening;
    const up = this.#up;
    this.#problem = new HyperError('unavailable', `the network ${this.name} is closed`);
    this.#up = undefined;
    this.#triedAt = Infinity;
    await up?.dns.close();
  }

  /** Closes it and takes away everything it made on this machine: taps, bridge, rules. Nothing that is not ours. */
  async remove(): Promise<void> {
    await this.close();
    if (!this.#ours) return;
    this.#ours = false;
    await removeNetwork(this.bridge);
  }

  async #whenUp(): Promise<Up> {
    if (this.#up === undefined && Date.now() - this.#triedAt >= retryAfterMs) await this.open();
    if (this.#up === undefined) throw this.#problem;
    return this.#up;
  }

  async #setUp(): Promise<void> {
    this.#triedAt = Date.now();
    const { owner, log, upstreams = fileUpstreams(), mtu: wanted } = this.#options;
    const { bridge, gateway, internal, addresses } = this;
    let dns = this.#up?.dns; // it listens on when all else is made again
    try {
      await requireTun();
      refuseHostAddress(addresses.subnet, bridge, this.#options.hostOutside?.addresses ?? []);
      const mtu = await ensureBridge({ ...addresses, name: bridge, mtu: wanted, owner });
      this.#ours = true;
      const gate = (from: string, name: string): Gate => {
        const [guest, openedNames] = [this.#guestAt(from), this.#openedNames];
        return egressGate(name, { internal, egress: this.egress, guest, openedNames });
      };
      const upstreamsFor = (from: string): Promise<readonly string[]> => {
        const own = this.#guestAt(from)?.nameservers ?? [];
        return own.length > 0 ? Promise.resolve(own) : upstreams();
      };
      dns ??= await DnsServer.listen({
        address: gateway,
        names: (from) => namesIn(this.#networksFor(from)),
        upstreams: upstreamsFor,
        gate,
        log,
      });
      // Rules first, forwarding after: guests of an earlier run are never without a wall.
      const gone = addresses.ipv6 === null && (await hasIpv6()) ? removeIpv6Rules(bridge) : '';
      await applyRules(this.#rules(dns.port) + gone);
      await routeLoopback(bridge);
      await ensureForwarding();
      if (addresses.ipv6 !== null && !internal) await ensureIpv6Forwarding();
      if (this.#restored) await this.#takeOver(mtu);
      this.#openedNames.reset();
      this.#up = { mtu, dns, reason: await hostFirewallProblem(bridge, addresses.ipv6 !== null) };
      log.info({ network: this.name, ...this.status() }, 'the network is up');
    } catch (error) {
      await dns?.close();
      this.#up = undefined;
      this.#problem = explainFailure(error);
      this.#warn(this.#problem, 'the network is not available');
    }
  }

  /** Takes an address for a tap and keeps in mind who has it. */
  #admit({ tap, nic }: Pick<Endpoint, 'tap' | 'nic'>, mtu: number, wish: EndpointWish): Endpoint {
    const mac = wish.mac === undefined ? undefined : checkMac(wish.mac);
    const others = this.guests().filter((guest) => guest.tap !== tap);
    if (mac !== undefined && (mac === macOf(this.gateway) || others.some((guest) => guest.mac === mac))) {
      throw new HyperError('conflict', `the MAC address ${mac} is taken in the network ${this.name}: choose another`);
    }
    const taken = takeAddresses(this.addresses, wish);
    // One that keeps an address keeps its MAC: neighbours remember it for a while.
    const named = wish.address === undefined && wish.address6 !== undefined ? taken.ipv6?.address : undefined;
    const endpoint: Endpoint = {
      ...{ network: this.name, tap, nic, mac: mac ?? macOf(named ?? taken.address), ...taken },
      ...{
        prefixLength: this.addresses.subnet.prefixLength,
        gateway: this.gateway,
        mtu,
        internal: this.internal,
        dns: [this.gateway],
      },
      ...{ names: wish.names ?? [], hostAccess: wish.hostAccess ?? false },
      ...{ nameservers: wish.nameservers ?? [], egress: wish.egress ?? null, rate: wish.rate ?? {}, ports: [] },
      whiteLists: wish.whiteLists ?? null,
    };
    this.#guests.set(tap, endpoint);
    return endpoint;
  }

  #change(endpoint: Endpoint, change: Partial<Endpoint>): Endpoint {
    const changed = { ...endpoint, ...change };
    this.#guests.set(endpoint.tap, changed);
    return changed;
  }

  /** Whose names an asker is told: its own network's, and those of the others that it is on. */
  #networksFor(from: string): readonly Network[] {
    const asker = this.#guestAt(from);
    return asker === undefined ? [this] : [this, ...this.#networksOf(asker).filter((network) => network !== this)];
  }

  #guestAt(address: string): Endpoint | undefined {
    return this.guests().find((guest) => guest.address === address);
  }

  #rules(dnsPort: number): string {
    const { hostOutside = null, forbiddenDestinations = [] } = this.#options;
    return firewallRules({
      bridge: this.bridge,
      subnet: this.subnet,
      ...{ gateway: this.gateway, ipv6: this.ipv6, dnsPort },
      ...{ internal: this.internal, egress: this.egress },
      ...{ hostOutside, forbiddenDestinations },
    });
  }

  /** Tells which guests have no tap any more. */
  async #takeOver(mtu: number): Promise<readonly Endpoint[]> {
    const { log } = this.#options;
    const guests = this.guests();
    const asHere = guests.map((guest) => this.#asHere(guest));
    const gone = await reclaimGuests({ bridge: this.bridge, mtu, guests: asHere, ipv6: this.ipv6 !== null, log });
    return guests.filter(({ tap }) => gone.has(tap));
  }

  /** Its VM runs whatever is configured now: what keeps us from reserving its address keeps nothing else from going on. */
  #remember(endpoint: Endpoint): void {
    this.#guests.set(endpoint.tap, endpoint);
    try {
      keepAddresses(this.addresses, endpoint);
    } catch (error) {
      this.#warn(error, `the VM of ${endpoint.tap} has an address of another subnet: start its pod again`);
    }
  }

  /** What an endpoint of an earlier configuration is now: this network may have IPv6 no more. */
  #asHere(endpoint: Endpoint): Endpoint {
    return this.addresses.ipv6 === null ? { ...endpoint, ipv6: null } : endpoint;
  }

  #forget(endpoint: Endpoint): void {
    this.#openedNames.forget(endpoint.tap);
    releaseAddresses(this.addresses, endpoint);
    this.#guests.delete(endpoint.tap);
  }

  #warn(error: unknown, message: string): void {
    this.#options.log.warn({ network: this.name, error: messageOf(error) }, message);
  }
}
