import { lookup } from 'node:dns/promises';
import { isIP } from 'node:net';
import { HyperError, messageOf } from '../lib/errors.ts';
import { unlessAborted } from '../lib/unless-aborted.ts';

/** What of an NFS server is mounted in a guest, and how. */
export interface NfsSource {
  /** HOST:/path. */
  readonly source: string;
  readonly host: string;
  readonly readOnly: boolean;
  /** As of mount(2), but for the server's address. */
  readonly options: string;
}

const versions = ['3', '4', '4.0', '4.1', '4.2'];
/** Those of mount(8) that tell its own program, or the host's boot, what to do. */
const meaningless = [
  ...['defaults', 'rw', 'async', 'auto', 'noauto', 'user', 'nouser', 'users', 'nofail', '_netdev'],
  ...['bg', 'fg', 'retry', 'intr', 'nointr', 'tcp', 'sloppy', 'lock'],
];
const lookupMs = 10_000;

/**
 * `HOST:/path`, or `:/path` with `addr=` among the options, which are those of nfs(5), parted by commas.
 *
 * @throws HyperError `bad_request`, `unsupported`
 */
export function parseNfs(source: string, options: string): NfsSource {
  const [, before = '', path] = /^(\[[0-9a-fA-F:.]+\]|[\w.:-]*?):(\/.*)$/.exec(source) ?? [];
  const words = options.split(',').filter((word) => word !== '');
  const given = new Map<string, string>();
  for (const word of words) {
    const [name = ''] = word.split('=', 1);
    if (!/^[a-zA-Z_]+(?:=[\w.:/-]+)?$/.test(word)) throw bad(`'${word}' is no option of NFS: see nfs(5)`);
    given.set(name, word.slice(name.length + 1));
  }
  const host = given.get('addr') ?? before.replace(/^\[|\]$/g, '');
  if (path === undefined || host === '') {
    throw bad(`'${source}' names no folder of an NFS server: give HOST:/path, or :/path and addr=HOST`);
  }
  checkTransport(given);
  const rest = words.filter((word) => !isOurs(word.split('=', 1)[0] ?? ''));
  return {
    source: `${isIP(host) === 6 ? `[${host}]` : host}:${path}`,
    host,
    readOnly: given.has('ro'),
    options: [...versionOptions(given), ...rest].join(','),
  };
}

/**
 * What docker's driver is told of such a volume: `type=nfs`, `o=addr=HOST,rw`, `device=:/path`.
 *
 * @throws HyperError as above
 */
export function nfsOfVolume(options: Readonly<Record<string, string>>): NfsSource {
  const { type = 'nfs', o = '', device, ...others } = options;
  const [other] = Object.keys(others);
  if (other !== undefined) throw bad(`volumes of type=${type} have no option ${other}: there are o and device`);
  if (device === undefined) throw bad(`an NFS volume needs its folder on the server: give --opt device=:/path`);
  return parseNfs(device, o);
}

/** The server's address: a guest's kernel knows no names. @throws HyperError `unavailable`, `bad_request` */
export async function nfsAddress(host: string, signal: AbortSignal): Promise<string> {
  const address = isIP(host) === 0 ? await resolve(host, signal) : host;
  if (/^127\.|^::1$|^0\.0\.0\.0$|^::$/.test(address)) {
    throw bad(
      `the NFS server ${host} is ${address}, which is the pod itself to a pod: give an address that it reaches`,
    );
  }
  return address;
}

async function resolve(host: string, signal: AbortSignal): Promise<string> {
  try {
    const bounded = AbortSignal.any([signal, AbortSignal.timeout(lookupMs)]);
    return (await unlessAborted(lookup(host, { order: 'ipv4first' }), bounded)).address;
  } catch (error) {
    signal.throwIfAborted();
    throw new HyperError('unavailable', `the NFS server ${host} is not found: ${messageOf(error)}`, { cause: error });
  }
}

function checkTransport(given: ReadonlyMap<string, string>): void {
  if (given.has('udp') || given.get('proto')?.startsWith('udp') === true) {
    throw new HyperError('unsupported', 'NFS over UDP is not known to the guest’s kernel: leave the option out');
  }
  const security = given.get('sec');
  if (security !== undefined && security !== 'sys') {
    throw new HyperError('unsupported', `NFS with sec=${security} needs keys that a guest has not: there is sec=sys`);
  }
}

/** Without one the guest takes the newest of version 4 that the server has. */
function versionOptions(given: ReadonlyMap<string, string>): string[] {
  const version = given.get('nfsvers') ?? given.get('vers');
  if (version === undefined || version === '4') return [];
  if (!versions.includes(version)) throw bad(`there is no NFS version ${version}: give ${versions.join(', ')}`);
  // No guest has a statd, without which there are no locks of version 3 on the server.
  return version === '3' ? ['vers=3', 'nolock'] : [`vers=${version}`];
}

const isOurs = (name: string): boolean =>
  meaningless.includes(name) || ['ro', 'addr', 'clientaddr', 'vers', 'nfsvers', 'nolock', 'x-'].includes(name);

const bad = (message: string): HyperError => new HyperError('bad_request', message);
