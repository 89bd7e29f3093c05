import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { HyperError, messageOf, systemCode } from '../../lib/errors.ts';
import type { ImageStoreConfig } from '../config.ts';
import { askCredentialHelper } from './credential-helper.ts';
import type { Credentials } from './credentials.ts';

const Login = z.object({
  auth: z.string().optional(),
  username: z.string().optional(),
  password: z.string().optional(),
  identitytoken: z.string().optional(),
});
const DockerConfig = z.object({
  auths: z.record(z.string(), Login).nullish(),
  credsStore: z.string().nullish(),
  credHelpers: z.record(z.string(), z.string()).nullish(),
});
type DockerConfig = z.infer<typeof DockerConfig>;

// Docker keeps the hub's login under the address of its first API.
const hubServer = 'https://index.docker.io/v1/';

function serverOf(host: string): string {
  return host === 'docker.io' ? hubServer : host;
}

/** `https://index.docker.io/v1/` and `docker.io` alike: the host alone. */
function hostOfKey(key: string): string {
  const host = key.replace(/^https?:\/\//, '').replace(/\/.*$/, '');
  return /^(?:index|registry-1)\.docker\.io$/.test(host) ? 'docker.io' : host;
}

function configPath(config: ImageStoreConfig): string | undefined {
  if (config.dockerConfig !== undefined) return config.dockerConfig;
  const { DOCKER_CONFIG: folder, HOME: home } = config.environment ?? {};
  if (folder !== undefined && folder !== '') return join(folder, 'config.json');
  return home === undefined ? undefined : join(home, '.docker', 'config.json');
}

async function readDockerConfig(path: string): Promise<DockerConfig> {
  try {
    return DockerConfig.parse(JSON.parse(await readFile(path, 'utf8')));
  } catch (error) {
    const code = systemCode(error);
    if (code === 'ENOENT' || code === 'ENOTDIR') return {};
    const why = error instanceof z.ZodError ? z.prettifyError(error).replaceAll('\n', ' ') : messageOf(error);
    throw new HyperError('bad_request', `cannot read the logins in ${path}: ${why}`, { cause: error });
  }
}

function decodeLogin(login: z.infer<typeof Login>): Credentials | undefined {
  if (login.identitytoken) return { kind: 'identityToken', token: login.identitytoken };
  const [username = '', ...rest] = Buffer.from(login.auth ?? '', 'base64')
    .toString('utf8')
    .split(':');
  const name = login.username ?? username;
  if (name === '') return undefined;
  // Old versions of docker pad the password with NUL.
  return { kind: 'password', username: name, password: login.password ?? rest.join(':').replace(/\0+$/, '') };
}

/**
 * The login for a registry's host from docker's config.json: its own helper, else the general one, else `auths`.
 *
 * @returns undefined when there is none: the pull is anonymous then
 * @throws HyperError `bad_request` for a broken file; what the helper throws
 */
export async function findCredentials(
  host: string,
  config: ImageStoreConfig,
  signal: AbortSignal,
): Promise<Credentials | undefined> {
  const path = configPath(config);
  if (path === undefined) return undefined;
  const docker = await readDockerConfig(path);
  const helper = Object.entries(docker.credHelpers ?? {}).find(([key]) => hostOfKey(key) === host)?.[1];
  const name = helper ?? docker.credsStore ?? '';
  if (name !== '') {
    const found = await askCredentialHelper(name, serverOf(host), config.environment ?? {}, signal);
    if (found !== undefined) return found;
  }
  const login = Object.entries(docker.auths ?? {}).find(([key]) => hostOfKey(key) === host)?.[1];
  return login === undefined ? undefined : decodeLogin(login);
}
