import { createHash, randomBytes } from 'node:crypto';
import { request } from 'node:http';
import type { Duplex } from 'node:stream';
import { ApiFailure } from './api-failure.ts';
import { asFailure, failureOf } from './http-call.ts';

/** RFC 6455, 1.3. */
const handshakeGuid = '258EAFA5-E914-47DA-95CA-C5AB0DC85B11';

export interface UpgradeCall {
  readonly socketPath: string;
  readonly target: string;
  readonly signal?: AbortSignal | undefined;
}

/** A connection that speaks WebSocket frames from now on, and the bytes that came with the handshake. */
export interface UpgradedConnection {
  readonly socket: Duplex;
  readonly head: Buffer;
}

/**
 * Opens a WebSocket over a unix socket by an HTTP upgrade of node:http: it works in Node and in a bun binary alike, which
 * the global WebSocket (no unix sockets) and the package ws (Bun puts its own in its place) do not.
 */
export async function upgradeToWebSocket(call: UpgradeCall): Promise<UpgradedConnection> {
  const key = randomBytes(16).toString('base64');
  const expected = createHash('sha1')
    .update(key + handshakeGuid)
    .digest('base64');
  return new Promise((resolve, reject) => {
    const outgoing = request({
      socketPath: call.socketPath,
      // A connection a call: over a unix socket it costs nothing, and one that the daemon has just closed is never taken again.
      agent: false,
      path: call.target,
      headers: {
        Host: 'hyper',
        Connection: 'Upgrade',
        Upgrade: 'websocket',
        'Sec-WebSocket-Key': key,
        'Sec-WebSocket-Version': '13',
      },
      ...(call.signal === undefined ? {} : { signal: call.signal }),
    });
    outgoing.on('upgrade', (answer, socket, head) => {
      if (answer.headers['sec-websocket-accept'] === expected) {
        resolve({ socket, head });
        return;
      }
      socket.destroy();
      reject(new ApiFailure('internal', 'the daemon’s WebSocket handshake is wrong: is it hyperd that listens there?'));
    });
    outgoing.on('response', (answer) => {
      failureOf(answer).then(reject, reject);
    });
    outgoing.on('error', (error) => {
      reject(asFailure(error));
    });
    outgoing.end();
  });
}
