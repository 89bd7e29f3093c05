import { contains, parseAddress, parseSubnet } from './subnet.ts';

/** Whether an address is one of a network's subnets. */
export function isInNetwork(
  { subnet, ipv6 }: { readonly subnet: string; readonly ipv6: { readonly subnet: string } | null },
  address: string,
): boolean {
  const subnets = [subnet, ...(ipv6 === null ? [] : [ipv6.subnet])];
  return subnets.some((each) => contains(parseSubnet(each), parseAddress(address)));
}
