import { isIPv4 } from 'node:net';
import { isDeepStrictEqual } from 'node:util';
import type { Image } from '../image/index.ts';
import { HyperError } from '../lib/errors.ts';
import {
  type EgressRule,
  egressTo,
  everyAddress,
  type Networks,
  type PortMapping,
  type TrafficRate,
} from '../network/index.ts';
import type { PodRecord } from '../store/index.ts';
import type { PodSpec, PortSpec } from './pod-spec.ts';
import type { NicRequest } from './supply/index.ts';

/** What `--add-host NAME:host-gateway` stands for: this host, as the pod reaches it. */
const hostGateway = 'host-gateway';

/** What a pod is on the network: its user's wishes, checked. */
export function planNetwork(
  spec: PodSpec,
  image: Image,
  networks: Networks,
): Pick<PodRecord, 'networks' | 'dns' | 'hosts' | 'egress' | 'rate' | 'ports'> {
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
    if (address !== hostGateway && !isIPv4(address)) {
      throw new HyperError(
        'bad_request',
        `not an address for a host name: ${address}: give an IPv4 address or host-gateway`,
      );
    }
  }
  return {
    networks: wanted.map(({ network, aliases = [], address, mac }) => ({
      network: networks.find(network).name,
      aliases: [...aliases],
      ...(address === undefined ? {} : { address }),
      ...(mac === undefined ? {} : { mac }),
    })),
    dns: { servers: [...(spec.dns?.servers ?? [])], search: [...(spec.dns?.search ?? [])] },
    hosts: (spec.hosts ?? []).map(({ name, address }) => ({ name, address })),
    egress: spec.egress?.map(planEgress) ?? null,
    rate: planRate(spec.rate ?? {}),
    ports: published,
  };
}

/** Each once: the same port of the host given twice is not taken by itself. */
export function distinctPorts(ports: readonly PortMapping[]): PortMapping[] {
  return ports.filter(
    (port, at) => port.hostPort === 0 || ports.findIndex((other) => isDeepStrictEqual(other, port)) === at,
  );
}

export function planPort({ protocol = 'tcp', hostIp = everyAddress, hostPort = 0, guestPort }: PortSpec): PortMapping {
  return { protocol, hostIp, hostPort, guestPort };
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

function planRate(rate: TrafficRate): PodRecord['rate'] {
  return { ...(rate.in === undefined ? {} : { in: rate.in }), ...(rate.out === undefined ? {} : { out: rate.out }) };
}

/** What a supply is asked for: the pod's NIC. Null: it has none. */
export function nicOf(record: PodRecord): NicRequest | null {
  const [first] = record.networks;
  if (first === undefined) return null;
  const { network, aliases, address, mac } = first;
  const containers = record.containers.flatMap(({ id, name }) => [name, id.slice(0, 12)]);
  const names = [...new Set([record.name, ...containers, record.hostname, ...aliases])];
  const hostAccess = record.hosts.some((host) => host.address === hostGateway);
  const { egress, rate } = record;
  const limited = (rate.in ?? rate.out) === undefined ? {} : { rate };
  return { network, address, mac, names, hostAccess, nameservers: record.dns.servers, egress, ...limited };
}

/** The user's lines of /etc/hosts. */
export function hostLines({ hosts, endpoint }: PodRecord): string[] {
  return hosts.map(({ name, address }) => {
    const shown = address === hostGateway ? (endpoint?.gateway ?? '127.0.0.1') : address;
    return `${shown}\t${name}`;
  });
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
