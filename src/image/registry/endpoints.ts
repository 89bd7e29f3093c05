import { HyperError } from '../../lib/errors.ts';
import type { ImageStoreConfig } from '../config.ts';
import { isListedInsecure, isLoopback } from './insecure-hosts.ts';

/** A server that may have a registry's images: a mirror, or the registry itself. */
export interface Endpoint {
  /** Whose login and certificates count, and what messages say: `docker.io`, `mirror.example:5000`. */
  readonly host: string;
  /** Addresses to find it by, best first: plain HTTP only where that is allowed. Each ends with a slash. */
  readonly bases: readonly URL[];
}

// docker.io itself serves web pages (distribution/reference and moby's registry/config.go).
const servedBy: Readonly<Record<string, string>> = { 'docker.io': 'registry-1.docker.io' };

function basesOf(host: string, insecureRegistries: readonly string[]): readonly URL[] {
  const served = servedBy[host] ?? host;
  const insecure = isLoopback(served) || isListedInsecure(served, insecureRegistries);
  return (insecure ? ['https', 'http'] : ['https']).map((scheme) => new URL(`${scheme}://${served}/`));
}

function mirrorEndpoint(address: string, insecureRegistries: readonly string[]): Endpoint {
  if (!address.includes('://')) return { host: address, bases: basesOf(address, insecureRegistries) };
  const url = URL.parse(address.endsWith('/') ? address : `${address}/`);
  if (url === null || !/^https?:$/.test(url.protocol)) {
    throw new HyperError(
      'bad_request',
      `the mirror '${address}' is no http or https address: correct it in the config`,
    );
  }
  return { host: url.host, bases: [url] };
}

/**
 * Where to ask for a registry's images: its mirrors in order, then itself.
 *
 * @throws HyperError `bad_request` for a mirror that is no address
 */
export function endpointsOf(registry: string, config: ImageStoreConfig): readonly Endpoint[] {
  const insecure = config.insecureRegistries ?? [];
  const mirrors = (config.mirrors?.[registry] ?? []).map((address) => mirrorEndpoint(address, insecure));
  return [...mirrors, { host: registry, bases: basesOf(registry, insecure) }];
}
