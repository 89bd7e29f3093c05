import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { SecureContext } from 'node:tls';
import { createSecureContext, getCACertificates } from 'node:tls';
import { HyperError, messageOf, systemCode } from '../../lib/errors.ts';
import type { ImageStoreConfig } from '../config.ts';

/** Whom TLS to one registry trusts, and who we are. */
export interface RegistryTls {
  readonly context: SecureContext;
  /** Whether there are authorities or a client certificate for just this host. */
  readonly ownForHost: boolean;
}

const defaultCertsDir = '/etc/docker/certs.d';
// Where distributions keep theirs (Go's crypto/x509, root_linux.go). Read here and not by Node, which blocks for 0.2 s.
const systemBundles = ['/etc/ssl/certs/ca-certificates.crt', '/etc/pki/tls/certs/ca-bundle.crt', '/etc/ssl/cert.pem'];

async function listFolder(folder: string): Promise<readonly string[]> {
  try {
    return (await readdir(folder)).sort();
  } catch (error) {
    if (['ENOENT', 'ENOTDIR', 'EACCES'].includes(systemCode(error) ?? '')) return [];
    throw error;
  }
}

async function readPem(path: string): Promise<string> {
  try {
    return await readFile(path, 'utf8');
  } catch (error) {
    throw new HyperError('bad_request', `cannot read the certificate ${path}: ${messageOf(error)}`, { cause: error });
  }
}

async function readSystemBundle(): Promise<string> {
  for (const path of systemBundles) {
    const bundle = await readFile(path, 'utf8').catch(() => undefined);
    if (bundle !== undefined) return bundle;
  }
  return '';
}

function splitBundle(pem: string): readonly string[] {
  return pem.match(/-----BEGIN CERTIFICATE-----[^-]*-----END CERTIFICATE-----/g) ?? [];
}

function makeContext(
  what: string,
  ca: readonly string[],
  cert: readonly string[],
  key: readonly string[],
): SecureContext {
  try {
    return createSecureContext({ ca: [...ca], ...(cert.length === 0 ? {} : { cert: [...cert], key: [...key] }) });
  } catch (error) {
    throw new HyperError('bad_request', `cannot use the certificates of ${what}: ${messageOf(error)}`, {
      cause: error,
    });
  }
}

/**
 * The TLS contexts of registries. One is shared by all that have no certificates of their own: to make one takes OpenSSL
 * 0.1 s with the authorities of a usual system.
 */
export class TlsContexts {
  readonly #certsDir: string;
  readonly #certificates: readonly string[];
  #authorities: Promise<readonly string[]> | undefined;
  #common: SecureContext | undefined;

  constructor({ certsDir = defaultCertsDir, certificates = [] }: ImageStoreConfig) {
    this.#certsDir = certsDir;
    this.#certificates = certificates;
  }

  /**
   * For a registry: the system's authorities, the `certificates` of the config, and as Docker has it `CERTSDIR/HOST:PORT/*.crt`
   * (authorities) with `NAME.cert` and `NAME.key` (a client certificate).
   *
   * @throws HyperError `bad_request` when a file cannot be read or used
   */
  async for(host: string): Promise<RegistryTls> {
    const folder = join(this.#certsDir, host);
    const names = await listFolder(folder);
    const read = (ending: string): Promise<string[]> =>
      Promise.all(names.filter((name) => name.endsWith(ending)).map((name) => readPem(join(folder, name))));
    const [own, cert, key] = await Promise.all([read('.crt'), read('.cert'), read('.key')]);
    const authorities = await this.#readAuthorities();
    if (own.length > 0 || cert.length > 0) {
      return { context: makeContext(folder, [...authorities, ...own], cert, key), ownForHost: true };
    }
    this.#common ??= makeContext('the config', authorities, [], []);
    return { context: this.#common, ownForHost: false };
  }

  #readAuthorities(): Promise<readonly string[]> {
    if (this.#authorities === undefined) {
      this.#authorities = this.#loadAuthorities();
      // A file that cannot be read is tried again next time.
      this.#authorities.catch(() => (this.#authorities = undefined));
    }
    return this.#authorities;
  }

  async #loadAuthorities(): Promise<readonly string[]> {
    const extra = await Promise.all(this.#certificates.map(readPem));
    const known = [...getCACertificates('default').map((pem) => pem.trim()), ...splitBundle(await readSystemBundle())];
    return [...new Set(known), ...extra];
  }
}
