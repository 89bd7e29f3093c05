import type { Endpoint } from '../../network/index.ts';
import type { VmRequest } from './ready-vm.ts';

/** The addresses that a pod asks for. */
export function addressesAskedFor(nics: VmRequest['nics']): readonly string[] {
  return nics.flatMap(({ address, address6 }) => [address, address6].filter((each) => each !== undefined));
}

/** Whether a NIC has one of these addresses. */
export function hasOneOf(addresses: readonly string[], { address, ipv6 }: Endpoint): boolean {
  return addresses.includes(address) || (ipv6 !== null && addresses.includes(ipv6.address));
}
