import { isIPv4 } from 'node:net';
import type { NetworkOfPodSpec } from '../../contract/index.ts';
import { UsageError } from '../usage-error.ts';

/** What the flags beside --network say: of the first one. */
export interface EndpointFlags {
  readonly ip?: string | undefined;
  readonly mac?: string | undefined;
  readonly aliases?: readonly string[] | undefined;
}

/** The networks of --network, each a name or docker's long form; none: it was not given. Empty: `none`. */
export function parseNetworks(texts: readonly string[], flags: EndpointFlags): NetworkOfPodSpec[] | undefined {
  const given = (flags.ip ?? flags.mac ?? flags.aliases) !== undefined;
  if (texts.length === 0) return given ? [endpointOf('default', flags)] : undefined;
  const networks = texts.map(parseNetwork);
  const none = networks.some(({ network }) => network === 'none');
  if (none && networks.length > 1) throw new UsageError('--network none: leave out the other networks');
  if (none && given) throw new UsageError('--network none: leave out --ip, --mac and --network-alias');
  if (none) return [];
  const [first, ...others] = networks;
  return first === undefined ? [] : [{ ...first, ...endpointOf(first.network, flags, first.aliases) }, ...others];
}

/** A network with what a pod is to be on it. */
export function endpointOf(network: string, flags: EndpointFlags, others: readonly string[] = []): NetworkOfPodSpec {
  const { ip, mac, aliases = [] } = flags;
  if (ip !== undefined && !isIPv4(ip)) throw new UsageError(`--ip is '${ip}': give an IPv4 address`);
  const all = [...others, ...aliases];
  return {
    network,
    ...(all.length === 0 ? {} : { aliases: all }),
    ...(ip === undefined ? {} : { address: ip }),
    ...(mac === undefined ? {} : { mac }),
  };
}

/** `backend`, or `name=backend,ip=10.0.0.9,alias=db,mac-address=02:42:00:00:00:09`. */
function parseNetwork(text: string): NetworkOfPodSpec {
  const fail = (why: string): never => {
    throw new UsageError(`--network is '${text}': ${why}`);
  };
  if (!text.includes('=')) return { network: refuseShared(text) };
  const values: Record<'name' | 'ip' | 'mac-address', string | undefined> & { alias: string[] } = {
    ...{ name: undefined, ip: undefined, 'mac-address': undefined, alias: [] },
  };
  for (const field of text.split(',')) {
    const [, key = '', value = ''] = /^([^=]+)=(.+)$/.exec(field) ?? fail(`'${field}' must be a key=value pair`);
    if (key === 'alias') values.alias.push(value);
    else if (key === 'name' || key === 'ip' || key === 'mac-address') values[key] = value;
    else fail(`unexpected key '${key}': give name, ip, alias or mac-address`);
  }
  const { name = fail('name is required'), ip, alias } = values;
  if (ip !== undefined && !isIPv4(ip)) fail(`ip is '${ip}': give an IPv4 address`);
  return endpointOf(refuseShared(name), { ip, mac: values['mac-address'], aliases: alias });
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
