import { connect } from 'node:net';
import type { GuestConnection } from '../guest/index.ts';
import { messageOf } from '../lib/errors.ts';
import type { Log } from '../lib/log.ts';
import type { ContainerRecord, PodRecord } from '../store/index.ts';
import { firstContainer } from './supply/index.ts';

/** What a guest calls the socket that is the mount at this place of a container's: the same after a restart of hyperd. */
export function socketName({ number }: Pick<ContainerRecord, 'number'>, at: number): string {
  return number === firstContainer ? String(at) : `${number}.${at}`;
}

/** The sockets of this host that a pod was given, by what its guest calls them. */
export function socketsOf({ containers }: PodRecord): ReadonlyMap<string, string> {
  const sockets = containers.flatMap((container) =>
    container.mounts.flatMap((mount, at) =>
      mount.type === 'bind' && mount.socket ? [[socketName(container, at), mount.source] as const] : [],
    ),
  );
  return new Map(sockets);
}

/** Joins a connection of a guest's process with one to the host's socket, which is looked for anew each time. */
export function proxyConnection(connection: GuestConnection, sockets: ReturnType<typeof socketsOf>, log: Log): void {
  const path = sockets.get(connection.socket);
  if (path === undefined) {
    connection.close();
    return;
  }
  const socket = connect({ path, allowHalfOpen: true });
  connection.listen({
    data: (bytes, taken) => {
      socket.write(bytes, (error) => {
        if (error === undefined || error === null) taken();
      });
    },
    end: (taken) => socket.end(taken),
    closed: () => socket.destroy(),
  });
  socket.on('data', (bytes: Buffer) => {
    socket.pause();
    void connection.write(bytes).then(() => socket.resume());
  });
  socket.on('end', () => connection.finish());
  socket.on('error', (error) =>
    log.debug({ path, error: messageOf(error) }, 'a pod’s connection to a socket has failed'),
  );
  socket.on('close', () => connection.close());
}
