import type { Dispatcher } from 'undici';
import type { Backoff } from '../../lib/backoff.ts';
import { waitBackoff } from '../../lib/backoff.ts';
import { HyperError } from '../../lib/errors.ts';
import type { Descriptor } from '../manifest.ts';
import { isTransient, networkFailure } from './network-failure.ts';
import type { RegistrySession } from './registry-session.ts';

export interface FetchBlobOptions {
  /** Servers that may have it, the best first. */
  readonly sessions: readonly RegistrySession[];
  readonly descriptor: Descriptor;
  readonly backoff: Backoff;
  readonly signal: AbortSignal;
  readonly onRetry: (error: HyperError) => void;
}

function nameOf({ digest }: Descriptor): string {
  return `layer ${digest.slice(0, 'sha256:'.length + 12)}`;
}

/** Where in the blob a response begins. @throws HyperError `corrupt` when it is not of the size that the manifest says */
function startOf(
  response: Dispatcher.ResponseData,
  offset: number,
  { descriptor, host }: { descriptor: Descriptor; host: string },
): number {
  const { 'content-range': range, 'content-length': length } = response.headers;
  const refuse = (size: string): HyperError =>
    new HyperError('corrupt', `${nameOf(descriptor)} from ${host} has ${size} bytes, not ${descriptor.size}: refused`);
  if (response.statusCode !== 206) {
    if (response.statusCode === 416) throw refuse(`fewer than ${offset}`);
    if (typeof length === 'string' && Number(length) !== descriptor.size) throw refuse(length);
    return 0;
  }
  const [, first = '', total = ''] = /^bytes (\d+)-\d+\/(\d+|\*)$/.exec(String(range)) ?? [];
  if (total !== '*' && total !== '' && Number(total) !== descriptor.size) throw refuse(total);
  if (first === '' || Number(first) > offset) {
    throw new HyperError('unavailable', `${host} answers with another part of ${nameOf(descriptor)} than asked for`);
  }
  return Number(first);
}

/** The blob's bytes from `offset` on, as far as one connection brings them. */
async function* readFrom(
  session: RegistrySession,
  offset: number,
  { descriptor, signal }: FetchBlobOptions,
): AsyncGenerator<Uint8Array, void, undefined> {
  const headers: Record<string, string> = offset === 0 ? {} : { range: `bytes=${offset}-` };
  const response = await session.get(`blobs/${descriptor.digest}`, nameOf(descriptor), headers, signal);
  try {
    // A server that ignores Range begins anew: what is there already is skipped.
    let skip = offset - startOf(response, offset, { descriptor, host: session.host });
    for await (const chunk of response.body) {
      if (!(chunk instanceof Uint8Array)) throw new TypeError('a response is bytes');
      const skipped = Math.min(skip, chunk.length);
      skip -= skipped;
      if (skipped < chunk.length) yield chunk.subarray(skipped);
    }
  } catch (error) {
    throw networkFailure(session.host, error);
  } finally {
    // Ending a body early is an error to undici; unheard it would end the process.
    response.body.on('error', () => undefined).destroy();
  }
}

/**
 * A blob's bytes, once each and in order, over as many connections and servers as it takes. They are not verified: the
 * reader must compare the digest before it uses anything.
 *
 * @throws HyperError `corrupt` when there are more or fewer bytes than the manifest says; else what the last server said
 */
export async function* fetchBlob(options: FetchBlobOptions): AsyncGenerator<Uint8Array, void, undefined> {
  const { sessions, descriptor, backoff, signal, onRetry } = options;
  let offset = 0;
  const failures: HyperError[] = [];
  for (const session of sessions) {
    for (let failed = 0; failed < backoff.attempts;) {
      try {
        for await (const chunk of readFrom(session, offset, options)) {
          failed = 0;
          offset += chunk.length;
          if (offset > descriptor.size) {
            throw new HyperError(
              'corrupt',
              `${nameOf(descriptor)} from ${session.host} is larger than ${descriptor.size} bytes: refused`,
            );
          }
          yield chunk;
        }
        if (offset === descriptor.size) return;
        throw new HyperError(
          'unavailable',
          `${session.host} ended ${nameOf(descriptor)} at ${offset} of ${descriptor.size} bytes`,
        );
      } catch (thrown) {
        const error = networkFailure(session.host, thrown);
        if (signal.aborted || error.code === 'corrupt') throw error;
        failed++;
        const last = failed >= backoff.attempts || !isTransient(error, true);
        if (last) {
          failures.push(error);
          break;
        }
        onRetry(error);
        await waitBackoff(backoff, failed, signal);
      }
    }
  }
  const [only] = failures;
  if (failures.length === 1 && only !== undefined) throw only;
  throw new HyperError(only?.code ?? 'internal', failures.map(({ message }) => message).join('; '), { cause: only });
}
