import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { getCACertificates } from 'node:tls';
import { HyperError, messageOf, systemCode } from '../../lib/errors.ts';

/** What TLS to one registry needs beyond the defaults. */
export interface RegistryCertificates {
  /** The system's authorities and those of the operator. */
  readonly ca: readonly string[];
  /** Whether there are authorities or a client certificate for just this host. */
  readonly ownForHost: boolean;
  readonly cert: readonly string[];
  readonly key: readonly string[];
}

async function listFolder(folder: string): Promise<readonly string[]> {
  try {
    return (await readdir(folder)).sort();
  } catch (error) {
    const code = systemCode(error);
    if (code === 'ENOENT' || code === 'ENOTDIR' || code === 'EACCES') return [];
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

/**
 * The authorities that vouch for a registry: the system's, `certificates`, and as Docker has it `CERTSDIR/HOST:PORT/*.crt`
 * (authorities) with `NAME.cert` and `NAME.key` (a client certificate).
 *
 * @throws HyperError `bad_request` when a file cannot be read
 */
export async function loadCertificates(
  host: string,
  certsDir: string,
  certificates: readonly string[],
): Promise<RegistryCertificates> {
  const folder = join(certsDir, host);
  const names = await listFolder(folder);
  const read = (ending: string): Promise<string[]> =>
    Promise.all(names.filter((name) => name.endsWith(ending)).map((name) => readPem(join(folder, name))));
  const [own, cert, key] = await Promise.all([read('.crt'), read('.cert'), read('.key')]);
  const extra = await Promise.all(certificates.map(readPem));
  return {
    ca: [...getCACertificates('default'), ...getCACertificates('system'), ...extra, ...own],
    ownForHost: own.length > 0 || cert.length > 0,
    cert,
    key,
  };
}
