import type { EgressRule } from './egress.ts';
import type { PublishedPort } from './ports/port-mapping.ts';
import type { TrafficRate } from './traffic-rate.ts';
import type { WhiteLists } from './white-lists.ts';

/** One NIC of a VM on a network: what QEMU and the guest agent are told. Plain data: the engine keeps it in its store. */
export interface Endpoint {
  /** The network's name. */
  readonly network: string;
  /** The tap's name on the host, at most 15 characters. QEMU opens it by name, with `vnet_hdr=on`. */
  readonly tap: string;
  /** Which NIC of the VM, from 0. */
  readonly nic: number;
  /** `02:…`, lower case. */
  readonly mac: string;
  /** The guest's IPv4 address, dotted. */
  readonly address: string;
  readonly prefixLength: number;
  readonly gateway: string;
  /** Null: its network had no IPv6 when it came there. */
  readonly ipv6: { readonly address: string; readonly prefixLength: number; readonly gateway: string } | null;
  readonly mtu: number;
  /** Whether its network has no way out. */
  readonly internal: boolean;
  /** The addresses for the guest's /etc/resolv.conf. */
  readonly dns: readonly string[];
  /** What others of its network call it. */
  readonly names: readonly string[];
  /** Whether it may reach the host by its gateway's address. */
  readonly hostAccess: boolean;
  /** Where its queries for names that are not ours go; none: where everyone's do. */
  readonly nameservers: readonly string[];
  /** What it may reach beyond its network; null: everything that others may. */
  readonly egress: readonly EgressRule[] | null;
  readonly rate: TrafficRate;
  /** Who may reach it; null: everyone. */
  readonly whiteLists: WhiteLists | null;
  readonly ports: readonly PublishedPort[];
}

/** Of a VM's NICs, in the order of its networks, the one that leads out: the first that can. */
export function mainEndpoint(endpoints: readonly Endpoint[]): Endpoint | undefined {
  return endpoints.find(({ internal }) => !internal) ?? endpoints[0];
}

/** The same for IPv6: a VM's main NIC may have none. */
export function mainIpv6Endpoint(endpoints: readonly Endpoint[]): Endpoint | undefined {
  return mainEndpoint(endpoints.filter(({ ipv6 }) => ipv6 !== null));
}

/** What a guest is on its network. */
export interface EndpointWish {
  /** The address to take instead of the next free one. */
  readonly address?: string | undefined;
  /** The same for IPv6, on a network that has it. */
  readonly address6?: string | undefined;
  /** Instead of the one that is made from the address. */
  readonly mac?: string | undefined;
  readonly names?: readonly string[] | undefined;
  readonly hostAccess?: boolean | undefined;
  readonly nameservers?: readonly string[] | undefined;
  readonly egress?: readonly EgressRule[] | null | undefined;
  readonly rate?: TrafficRate | undefined;
  readonly whiteLists?: WhiteLists | null | undefined;
}

export interface ConnectOptions extends EndpointWish {
  /** The uid QEMU runs as: only it may open the tap. */
  readonly ownerUid: number;
  /** Which NIC of the VM, from 0; default 0. */
  readonly nic?: number;
  readonly signal?: AbortSignal;
}
