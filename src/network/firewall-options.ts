import type { EgressRule } from './egress.ts';
import type { HostOutside } from './network-options.ts';

/** The network's own addresses of one family. */
export interface FirewalledSubnet {
  readonly subnet: string;
  readonly gateway: string;
}

export interface FirewallOptions extends FirewalledSubnet {
  readonly bridge: string;
  /** Null: no guest comes anywhere by it. */
  readonly ipv6: FirewalledSubnet | null;
  /** Where our DNS server listens on the IPv4 gateway; guests always ask port 53. */
  readonly dnsPort: number;
  readonly forbiddenDestinations: readonly string[];
  /** Null: hyperd is on the host itself. */
  readonly hostOutside: HostOutside | null;
  /** Guests reach nothing but each other. */
  readonly internal: boolean;
  /** What any of its guests may reach beyond it; null: everything. */
  readonly egress: readonly EgressRule[] | null;
}

/**
 * Where clouds answer a machine's own questions, its credentials among them: link-local (AWS, Google, Azure, …), Azure's
 * wire server, Alibaba's, and AWS' and Google's by IPv6.
 */
export const metadataServices = [
  ...['169.254.0.0/16', '168.63.129.16', '100.100.100.200'],
  ...['fd00:ec2::254', 'fd20:ce::254'],
] as const;

/** One table of ours per bridge in each family, so that hyperds side by side never touch each other's. */
export function tableOf(bridge: string): string {
  return `hyper_${bridge}`;
}
