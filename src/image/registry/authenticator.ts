import { HyperError } from '../../lib/errors.ts';
import { basicAuthorization, fetchAccessToken } from './access-token.ts';
import { parseChallenges } from './challenge.ts';
import type { Credentials } from '../../lib/credentials.ts';
import type { Transport } from './transport.ts';

export interface AuthenticatorOptions {
  readonly transport: Transport;
  readonly host: string;
  readonly repository: string;
  /** Asked when the server first wants a login. */
  readonly credentials: (signal: AbortSignal) => Promise<Credentials | undefined>;
}

// A token is renewed a little before it ends: the request still has to travel.
const renewBeforeMs = 5_000;

/** Answers one server's challenges for one repository, and keeps the token until it expires. */
export class Authenticator {
  readonly #options: AuthenticatorOptions;
  #credentials: Promise<Credentials | undefined> | undefined;
  #authorization: { readonly header: string; readonly expiresAt: number } | undefined;
  #pending: Promise<string> | undefined;
  #refreshToken: string | undefined;

  constructor(options: AuthenticatorOptions) {
    this.#options = options;
  }

  /** The Authorization header to send; undefined until the server has asked, and once the token has expired. */
  get header(): string | undefined {
    const known = this.#authorization;
    return known !== undefined && Date.now() < known.expiresAt - renewBeforeMs ? known.header : undefined;
  }

  /** What stands for the login from now on, where the token service gave that. */
  get refreshToken(): string | undefined {
    return this.#refreshToken;
  }

  /** Whether a login is at hand: then a refusal means that it is wrong or not enough. */
  async hasCredentials(signal: AbortSignal): Promise<boolean> {
    return (await this.#findCredentials(signal)) !== undefined;
  }

  /**
   * Answers `WWW-Authenticate` of a refused request; requests refused at the same time share the answer.
   *
   * @throws HyperError `unauthorized` when a login is wanted and there is none, or it is refused
   */
  async answer(
    wwwAuthenticate: string,
    secure: boolean,
    refused: string | undefined,
    signal: AbortSignal,
  ): Promise<string> {
    const known = this.header;
    if (known !== undefined && known !== refused) return known;
    this.#pending ??= this.#fetchHeader(wwwAuthenticate, secure, signal).finally(() => (this.#pending = undefined));
    try {
      return await this.#pending;
    } catch (error) {
      // Whoever asked first may have given up; that is no reason to.
      const givenUp = error instanceof HyperError && error.code === 'cancelled' && !signal.aborted;
      if (!givenUp) throw error;
      return this.answer(wwwAuthenticate, secure, refused, signal);
    }
  }

  #findCredentials(signal: AbortSignal): Promise<Credentials | undefined> {
    if (this.#credentials === undefined) {
      this.#credentials = this.#options.credentials(signal);
      this.#credentials.catch(() => (this.#credentials = undefined));
    }
    return this.#credentials;
  }

  async #fetchHeader(wwwAuthenticate: string, secure: boolean, signal: AbortSignal): Promise<string> {
    const { transport, host, repository } = this.#options;
    const challenges = parseChallenges(wwwAuthenticate);
    const credentials = await this.#findCredentials(signal);
    const bearer = challenges.find(({ scheme }) => scheme === 'bearer');
    if (bearer !== undefined) {
      const request = { transport, challenge: bearer, host, secure, repository, credentials, signal };
      const { token, expiresAt, refreshToken } = await fetchAccessToken(request);
      this.#refreshToken = refreshToken;
      this.#authorization = { header: `Bearer ${token}`, expiresAt };
      return this.#authorization.header;
    }
    if (!challenges.some(({ scheme }) => scheme === 'basic')) {
      throw new HyperError('unauthorized', `${host} wants a login of a kind that Hyper does not know`);
    }
    if (credentials?.kind !== 'password') {
      throw new HyperError('unauthorized', `${host} wants a login: run 'docker login ${host}'`);
    }
    this.#authorization = { header: basicAuthorization(credentials), expiresAt: Infinity };
    return this.#authorization.header;
  }
}
