import type { Names } from './dns/names.ts';
import type { Endpoint } from './endpoint.ts';
import { contains, parseAddress, type Subnet } from './subnet.ts';

/** What is needed of a network to answer for its guests' names. */
export interface NamedNetwork {
  readonly addresses: { readonly subnet: Subnet };
  guests(): readonly Endpoint[];
}

/** What the guests of these networks are called, as they are now: a name is that of the first network that has it. */
export function namesIn(networks: readonly NamedNetwork[]): Names {
  return {
    resolve: (name) => networks.map((network) => addressesOf(network, name)).find((found) => found.length > 0),
    reverse: (address) => {
      const network = networks.find(({ addresses: { subnet } }) => contains(subnet, parseAddress(address)));
      return network && (network.guests().find((guest) => guest.address === address)?.names[0] ?? null);
    },
  };
}

function addressesOf(network: NamedNetwork, name: string): string[] {
  return network
    .guests()
    .flatMap(({ names, address }) => (names.some((each) => each.toLowerCase() === name) ? address : []));
}
