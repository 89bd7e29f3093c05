/**
 * The network room: bridges, taps, addresses, packet rules and DNS. Works as root in a network namespace (the host's
 * or one of hyperd's own) and knows nothing of pods or QEMU.
 *
 *     const network = await openNetwork({ owner: root, log });      // never throws: see network.status()
 *     const { missing } = await network.restore(endpointsInStore);  // after a restart: left-over taps go
 *     const endpoint = await network.connect(vmId, { ownerUid });   // tap, MAC, address
 *     await network.disconnect(endpoint);
 *     await network.close();                                        // VMs keep their network: they outlive hyperd
 */
export { openNetwork, type Network } from './network.ts';
export type { Endpoint, ConnectOptions } from './endpoint.ts';
export { defaultBridge, defaultSubnet, type NetworkOptions, type NetworkStatus } from './network-options.ts';
export type { Names } from './dns/names.ts';
