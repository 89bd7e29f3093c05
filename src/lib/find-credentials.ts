import { join } from 'node:path';
import { askCredentialHelper } from './credential-helper.ts';
import type { Credentials } from './credentials.ts';
import { type DockerLogin, readDockerConfig } from './docker-config.ts';

/** Where logins are looked for. */
export interface CredentialSources {
  /** A docker config.json. Default `$DOCKER_CONFIG/config.json`, else `$HOME/.docker/config.json`, else there is none. */
  readonly dockerConfig?: string;
  /** DOCKER_CONFIG and HOME are read from it; helpers get it whole and are found by its PATH. */
  readonly environment?: Readonly<Record<string, string | undefined>>;
}

// Docker keeps the hub's login under the address of its first API.
const hubServer = 'https://index.docker.io/v1/';

export function serverOf(host: string): string {
  return host === 'docker.io' ? hubServer : host;
}

/** `https://index.docker.io/v1/` and `docker.io` alike: the host alone. */
export function hostOfKey(key: string): string {
  const host = key.replace(/^https?:\/\//, '').replace(/\/.*$/, '');
  return /^(?:index|registry-1)\.docker\.io$/.test(host) ? 'docker.io' : host;
}

export function configPath({ dockerConfig, environment = {} }: CredentialSources): string | undefined {
  if (dockerConfig !== undefined) return dockerConfig;
  const { DOCKER_CONFIG: folder, HOME: home } = environment;
  if (folder !== undefined && folder !== '') return join(folder, 'config.json');
  return home === undefined ? undefined : join(home, '.docker', 'config.json');
}

function decodeLogin(login: DockerLogin): Credentials | undefined {
  if (login.identitytoken) return { kind: 'identityToken', token: login.identitytoken };
  const [username = '', ...rest] = Buffer.from(login.auth ?? '', 'base64')
    .toString('utf8')
    .split(':');
  const name = login.username ?? username;
  if (name === '') return undefined;
  // Old versions of docker pad the password with NUL.
  return { kind: 'password', username: name, password: login.password ?? rest.join(':').replace(/\0+$/, '') };
}

function entryFor<T>(host: string, entries: ReadonlyMap<string, T>): T | undefined {
  return [...entries].find(([key]) => hostOfKey(key) === host)?.[1];
}

/**
 * The login for a registry's host from docker's config.json: its own helper, else the general one, else `auths`.
 *
 * @returns undefined when there is none: the pull is anonymous then
 * @throws HyperError `bad_request` for a broken file; what the helper throws
 */
export async function findCredentials(
  host: string,
  sources: CredentialSources,
  signal: AbortSignal,
): Promise<Credentials | undefined> {
  const path = configPath(sources);
  if (path === undefined) return undefined;
  const docker = await readDockerConfig(path);
  const name = entryFor(host, docker.credHelpers) ?? docker.credsStore ?? '';
  if (name !== '') {
    const found = await askCredentialHelper(name, serverOf(host), sources.environment ?? {}, signal);
    if (found !== undefined) return found;
  }
  const login = entryFor(host, docker.auths);
  return login === undefined ? undefined : decodeLogin(login);
}
