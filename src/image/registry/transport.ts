import { lookup as systemLookup } from 'node:dns';
import type { LookupFunction } from 'node:net';
import { isIP } from 'node:net';
import type { SecureContext } from 'node:tls';
import { checkServerIdentity } from 'node:tls';
import type { Dispatcher } from 'undici';
import { Agent, buildConnector, ProxyAgent } from 'undici';
import type { ImageStoreConfig } from '../config.ts';
import { isListedInsecure, isLoopback } from './insecure-hosts.ts';
import { networkFailure } from './network-failure.ts';
import { proxyFor } from './proxy.ts';
import type { RegistryTls } from './tls-contexts.ts';
import { TlsContexts } from './tls-contexts.ts';

export interface TransportRequest {
  readonly method?: 'GET' | 'POST';
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: string;
  readonly signal: AbortSignal;
}

interface TlsOptions {
  readonly secureContext: SecureContext;
  readonly rejectUnauthorized: boolean;
  readonly checkServerIdentity: typeof checkServerIdentity;
}

const defaultIdleTimeoutMs = 30_000;
const connectTimeoutMs = 10_000;

/** The system's resolver, its answers passed through `mapAddress`. */
function mappingLookup(mapAddress: (address: string) => string): LookupFunction {
  return (hostname, options, done) => {
    systemLookup(hostname, { ...options, all: true }, (error, addresses) => {
      const mapped = error ? [] : addresses.map(({ address }) => mapAddress(address));
      const found = mapped.map((address) => ({ address, family: isIP(address) }));
      const [first] = found;
      if (error !== null || options.all === true || first === undefined) done(error, found);
      else done(null, first.address, first.family);
    });
  };
}

/** HTTP to registries: one pool of connections per origin, with that origin's certificates and proxy. */
export class Transport implements AsyncDisposable {
  readonly #config: ImageStoreConfig;
  readonly #contexts: TlsContexts;
  readonly #dispatchers = new Map<string, Promise<Dispatcher>>();

  constructor(config: ImageStoreConfig) {
    this.#config = config;
    this.#contexts = new TlsContexts(config);
  }

  /**
   * Sends one request; redirects are left to the caller. The caller must read or dump the body.
   *
   * @throws HyperError `unavailable`, `timeout` or `cancelled`
   */
  async request(
    url: URL,
    { method = 'GET', headers, body, signal }: TransportRequest,
  ): Promise<Dispatcher.ResponseData> {
    const idleMs = this.#config.idleTimeoutMs ?? defaultIdleTimeoutMs;
    try {
      return await (
        await this.#dispatcher(url)
      ).request({
        origin: url.origin,
        path: url.pathname + url.search,
        method,
        headers: { 'user-agent': 'hyper/2', ...headers },
        ...(body === undefined ? {} : { body }),
        signal,
        headersTimeout: idleMs,
        bodyTimeout: idleMs,
      });
    } catch (error) {
      throw networkFailure(url.host, error);
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const dispatchers = await Promise.allSettled(this.#dispatchers.values());
    for (const result of dispatchers) {
      if (result.status === 'fulfilled') await result.value.destroy();
    }
  }

  #dispatcher(url: URL): Promise<Dispatcher> {
    const known = this.#dispatchers.get(url.origin);
    if (known !== undefined) return known;
    const made = this.#makeDispatcher(url);
    this.#dispatchers.set(url.origin, made);
    // A certificate that cannot be read is read again next time.
    made.catch(() => this.#dispatchers.delete(url.origin));
    return made;
  }

  async #makeDispatcher(url: URL): Promise<Dispatcher> {
    const { environment = {} } = this.#config;
    const tls = url.protocol === 'https:' ? await this.#contexts.for(url.host) : undefined;
    const requestTls = { ...this.#lookup(), ...(tls === undefined ? {} : this.#tlsOptions(url, tls)) };
    const proxy = proxyFor(url, environment);
    if (proxy !== undefined) {
      proxy.hostname = this.#mapHostname(proxy.hostname);
      const proxyTls = { ...this.#lookup(), timeout: connectTimeoutMs };
      return new ProxyAgent({ uri: proxy.href, requestTls, proxyTls, allowH2: false });
    }
    const connect = buildConnector({ ...requestTls, timeout: connectTimeoutMs, allowH2: false });
    return new Agent({
      connect: (options, done) => connect({ ...options, hostname: this.#mapHostname(options.hostname) }, done),
      allowH2: false,
    });
  }

  #tlsOptions(url: URL, { context, ownForHost }: RegistryTls): TlsOptions {
    const listed = isListedInsecure(url.host, this.#config.insecureRegistries ?? []);
    return {
      secureContext: context,
      // As Docker: nobody need vouch for a registry on this machine, unless an authority was named for it.
      rejectUnauthorized: !listed && !(isLoopback(url.host) && !ownForHost),
      // The certificate is for the registry's name, not for the address that it was mapped to.
      checkServerIdentity: (_mapped, certificate) =>
        checkServerIdentity(url.hostname.replace(/^\[|\]$/g, ''), certificate),
    };
  }

  #lookup(): { readonly lookup?: LookupFunction } {
    return this.#config.mapAddress === undefined ? {} : { lookup: mappingLookup(this.#config.mapAddress) };
  }

  #mapHostname(hostname: string): string {
    return isIP(hostname) === 0 ? hostname : (this.#config.mapAddress?.(hostname) ?? hostname);
  }
}
