import { allDone } from '../../lib/all-done.ts';
import { unlessAborted } from '../../lib/unless-aborted.ts';
import type { Endpoint } from '../../network/index.ts';
import type { NicRequest } from './ready-vm.ts';

/** A NIC that is asked for, as far as its addresses go. */
export type AddressWish = Pick<NicRequest, 'address' | 'address6'>;

/** What has addresses and waits. */
interface Waiting {
  /** Gives up what has one of these; resolves when it is gone. */
  giveUpWith(addresses: readonly string[]): Promise<void>;
}

/** What waits gives way to who asks for its address. */
export async function freeAddresses(
  nics: readonly AddressWish[],
  waiting: readonly Waiting[],
  signal?: AbortSignal,
): Promise<void> {
  const asked = nics.flatMap(({ address, address6 }) => [address, address6].filter((each) => each !== undefined));
  if (asked.length === 0) return;
  const given = allDone(waiting.map((each) => each.giveUpWith(asked)));
  await (signal === undefined ? given : unlessAborted(given, signal));
}

/** Whether a NIC has one of these addresses. */
export function hasOneOf(addresses: readonly string[], { address, ipv6 }: Endpoint): boolean {
  return addresses.includes(address) || (ipv6 !== null && addresses.includes(ipv6.address));
}
