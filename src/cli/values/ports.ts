import { isIPv4, isIPv6 } from 'node:net';
import type { PodSpec, PortRemoval } from '../../contract/index.ts';
import { pairPorts } from '../../lib/pair-ports.ts';
import { UsageError } from '../usage-error.ts';

type PortSpec = NonNullable<PodSpec['ports']>[number];

const form =
  '[IP:]HOST:CONTAINER[/tcp|udp], each a port or a range, as 8080:80, 127.0.0.1:5300:53/udp, [::1]:8080:80 or 8000-8009:80';

/** The ports of several, of which none may be the same port of this host twice. */
export function parseAllPublished(texts: readonly string[], flag: string): PortSpec[] {
  const all = texts.flatMap((text) => parsePublish(text, flag));
  const seen = new Set<string>();
  for (const { hostIp = '', hostPort, hostPortLast, protocol = 'tcp' } of all) {
    if (hostPort === undefined || hostPortLast !== undefined) continue;
    const port = `${hostPort}/${protocol}`;
    if (seen.has(`${hostIp} ${port}`)) throw new UsageError(`${flag}: the port ${port} of this host is given twice`);
    seen.add(`${hostIp} ${port}`);
  }
  return all;
}

/**
 * `[IP:][HOST[-LAST]:]CONTAINER[-LAST][/tcp|udp]`, an IPv6 address in brackets: a mapping for each port of the range. HOST 0:
 * any; a range of HOST for one CONTAINER: the first of it that is free. The first Hyper's `tcp:HOST:CONTAINER` as well.
 */
export function parsePublish(text: string, flag: string): PortSpec[] {
  const fail = (why: string): UsageError => new UsageError(`${flag} is '${text}': ${why}`);
  const [, prefix, plain = text] = /^(tcp|udp):(.*)$/i.exec(text) ?? [];
  const [, ipv6, rest = plain] = /^\[([^\]]*)\]:(.*)$/.exec(plain) ?? [];
  if (ipv6 !== undefined && !isIPv6(ipv6)) throw fail(`${ipv6} is no IPv6 address`);
  const [ports = '', suffix, ...more] = rest.split('/');
  if (prefix !== undefined && suffix !== undefined) throw fail('its protocol is given twice');
  const protocolText = (prefix ?? suffix ?? 'tcp').toLowerCase();
  const protocol = protocolText === 'tcp' || protocolText === 'udp' ? protocolText : undefined;
  if (protocol === undefined || more.length > 0) throw fail(`the protocol must be tcp or udp`);
  const parts = ports.split(':');
  if (parts.length > (ipv6 === undefined ? 3 : 2)) throw fail(`give ${form}`);
  const [guestText = '', hostText = '', ipv4] = parts.reverse();
  if (ipv4 !== undefined && !isIPv4(ipv4)) throw fail(`${ipv4} is no IP address`);
  const hostIp = ipv4 ?? ipv6;
  const guest = parseRange(guestText);
  const isAny = hostText === '' || hostText === '0';
  const host = isAny ? undefined : parseRange(hostText);
  if (guest === undefined || (!isAny && host === undefined)) throw fail(`give ${form}`);
  const common: Pick<PortSpec, 'protocol' | 'hostIp'> = { protocol, ...(hostIp === undefined ? {} : { hostIp }) };
  if (host === undefined) return guest.map((guestPort) => ({ ...common, guestPort }));
  const pairs = pairPorts(guest, host);
  if (pairs === undefined) {
    throw fail(`its ranges have ${host.length} and ${guest.length} ports: they must be of one length`);
  }
  return pairs.map((pair) => ({ ...common, ...pair }));
}

/** What `hyper ports delete` is told: as it was published, or the container's port alone. */
export function parseUnpublish(text: string): PortRemoval[] {
  return parsePublish(text, 'the port').map(({ hostPort, ...rest }) => ({
    ...rest,
    ...(hostPort === undefined || hostPort === 0 ? {} : { hostPort }),
  }));
}

/** `80` or `8000-8010`; undefined when it is neither, or no port. */
function parseRange(text: string): number[] | undefined {
  const match = /^(\d{1,5})(?:-(\d{1,5}))?$/.exec(text);
  if (match === null) return undefined;
  const first = Number(match[1]);
  const last = match[2] === undefined ? first : Number(match[2]);
  if (first < 1 || last < first || last > 65_535) return undefined;
  return Array.from({ length: last - first + 1 }, (_, index) => first + index);
}
