import { request, type ClientRequest, type IncomingMessage } from 'node:http';
import type { Readable } from 'node:stream';
import type { ApiFailure } from './api-failure.ts';
import { asFailure, failureIn } from './transport-failure.ts';

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
async function failureOf(answer: IncomingMessage): Promise<ApiFailure> {
  return failureIn(answer.statusCode ?? 0, await readText(answer));
}
