import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);

export interface ServerCertificate {
  /** PEM files. */
  readonly authority: string;
  readonly certificate: string;
  readonly key: string;
}

/** An authority nobody knows, and a certificate of it for 127.0.0.1. */
export async function makeServerCertificate(folder: string): Promise<ServerCertificate> {
  const path = (name: string): string => join(folder, name);
  const openssl = (...args: readonly string[]): Promise<unknown> => run('openssl', [...args]);
  const newKey = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes'];
  await openssl(
    'req',
    '-x509',
    ...newKey,
    '-subj',
    '/CN=Test CA',
    '-days',
    '2',
    '-keyout',
    path('ca.key'),
    '-out',
    path('ca.crt'),
  );
  await openssl(
    ...['req', '-x509', ...newKey, '-subj', '/CN=registry', '-days', '2', '-addext', 'subjectAltName=IP:127.0.0.1'],
    ...['-addext', 'basicConstraints=critical,CA:FALSE', '-CA', path('ca.crt'), '-CAkey', path('ca.key')],
    ...['-keyout', path('server.key'), '-out', path('server.crt')],
  );
  return { authority: path('ca.crt'), certificate: path('server.crt'), key: path('server.key') };
}
