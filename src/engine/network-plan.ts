import { isIP } from 'node:net';
import { isDeepStrictEqual } from 'node:util';
import type { Image } from '../image/index.ts';
import { HyperError } from '../lib/errors.ts';
import {
  canonicalAddress,
  checkMac,
  type EgressRule,
  egressTo,
  everyAddress,
  mainEndpoint,
  planWhiteLists,
  reservedNetworks,
  type Networks,
  type PortMapping,
  type TrafficRate,
} from '../network/index.ts';
import type { NetworkOfPod, PodRecord } from '../store/index.ts';
import { maxNics } from '../vm/index.ts';
import type { NetworkOfPodSpec, PodSpec, PortSpec } from './pod-spec.ts';
import { interfaceOf, type NicRequest } from './supply/index.ts';

/** What `--add-host NAME:host-gateway` stands for: this host, as the pod reaches it. */
const hostGateway = 'host-gateway';

/** What a pod is on the network: its user's wishes, checked. */
export function planNetwork(
  spec: PodSpec,
  image: Image,
  networks: Networks,
): Pick<PodRecord, 'networks' | 'dns' | 'hosts' | 'egress' | 'rate' | 'whiteLists' | 'ports'> {
  const wanted = spec.networks ?? [{ network: networks.standard.name }];
  const asked = (spec.ports ?? []).map(planPort);
  const isAsked = ({ guestPort, protocol }: PortMapping): boolean =>
    asked.some((port) => port.guestPort === guestPort && port.protocol === protocol);
  const others =
    spec.publishAll === true
      ? exposed(image)
          .map(planPort)
          .filter((port) => !isAsked(port))
      : [];
  const published = distinctPorts([...asked, ...others]);
  if (wanted.length === 0 && published.length > 0) {
    throw new HyperError('bad_request', 'a pod without a network publishes no ports: leave out --network none, or -p');
  }
  for (const { address } of spec.hosts ?? []) {
    if (address !== hostGateway && isIP(address) === 0) {
      throw new HyperError(
        'bad_request',
        `not an address for a host name: ${address}: give an IP address or host-gateway`,
      );
    }
  }
  return {
    networks: wanted.reduce<NetworkOfPod[]>((all, each) => [...all, planNetworkOf(each, all, networks)], []),
    dns: {
      servers: [...(spec.dns?.servers ?? [])],
      search: [...(spec.dns?.search ?? [])],
      options: [...(spec.dns?.options ?? [])],
    },
    hosts: (spec.hosts ?? []).map(({ name, address }) => ({ name, address })),
    egress: spec.egress?.map(planEgress) ?? null,
    rate: planRate(spec.rate ?? {}),
    whiteLists: spec.whiteLists === undefined ? null : planWhiteLists(spec.whiteLists),
    ports: published,
  };
}

/** A further network of a pod that is on those of `others`. */
export function planNetworkOf(
  { network, aliases = [], address, address6, mac }: NetworkOfPodSpec,
  others: readonly NetworkOfPod[],
  networks: Networks,
): NetworkOfPod {
  if (reservedNetworks.includes(network)) {
    throw new HyperError('bad_request', `${network} is no network beside others: name those that it is to be on`);
  }
  const { name } = networks.find(network);
  if (others.some((other) => other.network === name)) {
    throw new HyperError('conflict', `the pod is on the network ${name} already: name each once`);
  }
  if (others.length >= maxNics) {
    throw new HyperError('unsupported', `a pod can be on ${maxNics} networks at most`);
  }
  const checked = mac === undefined ? undefined : checkMac(mac);
  if (checked !== undefined && others.some((other) => other.mac === checked)) {
    throw new HyperError('conflict', `the pod has a NIC with the MAC address ${checked} already: choose another`);
  }
  return {
    ...{ network: name, aliases: [...aliases] },
    ...(address === undefined ? {} : { address }),
    ...(address6 === undefined ? {} : { address6: canonicalAddress(address6) }),
    ...(checked === undefined ? {} : { mac: checked }),
  };
}

/** They are tried one after another. */
const mostRangePorts = 1024;

/** Each once: the same port of the host given twice is not taken by itself. */
export function distinctPorts(ports: readonly PortMapping[]): PortMapping[] {
  return ports.filter(
    (port, at) => port.hostPort === 0 || ports.findIndex((other) => isDeepStrictEqual(other, port)) === at,
  );
}

/** @throws HyperError `bad_request` for what is no range, or a longer one than a pod may publish ports */
function checkRange(first: number, last: number): void {
  if (first > 0 && last >= first && last - first < mostRangePorts) return;
  const range = `hostPort ${first} to hostPortLast ${last}`;
  throw new HyperError('bad_request', `${range} must be a range of at most ${mostRangePorts} ports`);
}

/** @throws HyperError `bad_request` */
export function planPort({ protocol = 'tcp', hostIp, hostPort = 0, hostPortLast, guestPort }: PortSpec): PortMapping {
  if (hostPortLast !== undefined) checkRange(hostPort, hostPortLast);
  return {
    ...{ protocol, hostIp: hostIp === undefined ? everyAddress : canonicalAddress(hostIp), hostPort, guestPort },
    ...(hostPortLast === undefined ? {} : { hostPortLast }),
  };
}

/** A rule as it is kept, checked. */
export function planEgress(rule: EgressRule): NonNullable<PodRecord['egress']>[number] {
  egressTo(rule); // says what is wrong in it
  const { to, ports, protocol } = rule;
  if (ports !== undefined && ports.first > ports.last) {
    throw new HyperError(
      'bad_request',
      `the ports ${ports.first}-${ports.last} for egress to ${to}: the first is above the last`,
    );
  }
  return { to, ...(ports === undefined ? {} : { ports }), ...(protocol === undefined ? {} : { protocol }) };
}

export function planRate(rate: TrafficRate): PodRecord['rate'] {
  return { ...(rate.in === undefined ? {} : { in: rate.in }), ...(rate.out === undefined ? {} : { out: rate.out }) };
}

/** What a supply is asked for: the pod's NICs, the first in the place of the first. */
export function nicsOf(record: PodRecord): NicRequest[] {
  return record.networks.map((each) => nicOf(record, each));
}

/** A pod's NIC on one of its networks. */
export function nicOf(record: PodRecord, { network, aliases, ...asked }: NetworkOfPod): NicRequest {
  const containers = record.containers.flatMap(({ id, name }) => [name, id.slice(0, 12)]);
  const hostname = record.hostnameIsFormer ? [] : [record.hostname];
  const names = [...new Set([record.name, ...containers, ...hostname, ...aliases])];
  const hostAccess = record.hosts.some((host) => host.address === hostGateway);
  const { egress, rate, whiteLists } = record;
  const limited = (rate.in ?? rate.out) === undefined ? {} : { rate };
  return { network, ...asked, names, hostAccess, nameservers: record.dns.servers, egress, whiteLists, ...limited };
}

/** A network of a pod as it is, or will be where the pod does not run. */
export interface NetworkState {
  readonly network: string;
  readonly aliases: string[];
  readonly address: string | null;
  readonly address6: string | null;
  readonly mac: string | null;
  readonly interface: string | null;
  /** The pod's default route, DNS and published ports are its. */
  readonly main: boolean;
}

export function networksOf({ networks, endpoints }: PodRecord): NetworkState[] {
  const main = mainEndpoint(endpoints)?.network ?? networks[0]?.network;
  return networks.map(({ network, aliases }) => {
    const endpoint = endpoints.find((each) => each.network === network);
    const { address = null, mac = null } = endpoint ?? {};
    const address6 = endpoint?.ipv6?.address ?? null;
    const interfaceName = endpoint === undefined ? null : interfaceOf(endpoint);
    return { network, aliases, address, address6, mac, interface: interfaceName, main: network === main };
  });
}

/** The user's lines of /etc/hosts. */
export function hostLines({ hosts, endpoints }: PodRecord): string[] {
  const gateway = mainEndpoint(endpoints)?.gateway ?? '127.0.0.1';
  return hosts.map(({ name, address }) => `${address === hostGateway ? gateway : address}\t${name}`);
}

/** `80/tcp` of the image's config. */
function exposed(image: Image): PortSpec[] {
  return image.config.exposedPorts.flatMap((text) => {
    const [, first = '', last = first, protocol = 'tcp'] = /^(\d+)(?:-(\d+))?(?:\/(tcp|udp))?$/.exec(text) ?? [];
    if (first === '') return [];
    const count = Math.max(0, Number(last) - Number(first) + 1);
    return Array.from({ length: count }, (_, index) => ({
      guestPort: Number(first) + index,
      protocol: protocol === 'udp' ? ('udp' as const) : ('tcp' as const),
    }));
  });
}
