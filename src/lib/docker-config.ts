import { readFile } from 'node:fs/promises';
import { HyperError, messageOf, systemCode } from './errors.ts';

/** One entry of `auths`. `auth` is base64 of `NAME:PASSWORD`; `docker login` with a helper leaves entries without fields. */
export interface DockerLogin {
  readonly auth?: string | undefined;
  readonly username?: string | undefined;
  readonly password?: string | undefined;
  readonly identitytoken?: string | undefined;
}

/** What docker's config.json says about logins (docker/cli, cli/config/configfile/file.go). */
export interface DockerConfig {
  readonly auths: ReadonlyMap<string, DockerLogin>;
  readonly credsStore: string | undefined;
  readonly credHelpers: ReadonlyMap<string, string>;
}

// Checked by hand: the CLI reads this file too, and zod would cost it 100 ms of each pull.
type Fields = Readonly<Record<string, unknown>>;

function fieldsOf(value: unknown, where: string): Fields {
  if (value === undefined || value === null) return {};
  if (typeof value === 'object' && !Array.isArray(value)) return { ...value };
  throw new TypeError(`${where} must be an object`);
}

function textOf(value: unknown, where: string): string | undefined {
  if (value === undefined || value === null) return undefined;
  if (typeof value === 'string') return value;
  throw new TypeError(`${where} must be text`);
}

function loginOf(value: unknown, where: string): DockerLogin {
  const fields = fieldsOf(value, where);
  const text = (name: string): string | undefined => textOf(fields[name], `${where}.${name}`);
  return {
    auth: text('auth'),
    username: text('username'),
    password: text('password'),
    identitytoken: text('identitytoken'),
  };
}

function parse(text: string): DockerConfig {
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch {
    // V8's message quotes the text, which may be a password's.
    throw new TypeError('it is not JSON');
  }
  const fields = fieldsOf(json, 'it');
  const auths = Object.entries(fieldsOf(fields['auths'], 'auths'));
  const helpers = Object.entries(fieldsOf(fields['credHelpers'], 'credHelpers'));
  return {
    auths: new Map(auths.map(([key, login]) => [key, loginOf(login, `auths.${key}`)])),
    credsStore: textOf(fields['credsStore'], 'credsStore'),
    credHelpers: new Map(helpers.map(([key, name]) => [key, textOf(name, `credHelpers.${key}`) ?? ''])),
  };
}

/**
 * Reads docker's config.json; one that is not there says nothing.
 *
 * @throws HyperError `bad_request` for one that cannot be read; no message holds what is in it
 */
export async function readDockerConfig(path: string): Promise<DockerConfig> {
  try {
    return parse(await readFile(path, 'utf8'));
  } catch (error) {
    const code = systemCode(error);
    if (code === 'ENOENT' || code === 'ENOTDIR') return parse('{}');
    throw new HyperError('bad_request', `cannot read the logins in ${path}: ${messageOf(error)}`, { cause: error });
  }
}
