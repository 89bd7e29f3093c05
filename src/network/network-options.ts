import type { Log } from '../lib/log.ts';
import type { EgressRule } from './egress.ts';

/** The addresses of one family. */
export interface SubnetDefinition {
  /** Default: IPv4's `192.168.123.0/24`; a new network's is the first, or for IPv6 one of fd00::/8, that nothing uses. */
  readonly subnet?: string | undefined;
  /** The bridge's own address; default: the first of the subnet. */
  readonly gateway?: string | undefined;
  /** The part of the subnet that addresses are handed out of; default: all of it. */
  readonly range?: string | undefined;
}

/** What a network is, with its IPv4 addresses. Every field has a default. */
export interface NetworkDefinition extends SubnetDefinition {
  /** Default: its bridge's. */
  readonly name?: string | undefined;
  /** The bridge's name, at most 15 characters; default `hyper0`. */
  readonly bridge?: string | undefined;
  /** Left out: it has no IPv6. */
  readonly ipv6?: SubnetDefinition | undefined;
  /** Default: that of the host's default route, else 1500. */
  readonly mtu?: number | undefined;
  /** Whether its guests reach nothing but each other. */
  readonly internal?: boolean | undefined;
  /** What any of its guests may reach beyond it, whatever their own rules say more; left out: everything. */
  readonly egress?: readonly EgressRule[] | undefined;
}

/** The host of a hyperd that is in a namespace of its own. */
export interface HostOutside {
  /** The namespace's, by which what comes from there arrives. */
  readonly device: string;
  /** The IPv4 addresses by which guests ask for what is on it. */
  readonly addresses: readonly string[];
  /** The address that stands for its loopback in the namespace. */
  readonly loopback: string;
}

/** What is the same for every network of a hyperd. */
export interface NetworkSettings {
  /** Whose network this is: a text that is the same at each start of a hyperd and differs between two of them (its root folder). */
  readonly owner: string;
  readonly log: Log;
  /** Left out: hyperd is in the host's own network namespace. */
  readonly hostOutside?: HostOutside | undefined;
  /** Addresses and prefixes that no guest may reach, beside clouds' metadata services. */
  readonly forbiddenDestinations?: readonly string[] | undefined;
  /** Where to ask for names that are not ours; default: the nameservers of /etc/resolv.conf, read again when it changes. */
  readonly upstreams?: (() => Promise<readonly string[]>) | undefined;
}

export interface NetworkOptions extends NetworkDefinition, NetworkSettings {}

export interface NetworkStatus {
  readonly bridge: string;
  readonly subnet: string;
  readonly state: 'up' | 'unavailable';
  /** Empty, or what is wrong and what to do. An `up` network can have one too (a host that drops what is forwarded). */
  readonly reason: string;
}

export const defaultBridge = 'hyper0';
export const defaultSubnet = '192.168.123.0/24';
