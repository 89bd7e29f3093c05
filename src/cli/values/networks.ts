import { isIPv4, isIPv6 } from 'node:net';
import { textForms } from '../../contract/bounds.ts';
import type { NetworkOfPodSpec, NetworkSpec } from '../../contract/index.ts';
import { UsageError } from '../usage-error.ts';
import { parseForm } from './container-values.ts';

/** What the flags beside --network say: of the first one. */
export interface EndpointFlags {
  readonly ip?: string | undefined;
  readonly ip6?: string | undefined;
  readonly mac?: string | undefined;
  readonly aliases?: readonly string[] | undefined;
  /** The flag that the aliases came by; default `--network-alias`. */
  readonly aliasFlag?: string;
}

/** The networks of --network, each a name or docker's long form; none: it was not given. Empty: `none`. */
export function parseNetworks(texts: readonly string[], flags: EndpointFlags): NetworkOfPodSpec[] | undefined {
  const given = (flags.ip ?? flags.ip6 ?? flags.mac ?? flags.aliases) !== undefined;
  if (texts.length === 0) return given ? [endpointOf('default', flags)] : undefined;
  const networks = texts.map(parseNetwork);
  const none = networks.some(({ network }) => network === 'none');
  if (none && networks.length > 1) throw new UsageError('--network none: leave out the other networks');
  if (none && given) throw new UsageError('--network none: leave out --ip, --ip6, --mac and --network-alias');
  if (none) return [];
  const [first, ...others] = networks;
  return first === undefined ? [] : [{ ...first, ...endpointOf(first.network, flags, first.aliases) }, ...others];
}

/** A network with what a pod is to be on it. */
export function endpointOf(network: string, flags: EndpointFlags, others: readonly string[] = []): NetworkOfPodSpec {
  const { ip, ip6, mac, aliases = [], aliasFlag = '--network-alias' } = flags;
  if (ip !== undefined && !isIPv4(ip)) throw new UsageError(`--ip is '${ip}': give an IPv4 address`);
  if (ip6 !== undefined && !isIPv6(ip6)) throw new UsageError(`--ip6 is '${ip6}': give an IPv6 address`);
  const all = [...others, ...aliases.map((alias) => parseForm(alias, aliasFlag, textForms.objectName))];
  return {
    network,
    ...(all.length === 0 ? {} : { aliases: all }),
    ...(ip === undefined ? {} : { address: ip }),
    ...(ip6 === undefined ? {} : { address6: ip6 }),
    ...(mac === undefined ? {} : { mac }),
  };
}

/** `backend`, or `name=backend,ip=10.0.0.9,ip6=fd00::9,alias=db,mac-address=02:42:00:00:00:09`. */
function parseNetwork(text: string): NetworkOfPodSpec {
  const fail = (why: string): never => {
    throw new UsageError(`--network is '${text}': ${why}`);
  };
  if (!text.includes('=')) return { network: refuseShared(text) };
  const values: Record<'name' | 'ip' | 'ip6' | 'mac-address', string | undefined> & { alias: string[] } = {
    ...{ name: undefined, ip: undefined, ip6: undefined, 'mac-address': undefined, alias: [] },
  };
  for (const field of text.split(',')) {
    const [, key = '', value = ''] = /^([^=]+)=(.+)$/.exec(field) ?? fail(`'${field}' must be a key=value pair`);
    if (key === 'alias') values.alias.push(value);
    else if (key === 'name' || key === 'ip' || key === 'ip6' || key === 'mac-address') values[key] = value;
    else fail(`unexpected key '${key}': give name, ip, ip6, alias or mac-address`);
  }
  const { name = fail('name is required'), ip, ip6, alias } = values;
  if (ip !== undefined && !isIPv4(ip)) fail(`ip is '${ip}': give an IPv4 address`);
  if (ip6 !== undefined && !isIPv6(ip6)) fail(`ip6 is '${ip6}': give an IPv6 address`);
  return endpointOf(refuseShared(name), {
    ip,
    ip6,
    mac: values['mac-address'],
    aliases: alias,
    aliasFlag: '--network alias=',
  });
}

function refuseShared(network: string): string {
  if (network === 'host') {
    const why = "a pod has a kernel of its own, so that it cannot share this host's network";
    throw new UsageError(
      `--network host: ${why}: publish ports with -p, or name this host with --add-host NAME:host-gateway`,
    );
  }
  if (network.startsWith('container:')) {
    throw new UsageError('--network container:NAME: pods do not share a network: give them a network of their own');
  }
  return network;
}

/** What `network create` is told of a network's addresses. */
export interface SubnetFlags {
  readonly ipv6?: boolean | undefined;
  readonly subnet?: readonly string[] | undefined;
  readonly gateway?: readonly string[] | undefined;
  readonly ipRange?: readonly string[] | undefined;
}

/** Each flag once for a family; one of IPv6 gives the network IPv6, as --ipv6 does. */
export function parseSubnets(flags: SubnetFlags): Pick<NetworkSpec, 'subnet' | 'gateway' | 'range' | 'ipv6'> {
  const of = (family: 4 | 6): NonNullable<NetworkSpec['ipv6']> => ({
    subnet: onlyOne('--subnet', flags.subnet, family),
    gateway: onlyOne('--gateway', flags.gateway, family),
    range: onlyOne('--ip-range', flags.ipRange, family),
  });
  const ipv6 = of(6);
  const asked = flags.ipv6 === true || (ipv6.subnet ?? ipv6.gateway ?? ipv6.range) !== undefined;
  return { ...of(4), ...(asked ? { ipv6 } : {}) };
}

function onlyOne(flag: string, texts: readonly string[] | undefined, family: 4 | 6): string | undefined {
  const [text, ...more] = (texts ?? []).filter((each) => each.includes(':') === (family === 6));
  if (more.length > 0) throw new UsageError(`${flag} is given twice for IPv${family}: a network has one of each`);
  return text;
}
