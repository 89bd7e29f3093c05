import type { Log } from '../lib/log.ts';
import type { Names } from './dns/names.ts';

/** What a network is made of. Every field but `owner` and `log` has a default. */
export interface NetworkOptions {
  /** Whose network this is: a text that is the same at each start of a hyperd and differs between two of them (its root folder). */
  readonly owner: string;
  readonly log: Log;
  /** The bridge's name, at most 15 characters; default `hyper0`. */
  readonly bridge?: string;
  /** Default `192.168.123.0/24`; the gateway is its first address. */
  readonly subnet?: string;
  /** Default: that of the host's default route, else 1500. */
  readonly mtu?: number;
  /** Addresses and prefixes that no guest may reach, beside clouds' metadata services. */
  readonly forbiddenDestinations?: readonly string[];
  /** Where to ask for names that are not ours; default: the nameservers of /etc/resolv.conf, read again when it changes. */
  readonly upstreams?: () => Promise<readonly string[]>;
  /** Names of our own: the pods'. */
  readonly names?: Names;
}

export interface NetworkStatus {
  readonly bridge: string;
  readonly subnet: string;
  readonly state: 'up' | 'unavailable';
  /** Empty, or what is wrong and what to do. An `up` network can have one too (a host that drops what is forwarded). */
  readonly reason: string;
}

export const defaultBridge = 'hyper0';
export const defaultSubnet = '192.168.123.0/24';
