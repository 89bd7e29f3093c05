import type { Names } from './dns/names.ts';
import type { Endpoint } from './endpoint.ts';
import { contains, parseAddress, type Subnet } from './subnet.ts';

/** What is needed of a network to answer for its guests' names. */
export interface NamedNetwork {
  readonly addresses: { readonly subnet: Subnet; readonly ipv6: { readonly subnet: Subnet } | null };
  guests(): readonly Endpoint[];
}

/** What the guests of these networks are called, as they are now: a name is that of the first network that has it. */
export function namesIn(networks: readonly NamedNetwork[]): Names {
  return {
    resolve: (name) => networks.map((network) => addressesIn(network, name)).find((found) => found.length > 0),
    reverse: (address) => {
      const asked = parseAddress(address);
      const network = networks.find(({ addresses: { subnet, ipv6 } }) =>
        [subnet, ...(ipv6 === null ? [] : [ipv6.subnet])].some((each) => contains(each, asked)),
      );
      return network && (network.guests().find((guest) => addressesOf(guest).includes(address))?.names[0] ?? null);
    },
  };
}

const addressesOf = ({ address, ipv6 }: Endpoint): string[] => [address, ...(ipv6 === null ? [] : [ipv6.address])];

function addressesIn(network: NamedNetwork, name: string): string[] {
  return network
    .guests()
    .filter(({ names }) => names.some((each) => each.toLowerCase() === name))
    .flatMap(addressesOf);
}
