import type { Dispatcher } from 'undici';
import { HyperError } from '../../lib/errors.ts';
import { networkFailure } from './network-failure.ts';

/**
 * Reads a whole response of at most `limit` bytes.
 *
 * @throws HyperError `corrupt` when there are more; what the connection throws
 */
export async function readBody(
  response: Dispatcher.ResponseData,
  limit: number,
  what: string,
  host: string,
): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let size = 0;
  try {
    for await (const chunk of response.body) {
      if (!(chunk instanceof Uint8Array)) throw new TypeError('a response is bytes');
      size += chunk.length;
      if (size > limit) throw new HyperError('corrupt', `${what} from ${host} is larger than ${limit} bytes: refused`);
      chunks.push(Buffer.from(chunk));
    }
  } catch (error) {
    throw networkFailure(host, error);
  }
  return Buffer.concat(chunks, size);
}

/** The first line of text that a server gives as the reason of an error, made safe to print; empty if there is none. */
export async function readReason(response: Dispatcher.ResponseData, host: string): Promise<string> {
  const body = await readBody(response, 65_536, 'an error', host).catch(() => Buffer.alloc(0));
  const text = body.toString('utf8');
  const message = /"(?:message|details|error)"\s*:\s*"((?:[^"\\]|\\.)*)"/.exec(text)?.[1];
  // Control characters could steer the terminal it is printed on.
  return (message ?? '').replaceAll(/[\u0000-\u001f\u007f-\u009f]+/g, ' ').slice(0, 200);
}
