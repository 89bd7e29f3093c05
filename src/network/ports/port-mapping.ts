import { isIPv6 } from 'node:net';

export const protocols = ['tcp', 'udp'] as const;
export type Protocol = (typeof protocols)[number];

/** A port of this host that leads to a guest's, as it is asked for. */
export interface PortMapping {
  readonly protocol: Protocol;
  /** `0.0.0.0` for every IPv4 address of the host, `::` for every IPv6 address, `everyAddress` for both. */
  readonly hostIp: string;
  /** 0: any that is free. */
  readonly hostPort: number;
  /** One of the ports from `hostPort` to this one, the first that is free. */
  readonly hostPortLast?: number | undefined;
  readonly guestPort: number;
}

/** A mapping that stands. */
export interface PublishedPort extends Omit<PortMapping, 'hostPortLast'> {
  /** Where what is meant for the host's port arrives in hyperd's network namespace: the same, or of a tool's choice. */
  readonly arrivesAt: { readonly ip: string; readonly port: number };
}

/** Those of IPv6 only where the pod has an address of its own. */
export const everyAddress = '*';
export const everyIpv4Address = '0.0.0.0';
export const everyIpv6Address = '::';

/** `0.0.0.0:8080/tcp`, `[::]:8080/tcp`. */
export function describePort({ hostIp, hostPort, protocol }: Omit<PortMapping, 'guestPort'>): string {
  return `${isIPv6(hostIp) ? `[${hostIp}]` : hostIp}:${hostPort}/${protocol}`;
}
