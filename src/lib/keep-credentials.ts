import { mkdir, readFile, realpath } from 'node:fs/promises';
import { dirname } from 'node:path';
import { eraseFromCredentialHelper, tellCredentialHelper } from './credential-helper.ts';
import { type DockerConfig, readDockerConfig } from './docker-config.ts';
import { HyperError, systemCode } from './errors.ts';
import { configPath, type CredentialSources, hostOfKey, serverOf } from './find-credentials.ts';
import { writeFileAtomic } from './write-file-atomic.ts';

/** What a login has left: the name, and what stands for it from now on. */
export interface KeptLogin {
  readonly username: string;
  readonly password: string;
  /** In place of the password, where the registry gave one. */
  readonly identityToken: string | null;
}

interface Place {
  /** Where it is, links followed. */
  readonly path: string;
  /** All of it: what is not about logins is kept as it is. */
  readonly json: Record<string, unknown>;
  readonly docker: DockerConfig;
}

/**
 * Keeps a login as `docker login` does: in the helper that docker's config.json names, else in the file itself, which its
 * owner alone can read.
 *
 * @returns the file's path where the login is in it, readable for whoever can read it
 * @throws HyperError `bad_request` for a broken file or without a HOME; what the helper throws
 */
export async function keepCredentials(
  host: string,
  { username, password, identityToken }: KeptLogin,
  sources: CredentialSources,
  signal: AbortSignal,
): Promise<string | undefined> {
  const place = await open(sources);
  const helper = helperOf(host, place.docker);
  const server = serverOf(host);
  const others = withoutHost(host, place.json['auths']);
  if (helper !== undefined) {
    const login =
      identityToken === null ? { username, secret: password } : { username: '<token>', secret: identityToken };
    await tellCredentialHelper(helper, server, login, sources.environment ?? {}, signal);
    await write(place, { ...others, [server]: {} });
    return undefined;
  }
  const auth = Buffer.from(`${username}:${identityToken === null ? password : ''}`).toString('base64');
  const entry = identityToken === null ? { auth } : { auth, identitytoken: identityToken };
  await write(place, { ...others, [server]: entry });
  return place.path;
}

/** Forgets a login, in the file and in its helper. @returns false where there was none in the file */
export async function forgetCredentials(
  host: string,
  sources: CredentialSources,
  signal: AbortSignal,
): Promise<boolean> {
  const place = await open(sources);
  const known = [...place.docker.auths.keys()].some((key) => hostOfKey(key) === host);
  const helper = helperOf(host, place.docker);
  if (helper !== undefined) {
    await eraseFromCredentialHelper(helper, serverOf(host), sources.environment ?? {}, signal);
  }
  if (known) await write(place, withoutHost(host, place.json['auths']));
  return known;
}

function helperOf(host: string, { credHelpers, credsStore }: DockerConfig): string | undefined {
  const own = [...credHelpers].find(([key]) => hostOfKey(key) === host)?.[1];
  const name = own ?? credsStore ?? '';
  return name === '' ? undefined : name;
}

function withoutHost(host: string, auths: unknown): Record<string, unknown> {
  const entries: [string, unknown][] = Object.entries(Object(auths) as Readonly<Record<string, unknown>>);
  return Object.fromEntries(entries.filter(([key]) => hostOfKey(key) !== host));
}

async function open(sources: CredentialSources): Promise<Place> {
  const wanted = configPath(sources);
  if (wanted === undefined) {
    throw new HyperError('bad_request', 'there is no place for logins: set HOME, or DOCKER_CONFIG to a folder');
  }
  const docker = await readDockerConfig(wanted); // says what is wrong in it
  try {
    const path = await realpath(wanted);
    return { path, docker, json: { ...(JSON.parse(await readFile(path, 'utf8')) as Record<string, unknown>) } };
  } catch (error) {
    if (systemCode(error) !== 'ENOENT') throw error;
    return { path: wanted, docker, json: {} };
  }
}

async function write({ path, json }: Place, auths: Record<string, unknown>): Promise<void> {
  await mkdir(dirname(path), { recursive: true, mode: 0o700 });
  await writeFileAtomic(path, `${JSON.stringify({ ...json, auths }, undefined, '\t')}\n`, 0o600);
}
