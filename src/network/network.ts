import { HyperError, messageOf } from '../lib/errors.ts';
import { AddressPool } from './address-pool.ts';
import { deleteBridge, ensureBridge } from './bridge.ts';
import { noNames } from './dns/names.ts';
import { DnsServer } from './dns/server.ts';
import { fileUpstreams } from './dns/upstreams.ts';
import type { ConnectOptions, Endpoint } from './endpoint.ts';
import { admitGuests, dismissGuest, firewallRules, removeRules, resetGuests } from './firewall-rules.ts';
import { hostFirewallProblem } from './host-firewall.ts';
import { ensureForwarding } from './ip-forward.ts';
import { checkBridgeName, macOf, tapName } from './link-names.ts';
import { explainFailure, requireTun } from './machine-problem.ts';
import { defaultBridge, defaultSubnet, type NetworkOptions, type NetworkStatus } from './network-options.ts';
import { applyRules } from './nft.ts';
import { formatAddress, formatSubnet, gatewayOf, parseSubnet, type Subnet } from './subnet.ts';
import { createTap, deleteTaps, listTaps } from './tap.ts';

/** A network that is not up is tried again at a connect, but no more often than this. */
const retryAfterMs = 2000;

/**
 * Opens a network: makes its bridge, rules and DNS server, or adopts what an earlier run left. What this machine does
 * not allow is no error here: `status()` and `connect()` say it, so that pods can still run without a NIC.
 *
 * @throws HyperError `bad_request` when the options cannot be right anywhere.
 */
export async function openNetwork(options: NetworkOptions): Promise<Network> {
  const network = new Network(options);
  await network.open();
  return network;
}

/** What a network has while it is up. */
interface Up {
  readonly mtu: number;
  readonly dns: DnsServer;
  /** What keeps it from being of full use, or empty. */
  readonly reason: string;
}

/** One bridge with the guests on it. Made by `openNetwork`. */
export class Network {
  readonly bridge: string;
  readonly #options: NetworkOptions;
  readonly #subnet: Subnet;
  readonly #gateway: string;
  readonly #addresses: AddressPool;
  /** By their tap: those that were connected, and those of VMs that an earlier run left. */
  readonly #guests = new Map<string, Endpoint>();
  /** Whether the guests of an earlier run are known: before, no tap is a left-over. */
  #restored = false;
  #up: Up | undefined;
  #problem = new HyperError('unavailable', 'the network was not opened');
  #triedAt = 0;
  #opening: Promise<void> | undefined;

  constructor(options: NetworkOptions) {
    this.#options = options;
    this.bridge = checkBridgeName(options.bridge ?? defaultBridge);
    this.#subnet = parseSubnet(options.subnet ?? defaultSubnet);
    if (this.#subnet.prefixLength < 8 || this.#subnet.prefixLength > 29) {
      throw new HyperError('bad_request', `${formatSubnet(this.#subnet)} is no size for a network: use a /8 to /29`);
    }
    this.#gateway = formatAddress(gatewayOf(this.#subnet));
    this.#addresses = new AddressPool(this.#subnet);
    // Says now what is wrong in them, not at the first pod.
    this.#rules(53);
  }

  status(): NetworkStatus {
    return {
      bridge: this.bridge,
      subnet: formatSubnet(this.#subnet),
      state: this.#up === undefined ? 'unavailable' : 'up',
      reason: this.#up === undefined ? this.#problem.message : this.#up.reason,
    };
  }

  /** Sets the network up; does nothing when it is. Never throws: see `status()`. */
  async open(): Promise<void> {
    if (this.#up !== undefined) return;
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
    if (this.#up === undefined && Date.now() - this.#triedAt >= retryAfterMs) await this.open();
    if (this.#up === undefined) throw this.#problem;
    const tap = tapName(vmId, options.nic ?? 0);
    if (this.#guests.has(tap)) throw new HyperError('conflict', `${vmId} has that NIC already: disconnect it first`);
    const address = this.#takeAddress(options.address);
    const { bridge } = this;
    const { mtu } = this.#up;
    const { signal, ownerUid } = options;
    const endpoint: Endpoint = {
      network: bridge,
      tap,
      mac: macOf(address),
      address,
      prefixLength: this.#subnet.prefixLength,
      gateway: this.#gateway,
      mtu,
      dns: [this.#gateway],
    };
    this.#guests.set(tap, endpoint);
    const [made, admitted] = await Promise.allSettled([
      createTap({ name: tap, bridge, ownerUid, mtu, signal }),
      applyRules(admitGuests(bridge, [endpoint]), signal),
    ]);
    if (made.status === 'fulfilled' && admitted.status === 'fulfilled') return endpoint;
    try {
      if (made.status === 'fulfilled') await deleteTaps([tap]);
      if (admitted.status === 'fulfilled') await applyRules(dismissGuest(bridge, endpoint));
      this.#forget(endpoint);
    } catch (error) {
      // The address stays taken: what is left of this endpoint goes at the next start.
      this.#warn(error, 'an endpoint could not be undone');
    }
    throw explainFailure(made.status === 'rejected' ? made.reason : admitted.status === 'rejected' && admitted.reason);
  }

  /** Takes a NIC away and gives its address back. One that is gone already is fine. */
  async disconnect(endpoint: Endpoint): Promise<void> {
    // While the network is down there may be no rules: once it is up they are set anew.
    const dismissed = this.#up === undefined ? undefined : applyRules(dismissGuest(this.bridge, endpoint));
    await Promise.all([deleteTaps([endpoint.tap]), dismissed]);
    this.#forget(endpoint);
  }

  /** Keeps an address from being handed out. @throws HyperError `conflict` when it is taken, `bad_request` when not ours. */
  reserve(address: string): void {
    this.#addresses.reserve(address);
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
    return { missing: this.#up === undefined ? [] : await this.#takeOver() };
  }

  /** Stops what runs in this process: DNS. Bridge, taps and rules stay, as VMs outlive hyperd. */
  async close(): Promise<void> {
    await this.#opening;
    const up = this.#up;
    this.#problem = new HyperError('unavailable', `the network ${this.bridge} is closed`);
    this.#up = undefined;
    this.#triedAt = Infinity;
    await up?.dns.close();
  }

  /** Closes it and takes away everything it made on this machine: taps, bridge, rules. Nothing that is not ours. */
  async remove(): Promise<void> {
    const mine = this.#up !== undefined;
    await this.close();
    if (!mine) return;
    await deleteTaps(await listTaps(this.bridge));
    await deleteBridge(this.bridge);
    await applyRules(removeRules(this.bridge));
  }

  async #setUp(): Promise<void> {
    this.#triedAt = Date.now();
    const { owner, log, names = noNames, upstreams = fileUpstreams() } = this.#options;
    let dns: DnsServer | undefined;
    try {
      await requireTun();
      const mtu = await ensureBridge({ name: this.bridge, subnet: this.#subnet, mtu: this.#options.mtu, owner });
      dns = await DnsServer.listen({ address: this.#gateway, subnet: this.#subnet, names, upstreams, log });
      // Rules first, forwarding after: guests of an earlier run are never without a wall.
      await applyRules(this.#rules(dns.port));
      await ensureForwarding();
      if (this.#restored) await this.#takeOver();
      this.#up = { mtu, dns, reason: await hostFirewallProblem(this.bridge) };
      log.info({ ...this.status() }, 'the network is up');
    } catch (error) {
      await dns?.close();
      this.#problem = explainFailure(error);
      this.#warn(this.#problem, 'the network is not available');
    }
  }

  #rules(dnsPort: number): string {
    return firewallRules({
      bridge: this.bridge,
      subnet: formatSubnet(this.#subnet),
      gateway: this.#gateway,
      dnsPort,
      forbiddenDestinations: this.#options.forbiddenDestinations ?? [],
    });
  }

  /** Removes the taps that no guest has, lets the guests that have theirs through, and tells which have none. */
  async #takeOver(): Promise<readonly Endpoint[]> {
    const taps = new Set(await listTaps(this.bridge));
    const guests = [...this.#guests.values()];
    const found = guests.filter(({ tap }) => taps.delete(tap));
    if (taps.size > 0) this.#options.log.info({ bridge: this.bridge, taps: [...taps] }, 'left-over taps are removed');
    await Promise.all([deleteTaps([...taps]), applyRules(resetGuests(this.bridge, found))]);
    return guests.filter((guest) => !found.includes(guest));
  }

  /** Its VM runs whatever is configured now: what keeps us from reserving its address keeps nothing else from going on. */
  #remember(endpoint: Endpoint): void {
    this.#guests.set(endpoint.tap, endpoint);
    try {
      if (!this.#addresses.has(endpoint.address)) this.#addresses.reserve(endpoint.address);
    } catch (error) {
      this.#warn(error, `the VM of ${endpoint.tap} has an address of another subnet: start its pod again`);
    }
  }

  #forget({ address, tap }: Endpoint): void {
    this.#addresses.release(address);
    this.#guests.delete(tap);
  }

  #takeAddress(wanted: string | undefined): string {
    if (wanted === undefined) return this.#addresses.take();
    this.#addresses.reserve(wanted);
    return wanted;
  }

  #warn(error: unknown, message: string): void {
    this.#options.log.warn({ bridge: this.bridge, error: messageOf(error) }, message);
  }
}
