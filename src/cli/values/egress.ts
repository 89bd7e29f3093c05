import { isIPv6 } from 'node:net';
import type { PodSpec } from '../../contract/index.ts';
import { UsageError } from '../usage-error.ts';

type EgressRule = NonNullable<PodSpec['egress']>[number];
type TrafficRate = NonNullable<PodSpec['rate']>;

/**
 * `none`, or `ADDRESS|NETWORK|NAME[:PORT[-LAST]][/tcp|udp]`, several by commas or repeated. One of IPv6 is in brackets
 * where a port follows.
 */
export function parseEgress(texts: readonly string[]): EgressRule[] {
  const parts = texts.flatMap((text) => text.split(','));
  if (parts.length === 1 && parts[0] === 'none') return [];
  return parts.map((text) => {
    const { to, rest } = splitPlace(text);
    const [known, first, last, protocol] = /^(?::(\d{1,5})(?:-(\d{1,5}))?)?(?:\/(tcp|udp))?$/.exec(rest) ?? [];
    const ports = first === undefined ? undefined : { first: Number(first), last: Number(last ?? first) };
    const wrong = ports !== undefined && (ports.first < 1 || ports.last > 65_535 || ports.last < ports.first);
    if (to === '' || to === 'none' || known === undefined || wrong) {
      const form = 'give none alone, or a list as 10.0.0.0/8,example.com:443,1.1.1.1:53/udp';
      throw new UsageError(`--egress is '${text}': ${form}`);
    }
    return {
      to,
      ...(ports === undefined ? {} : { ports }),
      ...(protocol === 'tcp' || protocol === 'udp' ? { protocol } : {}),
    };
  });
}

/** What is reached, and the port and protocol behind it: the colons of IPv6 are no port's. */
function splitPlace(text: string): { readonly to: string; readonly rest: string } {
  const isIpv6 = (to: string): boolean => isIPv6(to.split('/')[0] ?? '');
  const [, bracketed = '', behind = ''] = /^\[([^\]]+)\](.*)$/.exec(text) ?? [];
  if (isIpv6(bracketed)) return { to: bracketed, rest: behind };
  const [, plain = '', protocol = ''] = /^(.*?)(\/(?:tcp|udp))?$/.exec(text) ?? [];
  if (isIpv6(plain)) return { to: plain, rest: protocol };
  const [, to = '', rest = ''] = /^([^:\s[\]]+?)((?::.*)?(?:\/(?:tcp|udp))?)$/.exec(text) ?? [];
  return { to, rest };
}

const units: Readonly<Record<string, number>> = { bit: 1, kbit: 1e3, mbit: 1e6, gbit: 1e9 };

/** `10mbit`, or `10mbit:2mbit` for to the pod and from it; one alone is for both, an empty one does not limit. */
export function parseRate(text: string): TrafficRate {
  const [into = '', out = into, ...more] = text.split(':');
  if (more.length > 0 || (into === '' && out === '')) throw wrongRate(text);
  return {
    ...(into === '' ? {} : { in: bits(into, text) }),
    ...(out === '' ? {} : { out: bits(out, text) }),
  };
}

function bits(part: string, text: string): number {
  const [, number = '', unit = ''] = /^(\d+(?:\.\d+)?)([kmg]?bit)$/i.exec(part) ?? [];
  const found = Math.round(Number(number) * (units[unit.toLowerCase()] ?? NaN));
  if (number === '' || !(found >= 8000)) throw wrongRate(text);
  return found;
}

function wrongRate(text: string): UsageError {
  return new UsageError(`--net-rate is '${text}': give IN or IN:OUT, as 10mbit or 10mbit:512kbit, each 8kbit or more`);
}
