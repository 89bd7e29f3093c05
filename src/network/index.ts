/**
 * The network room: bridges, taps, addresses, packet rules, published ports and DNS. Works as root in a network namespace
 * (the host's or one of hyperd's own) and knows nothing of pods or QEMU.
 *
 *     const networks = await openNetworks({ owner: root, standard: {}, log }); // never throws: see networks.status()
 *     await networks.restore(endpointsInStore);                               // after a restart: left-over taps go
 *     const endpoint = await networks.connect(vmId, { ownerUid });            // tap, MAC, address
 *     await networks.publish(endpoint, [{ protocol: 'tcp', hostIp: '0.0.0.0', hostPort: 8080, guestPort: 80 }]);
 *     await networks.disconnect(endpoint);
 *     await networks.close();                                                 // VMs keep their network: they outlive hyperd
 */
export { openNetworks, type Networks, reservedNetworks } from './networks.ts';
export type { Network } from './network.ts';
export { egressTo, type EgressRule } from './egress.ts';
export type { TrafficRate } from './traffic-rate.ts';
export { mainEndpoint, mainIpv6Endpoint, type Endpoint, type ConnectOptions, type EndpointWish } from './endpoint.ts';
export {
  defaultBridge,
  type HostOutside,
  type NetworkDefinition,
  type NetworkStatus,
  type SubnetDefinition,
} from './network-options.ts';
export {
  describePort,
  everyAddress,
  everyIpv4Address,
  everyIpv6Address,
  type PortMapping,
  type Protocol,
  type PublishedPort,
} from './ports/port-mapping.ts';
export { checkMac } from './link-names.ts';
export { planWhiteLists, type WhiteLists } from './white-lists.ts';
export { isInNetwork } from './is-in-network.ts';
export { canonicalAddress } from './subnet.ts';
export { SlirpPorts } from './ports/slirp-ports.ts';
export type { HostPorts } from './ports/host-ports.ts';
export type { Names } from './dns/names.ts';
