import { BlockList, isIP } from 'node:net';
import { HyperError } from '../../lib/errors.ts';
import { isLoopback } from './insecure-hosts.ts';

type Environment = Readonly<Record<string, string | undefined>>;

function read(environment: Environment, name: string): string | undefined {
  const value = environment[name] ?? environment[name.toLowerCase()];
  return value === '' ? undefined : value;
}

function holdsAddress(cidr: string, hostname: string): boolean {
  const [network, bits] = cidr.split('/');
  if (network === undefined || bits === undefined || isIP(hostname) === 0 || isIP(network) !== isIP(hostname)) {
    return false;
  }
  const subnet = new BlockList();
  const family = isIP(hostname) === 4 ? 'ipv4' : 'ipv6';
  subnet.addSubnet(network, Number(bits), family);
  return subnet.check(hostname, family);
}

function matches(entry: string, hostname: string, port: string): boolean {
  if (entry === '*') return true;
  if (entry.includes('/')) return holdsAddress(entry, hostname);
  const [, name = entry, wantedPort] = /^(.*?)(?::(\d+))?$/.exec(entry) ?? [];
  if (isIP(entry) === 0 && wantedPort !== undefined && wantedPort !== port) return false;
  const wanted = isIP(entry) === 0 ? name : entry;
  if (wanted.startsWith('.')) return hostname.endsWith(wanted);
  return hostname === wanted || (isIP(hostname) === 0 && hostname.endsWith(`.${wanted}`));
}

/**
 * The proxy to reach a URL by, from HTTP_PROXY, HTTPS_PROXY and NO_PROXY (upper or lower case) read as Go does
 * (golang.org/x/net/http/httpproxy), so that what works for Docker works here. Loopback is never proxied.
 *
 * @throws HyperError `bad_request` for a proxy address that is no URL
 */
export function proxyFor(url: URL, environment: Environment): URL | undefined {
  const variable = url.protocol === 'https:' ? 'HTTPS_PROXY' : 'HTTP_PROXY';
  const proxy = read(environment, variable);
  const hostname = url.hostname.replace(/^\[|\]$/g, '').toLowerCase();
  if (proxy === undefined || isLoopback(url.host)) return undefined;
  const port = url.port === '' ? (url.protocol === 'https:' ? '443' : '80') : url.port;
  const exceptions = (read(environment, 'NO_PROXY') ?? '').split(',').map((entry) => entry.trim().toLowerCase());
  if (exceptions.some((entry) => entry !== '' && matches(entry, hostname, port))) return undefined;
  const parsed = URL.parse(/^\w+:\/\//.test(proxy) ? proxy : `http://${proxy}`);
  if (parsed === null) throw new HyperError('bad_request', `${variable} is no address of a proxy: ${proxy}`);
  return parsed;
}
