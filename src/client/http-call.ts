import { request, type ClientRequest, type IncomingMessage } from 'node:http';
import type { Readable } from 'node:stream';
import { messageOf, systemCode } from '../lib/errors.ts';
import { ApiFailure, noDaemonMessage } from './api-failure.ts';

export interface HttpCall {
  readonly socketPath: string;
  readonly method: string;
  readonly target: string;
  /** Sent as JSON. */
  readonly body?: unknown;
  /** Sent as it is. */
  readonly upload?: Readable | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** Sends one request; resolves with the answer once its headers are there. @throws ApiFailure for a status of 400 and more. */
export async function sendCall(call: HttpCall): Promise<IncomingMessage> {
  const answer = await new Promise<IncomingMessage>((resolve, reject) => {
    const json = call.body === undefined ? undefined : JSON.stringify(call.body);
    const outgoing = request({
      socketPath: call.socketPath,
      // A connection a call: over a unix socket it costs nothing, and one that the daemon has just closed is never taken again.
      agent: false,
      method: call.method,
      path: call.target,
      headers: {
        Host: 'hyper',
        ...(json === undefined
          ? {}
          : { 'Content-Type': 'application/json', 'Content-Length': Buffer.byteLength(json) }),
        ...(call.upload === undefined ? {} : { 'Content-Type': 'application/octet-stream' }),
      },
      ...(call.signal === undefined ? {} : { signal: call.signal }),
    });
    outgoing.on('response', resolve);
    outgoing.on('error', (error) => {
      reject(asFailure(error));
    });
    if (call.upload === undefined) {
      outgoing.end(json);
    } else {
      void sendUpload(call.upload, outgoing);
    }
  });
  if ((answer.statusCode ?? 0) >= 400) throw await failureOf(answer);
  return answer;
}

/**
 * Streams the body, no faster than it is taken. By iteration: Bun 1.4's process.stdin loses its end when it is paused near it.
 * An answer may come before the upload's end; then a broken upload is the answer's business.
 */
async function sendUpload(source: Readable, outgoing: ClientRequest): Promise<void> {
  try {
    for await (const chunk of source) {
      if (outgoing.destroyed) return;
      if (!outgoing.write(chunk)) await drained(outgoing);
    }
    outgoing.end();
  } catch (error) {
    outgoing.destroy(error instanceof Error ? error : undefined);
  }
}

/** Resolves when more may be written, or nothing ever will. */
function drained(outgoing: ClientRequest): Promise<void> {
  return new Promise((resolve) => {
    const done = (): void => {
      outgoing.off('drain', done).off('close', done);
      resolve();
    };
    outgoing.on('drain', done).on('close', done);
  });
}

/** The whole body as text. */
export async function readText(answer: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  try {
    for await (const chunk of answer) if (Buffer.isBuffer(chunk)) chunks.push(chunk);
  } catch (error) {
    throw asFailure(error);
  }
  return Buffer.concat(chunks).toString('utf8');
}

/** The ApiFailure that an answer's body describes. */
export async function failureOf(answer: IncomingMessage): Promise<ApiFailure> {
  const status = answer.statusCode ?? 0;
  const text = await readText(answer);
  let body: unknown;
  try {
    body = JSON.parse(text);
  } catch {
    body = undefined; // not JSON: whoever answered is no hyperd
  }
  if (typeof body === 'object' && body !== null && 'code' in body && 'message' in body) {
    return new ApiFailure(String(body.code), String(body.message), { status });
  }
  return new ApiFailure('internal', `hyperd answered ${status}: ${text.slice(0, 200)}`, { status });
}

/** A transport error in words that say what to do. */
export function asFailure(error: unknown): ApiFailure {
  if (error instanceof ApiFailure) return error;
  switch (systemCode(error)) {
    case 'ENOENT':
    case 'ECONNREFUSED':
    case 'ENOTSOCK':
      return new ApiFailure('unavailable', noDaemonMessage, { cause: error });
    case 'EACCES':
    case 'EPERM':
      return new ApiFailure(
        'unavailable',
        'permission denied on the Hyper daemon’s socket: use your own daemon, or ask for access to this one',
        { cause: error },
      );
    case 'ABORT_ERR':
      return new ApiFailure('cancelled', 'cancelled', { cause: error });
    case 'ECONNRESET':
    case 'EPIPE':
      return new ApiFailure('unavailable', "lost the connection to the Hyper daemon: see 'hyper info'", {
        cause: error,
      });
    default:
      return new ApiFailure('internal', messageOf(error), { cause: error });
  }
}
