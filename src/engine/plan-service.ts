import { isIPv6 } from 'node:net';
import { HyperError } from '../lib/errors.ts';
import { canonicalAddress, isInNetwork, type Network, type Networks } from '../network/index.ts';
import type { PodRecord, ServiceOfPod } from '../store/index.ts';

/** Which of a pod's services is meant. */
export interface ServiceName {
  readonly address: string;
  readonly port: number;
  readonly protocol?: 'tcp' | 'udp' | undefined;
}

export interface ServiceSpec extends ServiceName {
  readonly hosts: readonly { readonly address: string; readonly port: number }[];
}

/** What of a pod its services depend on. */
type NetworkedPod = Pick<PodRecord, 'networks' | 'endpoints'>;

/** How many a pod may have, and how many hosts each. */
const mostServices = 64;

/** `10.254.0.1:80/tcp`, as users write it. */
export function describeService({ address, port, protocol = 'tcp' }: ServiceName): string {
  return `${isIPv6(address) ? `[${address}]` : address}:${port}/${protocol}`;
}

export function isSameService(one: ServiceName, other: ServiceName): boolean {
  return describeService(one) === describeService(other);
}

/** A service's name as it is kept. */
export function planServiceName({ address, port, protocol = 'tcp' }: ServiceName): Omit<ServiceOfPod, 'hosts'> {
  return { address: canonicalAddress(address), port, protocol };
}

/**
 * The services of a pod that has those of `known`, as they are kept.
 *
 * @throws HyperError `bad_request`, `conflict` where the pod has one of these already
 */
export function planServices(
  specs: readonly ServiceSpec[],
  known: readonly ServiceOfPod[],
  pod: NetworkedPod,
  networks: Networks,
): ServiceOfPod[] {
  const planned: ServiceOfPod[] = [];
  for (const spec of specs) {
    const service = planService(spec, pod, networks);
    if ([...known, ...planned].some((other) => isSameService(other, service))) {
      const advice = "give each address, port and protocol once, or change its hosts with 'hyper service update'";
      throw new HyperError('conflict', `the pod has the service ${describeService(service)} already: ${advice}`);
    }
    planned.push(service);
  }
  refuseTwoWays([...known, ...planned], pod, networks);
  if (known.length + planned.length > mostServices) {
    throw new HyperError('bad_request', `a pod may have ${mostServices} services`);
  }
  return planned;
}

/** An address is left for by one network, whichever of its ports is asked. @throws HyperError `bad_request` */
export function refuseTwoWays(services: readonly ServiceOfPod[], pod: NetworkedPod, networks: Networks): void {
  const ways = new Map<string, Network | undefined>();
  for (const service of services) {
    const way = networkOfService(service, pod, networks);
    if (ways.has(service.address) && ways.get(service.address) !== way) {
      const why = 'another of its address has hosts of another network: give it an address of its own';
      throw new HyperError('bad_request', `service ${describeService(service)}: ${why}`);
    }
    ways.set(service.address, way);
  }
}

/** One service, checked. */
export function planService(spec: ServiceSpec, pod: NetworkedPod, networks: Networks): ServiceOfPod {
  const name = planServiceName(spec);
  const hosts = spec.hosts.map(({ address, port }) => ({ address: canonicalAddress(address), port }));
  const fail = (why: string): HyperError => new HyperError('bad_request', `service ${describeService(name)}: ${why}`);
  if (pod.networks.length === 0) throw fail('a pod without a network has no services');
  if (isNobodys(name.address)) throw fail('its address must be that of one machine');
  const own = ownAddresses(pod);
  if ([...own, ...gateways(pod, networks)].includes(name.address)) {
    throw fail("its address is the pod's own, or its gateway's: choose another");
  }
  for (const [at, host] of hosts.entries()) {
    const same = hosts.findIndex(({ address, port }) => address === host.address && port === host.port);
    if (same !== at) throw fail(`${host.address} port ${host.port} is twice among its hosts`);
    if (isIPv6(host.address) !== isIPv6(name.address)) throw fail(`its host ${host.address} is of the other IP family`);
    if (isNobodys(host.address)) throw fail(`its host ${host.address} is no machine on a network`);
    if (host.address === name.address) throw fail('it is its own host');
    if (own.includes(host.address)) throw fail(`its host ${host.address} is the pod itself: it must be another`);
  }
  if (isIPv6(name.address) && !pod.networks.some(({ network }) => networks.find(network).ipv6 !== null)) {
    throw fail('no network of the pod has IPv6');
  }
  const ways = new Set(hosts.flatMap(({ address }) => networkTo(address, pod, networks)?.name ?? []));
  if (ways.size > 1) throw fail(`its hosts are reached by ${[...ways].join(' and ')}: they must be by one network`);
  return { ...name, hosts };
}

/** The network of a pod by which a service's hosts are reached: one that has them, else the main one. */
export function networkOfService({ hosts }: ServiceOfPod, pod: NetworkedPod, networks: Networks): Network | undefined {
  const [way] = hosts.flatMap(({ address }) => networkTo(address, pod, networks) ?? []);
  return way ?? mainNetwork(pod, networks);
}

function networkTo(address: string, pod: NetworkedPod, networks: Networks): Network | undefined {
  const own = pod.networks.map(({ network }) => networks.find(network));
  return own.find((network) => isInNetwork(network, address)) ?? mainNetwork(pod, networks);
}

/** As `mainEndpoint` says it of NICs. */
export function mainNetwork(pod: Pick<NetworkedPod, 'networks'>, networks: Networks): Network | undefined {
  const own = pod.networks.map(({ network }) => networks.find(network));
  return own.find(({ internal }) => !internal) ?? own[0];
}

/** As far as they are known: most are given at a start. */
function ownAddresses({ networks, endpoints }: NetworkedPod): (string | undefined)[] {
  return [
    ...networks.flatMap(({ address, address6 }) => [address, address6]),
    ...endpoints.flatMap(({ address, ipv6 }) => [address, ipv6?.address]),
  ];
}

function gateways(pod: NetworkedPod, networks: Networks): (string | undefined)[] {
  return pod.networks.flatMap(({ network }) => {
    const { gateway, ipv6 } = networks.find(network);
    return [gateway, ipv6?.gateway];
  });
}

/** This network, loopback, multicast and broadcast; of IPv6 what is of one link alone as well. */
function isNobodys(address: string): boolean {
  if (isIPv6(address)) return ['::', '::1'].includes(address) || /^(?:ff|fe[89ab])/.test(address);
  const first = Number(address.split('.')[0]);
  return first === 0 || first === 127 || first >= 224;
}
