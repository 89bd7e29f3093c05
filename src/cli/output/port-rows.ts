import type { Port } from '../../contract/index.ts';

/** `80/tcp -> 0.0.0.0:8080`, `80/tcp -> [::]:8080`, as docker's. */
export function describePort(port: Port): string {
  return `${port.guestPort}/${port.protocol} -> ${hostEnd(port)}`;
}

/** `0.0.0.0:8080`, `[::]:8080`; `any` for a port that is chosen when the pod starts. */
export function hostEnd({ hostIp, ...port }: Port): string {
  const address = hostIp.includes(':') ? `[${hostIp}]` : hostIp;
  return `${address}:${hostPortOf(port)}`;
}

function hostPortOf({ hostPort, hostPortLast }: Pick<Port, 'hostPort' | 'hostPortLast'>): string {
  if (hostPort === 0) return 'any';
  return hostPortLast === undefined ? String(hostPort) : `${hostPort}-${hostPortLast}`;
}

export interface PortRow {
  readonly Protocol: string;
  readonly HostIP: string;
  readonly HostPort: string;
  readonly ContainerPort: number;
}

export function portRow({ protocol, hostIp, guestPort, ...port }: Port): PortRow {
  return { Protocol: protocol, HostIP: hostIp, HostPort: hostPortOf(port), ContainerPort: guestPort };
}
