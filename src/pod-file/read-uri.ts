import { Buffer } from 'node:buffer';
import { constants, type FileHandle, open } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { EnvHttpProxyAgent, fetch, type Response } from 'undici';
import { HyperError, messageOf, systemCode } from '../lib/errors.ts';

/** Gives what a URI means. @throws HyperError */
export type ReadUri = (uri: string, signal: AbortSignal) => Promise<Buffer>;

/** What contract/pod.ts lets a file have, before it is base64. */
export const maxFileBytes = ((1 << 20) / 4) * 3;

/** How long one file may take. */
const patienceMs = 30_000;

/** Reads http:, https: and file: URIs as hyperd's user, through the proxies of hyperd's environment. */
export const readUri: ReadUri = async (uri, signal) => {
  if (!URL.canParse(uri)) throw new HyperError('bad_request', `${uri} is no URI`);
  const url = new URL(uri);
  const bounded = AbortSignal.any([signal, AbortSignal.timeout(patienceMs)]);
  try {
    return url.protocol === 'file:' ? await readHostFile(url) : await download(url, bounded);
  } catch (error) {
    signal.throwIfAborted();
    if (error instanceof HyperError) throw error;
    if (bounded.aborted)
      throw new HyperError('timeout', `${uri} took longer than ${patienceMs / 1000} s`, { cause: error });
    throw new HyperError('unavailable', `${uri} cannot be read: ${reasonOf(error)}`, { cause: error });
  }
};

/** undici says "fetch failed", and why in the cause. */
const reasonOf = (error: unknown): string =>
  error instanceof Error && error.cause !== undefined ? messageOf(error.cause) : messageOf(error);

async function readHostFile(url: URL): Promise<Buffer> {
  let path: string;
  try {
    path = fileURLToPath(url);
  } catch (error) {
    throw new HyperError('bad_request', `${url.href} is no path of this host: ${messageOf(error)}`, { cause: error });
  }
  try {
    // A pipe would wait for whoever writes into it, and a device has no end.
    await using file = await open(path, constants.O_RDONLY | constants.O_NONBLOCK);
    const stat = await file.stat();
    if (!stat.isFile()) throw new HyperError('bad_request', `${path} is no file`);
    return await readAll(file, path);
  } catch (error) {
    if (systemCode(error) === 'ENOENT')
      throw new HyperError('not_found', `${path} does not exist on this host`, { cause: error });
    throw error;
  }
}

/** Of a file that may grow while it is read, or say of itself that it is empty as those of /proc do. */
async function readAll(file: FileHandle, path: string): Promise<Buffer> {
  const buffer = Buffer.alloc(maxFileBytes + 1);
  let length = 0;
  for (;;) {
    const { bytesRead } = await file.read(buffer, length, buffer.length - length, null);
    if (bytesRead === 0) return buffer.subarray(0, length);
    length += bytesRead;
    if (length > maxFileBytes) throw tooLarge(path);
  }
}

async function download(url: URL, signal: AbortSignal): Promise<Buffer> {
  const { NO_PROXY, no_proxy: small = NO_PROXY ?? '' } = process.env;
  const dispatcher = new EnvHttpProxyAgent({ noProxy: `${small},localhost,127.0.0.1,[::1]` });
  try {
    const answer = await fetch(url, { signal, dispatcher });
    if (answer.ok) return await readBody(answer, url);
    throw new HyperError('unavailable', `${url.href} cannot be read: its server answered ${answer.status}`);
  } finally {
    await dispatcher.destroy();
  }
}

async function readBody({ body }: Response, url: URL): Promise<Buffer> {
  const chunks: Uint8Array[] = [];
  let length = 0;
  for await (const chunk of body ?? []) {
    if (!(chunk instanceof Uint8Array)) continue;
    length += chunk.length;
    if (length > maxFileBytes) throw tooLarge(url.href); // leaving the loop ends the download
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}

const tooLarge = (what: string): HyperError =>
  new HyperError('bad_request', `${what} is too large: a file may have ${maxFileBytes} bytes`);
