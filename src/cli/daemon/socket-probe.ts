import { lstatSync } from 'node:fs';
import { connect } from 'node:net';

/** Whether something accepts connections on a socket. */
export function answers(path: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ path });
    socket.on('connect', () => {
      socket.destroy();
      resolve(true);
    });
    socket.on('error', () => resolve(false));
  });
}

/**
 * Whether a run folder may be trusted: in a shared /tmp anyone could have made it first. One that is not there yet may: hyperd makes
 * it, for its user alone.
 */
export function isOurs(folder: string, uid: number): boolean {
  const stat = lstatSync(folder, { throwIfNoEntry: false });
  if (stat === undefined) return true;
  return stat.isDirectory() && stat.uid === uid && (stat.mode & 0o022) === 0;
}
