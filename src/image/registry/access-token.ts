import { z } from 'zod';
import { HyperError } from '../../lib/errors.ts';
import { readBody, readReason } from './bounded-body.ts';
import type { Challenge } from './challenge.ts';
import type { Credentials } from '../../lib/credentials.ts';
import { tryParseJson } from '../../lib/try-parse-json.ts';
import { isLoopback } from './insecure-hosts.ts';
import type { Transport } from './transport.ts';

export interface AccessToken {
  readonly token: string;
  /** Milliseconds since the epoch. */
  readonly expiresAt: number;
  /** An identity token, where one was asked for and the service gives any. */
  readonly refreshToken: string | undefined;
}

export interface TokenRequest {
  readonly transport: Transport;
  readonly challenge: Challenge;
  /** The server that gave the challenge, for messages. */
  readonly host: string;
  /** Whether it was asked by HTTPS: then a login is not sent anywhere in the clear. */
  readonly secure: boolean;
  /** Empty: only the login is tried, for which an identity token is asked as well. */
  readonly repository: string;
  readonly credentials: Credentials | undefined;
  readonly signal: AbortSignal;
}

const largestAnswer = 1 << 20;
const Answer = z.object({
  token: z.string().optional(),
  access_token: z.string().optional(),
  refresh_token: z.string().optional(),
  expires_in: z.number().optional(),
});
// "for compatibility with older clients, a token should never be returned with less than 60 seconds to live" (distribution, token.md).
const shortestLifeSeconds = 60;

function realmOf({ challenge, host, secure, credentials }: TokenRequest): URL {
  const realm = URL.parse(challenge.parameters.get('realm') ?? '');
  if (realm === null || !/^https?:$/.test(realm.protocol)) {
    throw new HyperError('unavailable', `${host} names no token service: it is set up wrongly`);
  }
  if (realm.protocol === 'http:' && secure && credentials !== undefined && !isLoopback(realm.host)) {
    throw new HyperError('unauthorized', `${host} wants the login sent to ${realm.host} in the clear: refused`);
  }
  return realm;
}

function send(request: TokenRequest, realm: URL): ReturnType<Transport['request']> {
  const { transport, challenge, repository, credentials, signal } = request;
  const service = challenge.parameters.get('service');
  const scope = repository === '' ? {} : { scope: `repository:${repository}:pull` };
  if (credentials?.kind === 'identityToken') {
    const body = new URLSearchParams({
      grant_type: 'refresh_token',
      client_id: 'hyper',
      refresh_token: credentials.token,
      ...scope,
      ...(service === undefined ? {} : { service }),
    });
    const headers = { 'content-type': 'application/x-www-form-urlencoded' };
    return transport.request(realm, { method: 'POST', headers, body: body.toString(), signal });
  }
  if (service !== undefined) realm.searchParams.set('service', service);
  if (scope.scope === undefined)
    realm.search = new URLSearchParams([
      ...realm.searchParams,
      ['client_id', 'hyper'],
      ['offline_token', 'true'],
    ]).toString();
  else realm.searchParams.set('scope', scope.scope);
  if (credentials === undefined) return transport.request(realm, { headers: {}, signal });
  realm.searchParams.set('account', credentials.username);
  return transport.request(realm, { headers: { authorization: basicAuthorization(credentials) }, signal });
}

/** The value of the Authorization header (RFC 7617). */
export function basicAuthorization(credentials: Credentials & { readonly kind: 'password' }): string {
  return `Basic ${Buffer.from(`${credentials.username}:${credentials.password}`).toString('base64')}`;
}

/**
 * Gets a token that allows to pull one repository, as the challenge of its registry asks (distribution, token.md, oauth.md).
 *
 * @throws HyperError `unauthorized` when the login is refused, `unavailable` when the service fails
 */
export async function fetchAccessToken(request: TokenRequest): Promise<AccessToken> {
  const realm = realmOf(request);
  const response = await send(request, realm);
  if (response.statusCode !== 200) {
    const reason = await readReason(response, realm.host);
    const said = `status ${response.statusCode}${reason === '' ? '' : `: ${reason}`}`;
    if (response.statusCode >= 500 || response.statusCode === 429) {
      throw new HyperError('unavailable', `the token service ${realm.host} failed: ${said}`);
    }
    const login = request.credentials === undefined ? 'wants a login' : 'refused the login';
    const text = `${request.host} ${login} (${said}): run 'docker login ${request.host}'`;
    throw new HyperError('unauthorized', text);
  }
  const body = await readBody(response, largestAnswer, 'a token', realm.host);
  const answer = Answer.safeParse(tryParseJson(body.toString('utf8')));
  const token = answer.data?.token ?? answer.data?.access_token ?? '';
  if (token === '') throw new HyperError('unavailable', `the token service ${realm.host} gave no token`);
  const seconds = Math.max(answer.data?.expires_in ?? shortestLifeSeconds, 1);
  return { token, expiresAt: Date.now() + seconds * 1000, refreshToken: answer.data?.refresh_token };
}
