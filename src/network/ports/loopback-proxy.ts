import { connect, type Socket } from 'node:net';
import { pipeline } from 'node:stream';

/** Where a published port leads to. */
export interface GuestPort {
  readonly address: string;
  readonly port: number;
}

/**
 * Brings a connection to a published port from this host's own ::1 to the guest, for which the kernel has no way. All others
 * it leads there itself: what comes here all the same has no place to go.
 */
export function proxyLoopback(socket: Socket, guest: GuestPort | undefined): void {
  if (guest === undefined || socket.remoteAddress !== '::1') {
    socket.destroy();
    return;
  }
  const further = connect({ host: guest.address, port: guest.port, allowHalfOpen: true });
  // Each way ends by itself; what breaks one breaks the other, and nobody needs to hear of it but both ends.
  pipeline(socket, further, () => undefined);
  pipeline(further, socket, () => undefined);
}
