/** Which port of this host leads to which of a pod's. */
export interface PortPair {
  readonly guestPort: number;
  readonly hostPort: number;
  /** One of the ports from `hostPort` to this one, the first that is free. */
  readonly hostPortLast?: number;
}

/** Two ranges of one length in order; or to one port a range of the host's. undefined: they do not fit together. */
export function pairPorts(guest: readonly number[], host: readonly number[]): PortPair[] | undefined {
  const [guestPort] = guest;
  const [hostPort, ...others] = host;
  const hostPortLast = others.at(-1);
  if (guestPort !== undefined && guest.length === 1 && hostPort !== undefined && hostPortLast !== undefined) {
    return [{ guestPort, hostPort, hostPortLast }];
  }
  if (guest.length !== host.length) return undefined;
  return guest.map((port, index) => ({ guestPort: port, hostPort: host[index] ?? port }));
}
