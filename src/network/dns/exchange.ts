import { randomInt } from 'node:crypto';
import { createSocket } from 'node:dgram';
import { connect, isIPv6 } from 'node:net';
import { HyperError } from '../../lib/errors.ts';
import { frame, isAnswerTo, Unframer, withId } from './message.ts';

export type Transport = 'udp' | 'tcp';

export interface ExchangeOptions {
  readonly server: string;
  readonly port: number;
  readonly timeoutMs: number;
  readonly signal: AbortSignal;
}

/**
 * Asks one server and gives its answer under the query's own id. Each query has a socket and an id of its own, so that
 * an answer cannot be forged without guessing 32 bits (RFC 5452).
 *
 * @throws HyperError `timeout`, `unavailable` or `cancelled`.
 */
export async function exchange(message: Buffer, transport: Transport, options: ExchangeOptions): Promise<Buffer> {
  const query = withId(message, randomInt(0x10000));
  const answer = await (transport === 'udp' ? overUdp(query, options) : overTcp(query, options));
  return withId(answer, message.readUInt16BE(0));
}

function overUdp(query: Buffer, { server, port, timeoutMs, signal }: ExchangeOptions): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const socket = createSocket(isIPv6(server) ? 'udp6' : 'udp4');
    const close = (): void => {
      socket.removeAllListeners('connect'); // it may be about to be told
      socket.close();
    };
    const settle = bounded(timeoutMs, signal, server, close, resolve, reject);
    socket.on('error', (cause) => settle(unreachable(server, cause)));
    socket.on('message', (answer) => {
      if (isAnswerTo(answer, query)) settle(answer);
    });
    // Connected, so that only this server's packets arrive and a closed port is told at once.
    // By its event: a callback of connect() is also called with its failure, and then the socket is not connected.
    socket.once('connect', () => {
      socket.send(query, (error) => {
        if (error !== null) settle(unreachable(server, error));
      });
    });
    socket.connect(port, server);
  });
}

function overTcp(query: Buffer, { server, port, timeoutMs, signal }: ExchangeOptions): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const socket = connect({ host: server, port });
    const settle = bounded(timeoutMs, signal, server, () => socket.destroy(), resolve, reject);
    const unframer = new Unframer();
    socket.on('error', (cause) => settle(unreachable(server, cause)));
    socket.on('close', () => settle(unreachable(server, undefined)));
    socket.on('data', (chunk: Buffer) => {
      const answer = unframer.push(chunk).find((candidate) => isAnswerTo(candidate, query));
      if (answer !== undefined) settle(answer);
    });
    socket.write(frame(query));
  });
}

/** One outcome, whichever comes first; then the socket is closed. */
function bounded(
  timeoutMs: number,
  signal: AbortSignal,
  server: string,
  close: () => void,
  resolve: (answer: Buffer) => void,
  reject: (error: HyperError) => void,
): (outcome: Buffer | HyperError) => void {
  let settled = false;
  const settle = (outcome: Buffer | HyperError) => {
    if (settled) return;
    settled = true;
    clearTimeout(timer);
    signal.removeEventListener('abort', cancel);
    close();
    if (outcome instanceof HyperError) reject(outcome);
    else resolve(outcome);
  };
  const cancel = () => settle(new HyperError('cancelled', 'the DNS query was cancelled'));
  const timer = setTimeout(
    () => settle(new HyperError('timeout', `the nameserver ${server} has not answered in ${timeoutMs} ms`)),
    timeoutMs,
  );
  signal.addEventListener('abort', cancel, { once: true });
  if (signal.aborted) queueMicrotask(cancel);
  return settle;
}

function unreachable(server: string, cause: unknown): HyperError {
  return new HyperError('unavailable', `the nameserver ${server} is not reached: see /etc/resolv.conf`, { cause });
}
