import type { IncomingMessage, RequestListener, Server, ServerResponse } from 'node:http';
import { createServer } from 'node:http';
import { EventEmitter, once } from 'node:events';
import type { TinyBlob, TinyImage } from './tiny-image.ts';

/** One request to the registry, and which of its path it is (from 1). */
export interface Exchange {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  readonly path: string;
  readonly attempt: number;
}

export interface ScriptedRegistryOptions {
  /** `a/b:tag` to what it is. */
  readonly images: Readonly<Record<string, TinyImage | TinyBlob>>;
  /** More blobs and manifests, served by digest. */
  readonly blobs?: readonly TinyBlob[];
  /** Answers in the registry's place when it returns true: the faults. */
  readonly intercept?: (exchange: Exchange) => boolean;
}

/** A server on a free port of loopback that ends, with its connections, when its scope does. */
export interface TestServer extends AsyncDisposable {
  /** `127.0.0.1:PORT` */
  readonly host: string;
}

export interface ScriptedRegistry extends TestServer {
  /** What was asked so far. */
  readonly requests: readonly { readonly path: string; readonly headers: IncomingMessage['headers'] }[];
  /** Resolves once a path that ends so was asked for. */
  asked(ending: string): Promise<void>;
}

async function listen(server: Server): Promise<TestServer> {
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('a TCP server has a port');
  return {
    host: `127.0.0.1:${address.port}`,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
}

/** Any HTTP server for a test. */
export function startServer(listener: RequestListener): Promise<TestServer> {
  return listen(createServer(listener));
}

/** Sends bytes as a registry does, with or without Range. */
export function serveBytes(request: IncomingMessage, response: ServerResponse, { bytes, mediaType }: TinyBlob): void {
  const start = Number(/^bytes=(\d+)-$/.exec(request.headers.range ?? '')?.[1] ?? 0);
  const range = start === 0 ? {} : { 'content-range': `bytes ${start}-${bytes.length - 1}/${bytes.length}` };
  const length = bytes.length - start;
  response.writeHead(start === 0 ? 200 : 206, { 'content-type': mediaType, 'content-length': length, ...range });
  response.end(bytes.subarray(start));
}

function blobsOf(image: TinyImage | TinyBlob): readonly TinyBlob[] {
  return 'manifest' in image ? [image.manifest, image.config, ...image.layers] : [image];
}

/** A registry whose images and faults a test makes up. */
export async function startScriptedRegistry(options: ScriptedRegistryOptions): Promise<ScriptedRegistry> {
  const requests: { path: string; headers: IncomingMessage['headers'] }[] = [];
  const events = new EventEmitter();
  const asked = async (ending: string): Promise<void> => {
    while (!requests.some(({ path }) => path.endsWith(ending))) await once(events, 'request');
  };
  const all = [...Object.values(options.images).flatMap(blobsOf), ...(options.blobs ?? [])];
  const byDigest = new Map(all.map((blob) => [blob.digest, blob]));
  const find = (path: string): TinyBlob | undefined => {
    const [, repository = '', kind, name = ''] = /^\/v2\/(.+)\/(manifests|blobs)\/([^/]+)$/.exec(path) ?? [];
    const image = kind === 'manifests' ? options.images[`${repository}:${name}`] : undefined;
    if (image === undefined) return byDigest.get(name);
    return 'manifest' in image ? image.manifest : image;
  };
  const server = await startServer((request, response) => {
    const path = request.url ?? '';
    requests.push({ path, headers: request.headers });
    events.emit('request');
    const attempt = requests.filter((earlier) => earlier.path === path).length;
    if (options.intercept?.({ request, response, path, attempt }) === true) return;
    const blob = find(path);
    if (path === '/v2/') response.writeHead(200).end('{}');
    else if (blob !== undefined) serveBytes(request, response, blob);
    else response.writeHead(404).end(JSON.stringify({ errors: [{ code: 'UNKNOWN', message: 'unknown' }] }));
  });
  return { ...server, requests, asked, [Symbol.asyncDispose]: () => server[Symbol.asyncDispose]() };
}
