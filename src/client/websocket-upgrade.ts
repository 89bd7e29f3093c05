import { connect, type Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { ApiFailure } from './api-failure.ts';
import { asFailure, failureIn } from './transport-failure.ts';

/** RFC 6455, 1.3. */
const handshakeGuid = '258EAFA5-E914-47DA-95CA-C5AB0DC85B11';
const headEnd = '\r\n\r\n';
const maxHeadBytes = 64 << 10;

export interface UpgradeCall {
  readonly socketPath: string;
  readonly target: string;
  /** Until the connection stands. */
  readonly signal?: AbortSignal | undefined;
}

/** A connection that speaks WebSocket frames from now on, and the bytes that came with the handshake. */
export interface UpgradedConnection {
  readonly socket: Duplex;
  readonly head: Buffer;
}

/**
 * Opens a WebSocket over a unix socket. By hand: the global WebSocket knows no unix sockets, Bun puts its own in the package
 * ws's place, and node:http and node:crypto take longer to load than a whole `hyper exec` otherwise takes.
 */
export async function upgradeToWebSocket(call: UpgradeCall): Promise<UpgradedConnection> {
  const key = base64(crypto.getRandomValues(new Uint8Array(16)));
  const accept = base64(await crypto.subtle.digest('SHA-1', Buffer.from(key + handshakeGuid)));
  const socket = connect({ path: call.socketPath });
  socket.on('error', () => undefined); // its reader at the time hears of it
  const stop = (): void => void socket.destroy(Object.assign(new Error('cancelled'), { code: 'ABORT_ERR' }));
  call.signal?.addEventListener('abort', stop, { once: true });
  try {
    if (call.signal?.aborted === true) stop();
    socket.write(
      [
        `GET ${call.target} HTTP/1.1`,
        'Host: hyper',
        'Connection: Upgrade',
        'Upgrade: websocket',
        `Sec-WebSocket-Key: ${key}`,
        'Sec-WebSocket-Version: 13',
        '',
        '',
      ].join('\r\n'),
    );
    const { status, headers, rest } = await readHead(socket);
    if (status !== 101) throw failureIn(status, (await readBody(socket, { headers, rest })).toString('utf8'));
    if (headers.get('sec-websocket-accept') !== accept) {
      throw new ApiFailure('internal', 'the daemon’s WebSocket handshake is wrong: is it hyperd that listens there?');
    }
    return { socket, head: rest };
  } catch (error) {
    socket.destroy();
    throw asFailure(error);
  } finally {
    call.signal?.removeEventListener('abort', stop);
  }
}

function base64(bytes: ArrayBuffer | Uint8Array): string {
  return Buffer.from(bytes instanceof Uint8Array ? bytes : new Uint8Array(bytes)).toString('base64');
}

interface ResponseHead {
  readonly status: number;
  /** By their names in lower case. */
  readonly headers: ReadonlyMap<string, string>;
  /** What came after it. */
  readonly rest: Buffer;
}

/** Leaves the socket paused: whoever takes it next misses nothing. */
function readHead(socket: Socket): Promise<ResponseHead> {
  return new Promise((resolve, reject) => {
    let bytes = Buffer.alloc(0);
    const done = (): void => {
      socket.pause();
      socket.off('data', onData).off('error', onError).off('close', onClose);
    };
    const onError = (error: Error): void => {
      done();
      reject(error);
    };
    const onClose = (): void => onError(Object.assign(new Error('closed'), { code: 'ECONNRESET' }));
    const onData = (chunk: Buffer): void => {
      bytes = Buffer.concat([bytes, chunk]);
      const end = bytes.indexOf(headEnd);
      if (end < 0 && bytes.length < maxHeadBytes) return;
      done();
      const head = parseHead(bytes.toString('latin1', 0, Math.max(end, 0)));
      if (head === undefined) reject(new ApiFailure('internal', 'what listens on the socket does not speak HTTP'));
      else resolve({ ...head, rest: bytes.subarray(end + headEnd.length) });
    };
    socket.on('data', onData).on('error', onError).on('close', onClose);
  });
}

function parseHead(text: string): Omit<ResponseHead, 'rest'> | undefined {
  const [first = '', ...lines] = text.split('\r\n');
  const status = /^HTTP\/1\.1 (\d{3})/.exec(first)?.[1];
  if (status === undefined) return undefined;
  const headers = lines.map((line): [string, string] => {
    const colon = line.indexOf(':');
    return [line.slice(0, colon).toLowerCase(), line.slice(colon + 1).trim()];
  });
  return { status: Number(status), headers: new Map(headers) };
}

/** A refusal's body: as long as it says, or until the connection ends where that is to come. */
async function readBody(socket: Socket, { headers, rest }: Omit<ResponseHead, 'status'>): Promise<Buffer> {
  const ends = headers.get('connection')?.toLowerCase() === 'close';
  const wanted = Number(headers.get('content-length') ?? (ends ? Infinity : 0));
  const chunks = [rest];
  let length = rest.length;
  if (length < wanted) {
    for await (const chunk of socket) {
      if (!Buffer.isBuffer(chunk)) continue;
      chunks.push(chunk);
      length += chunk.length;
      if (length >= wanted) break;
    }
  }
  return Buffer.concat(chunks);
}
