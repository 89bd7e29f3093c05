import type { Dispatcher } from 'undici';
import { HyperError } from '../../lib/errors.ts';
import { Authenticator } from './authenticator.ts';
import { readReason } from './bounded-body.ts';
import type { Credentials } from '../../lib/credentials.ts';
import type { Endpoint } from './endpoints.ts';
import { isUntrusted } from './network-failure.ts';
import type { Transport } from './transport.ts';

export interface RegistrySessionOptions {
  readonly transport: Transport;
  readonly endpoint: Endpoint;
  readonly repository: string;
  readonly credentials: (signal: AbortSignal) => Promise<Credentials | undefined>;
}

const maxRedirects = 5;

function headerOf(response: Dispatcher.ResponseData, name: string): string | undefined {
  const value = response.headers[name];
  return Array.isArray(value) ? value.join(', ') : value;
}

/** Requests to one server about one repository: finds how it is reached, logs in when asked, follows redirects. */
export class RegistrySession {
  readonly host: string;
  readonly repository: string;
  readonly #transport: Transport;
  readonly #endpoint: Endpoint;
  readonly #authenticator: Authenticator;
  #base: URL | undefined;

  constructor(options: RegistrySessionOptions) {
    this.host = options.endpoint.host;
    this.repository = options.repository;
    this.#transport = options.transport;
    this.#endpoint = options.endpoint;
    this.#authenticator = new Authenticator({ ...options, host: this.host });
  }

  /**
   * Gets `manifests/…` or `blobs/…` of the repository. The caller reads or dumps the body.
   *
   * @param what for messages: `manifest of ubuntu:latest`
   * @returns a response with status 200, 206 or 416
   * @throws HyperError `not_found`, `unauthorized`, `unavailable`, `timeout` or `cancelled`
   */
  async get(
    path: string,
    what: string,
    headers: Readonly<Record<string, string>>,
    signal: AbortSignal,
  ): Promise<Dispatcher.ResponseData> {
    const base = await this.#findBase(signal);
    const url = new URL(`v2/${this.repository}/${path}`, base);
    const sent = this.#authenticator.header;
    let response = await this.#send(url, headers, sent, signal);
    if (response.statusCode === 401) {
      const wanted = headerOf(response, 'www-authenticate');
      const reason = await readReason(response, this.host);
      if (wanted === undefined) throw new HyperError('unauthorized', `${this.host} refused ${what}: ${reason}`);
      const header = await this.#authenticator.answer(wanted, base.protocol === 'https:', sent, signal);
      response = await this.#send(url, headers, header, signal);
    }
    if ([200, 206, 416].includes(response.statusCode)) return response;
    throw await this.#refusal(response, what, signal);
  }

  /**
   * Tries the login, of no repository.
   *
   * @returns an identity token, where the registry gives one
   * @throws HyperError `unauthorized` where it is refused, `unavailable`
   */
  async logIn(signal: AbortSignal): Promise<string | undefined> {
    const base = await this.#findBase(signal);
    const url = new URL('v2/', base);
    let response = await this.#send(url, {}, undefined, signal);
    const wanted = headerOf(response, 'www-authenticate');
    if (response.statusCode === 401 && wanted !== undefined) {
      await response.body.dump();
      const header = await this.#authenticator.answer(wanted, base.protocol === 'https:', undefined, signal);
      response = await this.#send(url, {}, header, signal);
    }
    const reason = await readReason(response, this.host);
    if (response.statusCode === 200) return this.#authenticator.refreshToken;
    const said = `${this.host} says ${response.statusCode}${reason === '' ? '' : `: ${reason}`}`;
    if (response.statusCode === 401 || response.statusCode === 403) {
      throw new HyperError('unauthorized', `the login was refused (${said}): check name and password`);
    }
    throw new HyperError('unavailable', `cannot log in (${said}): is it a registry?`);
  }

  /** Sends, and follows redirects. Only the server that asked for a login ever gets it. */
  async #send(
    start: URL,
    headers: Readonly<Record<string, string>>,
    authorization: string | undefined,
    signal: AbortSignal,
  ): Promise<Dispatcher.ResponseData> {
    let url = start;
    for (let redirects = 0; redirects <= maxRedirects; redirects++) {
      const login = authorization !== undefined && url.origin === start.origin ? { authorization } : {};
      const response = await this.#transport.request(url, { headers: { ...headers, ...login }, signal });
      const location = headerOf(response, 'location');
      if (![301, 302, 303, 307, 308].includes(response.statusCode) || location === undefined) return response;
      await response.body.dump();
      const next = URL.parse(location, url);
      if (next === null || !/^https?:$/.test(next.protocol)) {
        throw new HyperError('unavailable', `${this.host} sends us to an address that is none`);
      }
      if (start.protocol === 'https:' && next.protocol === 'http:') {
        throw new HyperError('unavailable', `${this.host} sends us from HTTPS to HTTP at ${next.host}: refused`);
      }
      url = next;
    }
    throw new HyperError('unavailable', `${this.host} sends us in circles`);
  }

  async #refusal(response: Dispatcher.ResponseData, what: string, signal: AbortSignal): Promise<HyperError> {
    const status = response.statusCode;
    const reason = await readReason(response, this.host);
    const said = `${this.host} says ${status}${reason === '' ? '' : `: ${reason}`}`;
    if (status === 404) return new HyperError('not_found', `${this.host} has no ${what}: check name and tag`);
    if (status === 401 || status === 403) {
      if (await this.#authenticator.hasCredentials(signal)) {
        return new HyperError(
          'unauthorized',
          `the login was refused for ${what} (${said}): run 'docker login ${this.host}'`,
        );
      }
      const text = `no ${what}, or it is private (${said}): check the name, or run 'docker login ${this.host}'`;
      return new HyperError('not_found', text);
    }
    if (status === 429 || status >= 500) {
      return new HyperError('unavailable', `cannot get ${what} (${said}): try again later`);
    }
    return new HyperError('unsupported', `cannot get ${what} (${said})`);
  }

  /** The first address that answers at all: a server that may speak HTTP is asked by HTTPS first. */
  async #findBase(signal: AbortSignal): Promise<URL> {
    if (this.#base !== undefined) return this.#base;
    const [first, ...others] = this.#endpoint.bases;
    if (first === undefined) throw new HyperError('internal', `no address for ${this.host}`);
    if (others.length === 0) return (this.#base = first);
    let failure: unknown;
    for (const base of this.#endpoint.bases) {
      try {
        const response = await this.#transport.request(new URL('v2/', base), { headers: {}, signal });
        await response.body.dump();
        return (this.#base = base);
      } catch (error) {
        if (signal.aborted || isUntrusted(error)) throw error;
        failure = error;
      }
    }
    throw failure;
  }
}
