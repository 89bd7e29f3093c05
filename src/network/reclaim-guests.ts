import type { Log } from '../lib/log.ts';
import type { Endpoint } from './endpoint.ts';
import { tableOf } from './firewall-options.ts';
import { leftOverChains } from './guest-chains.ts';
import { resetGuests } from './guest-rules.ts';
import { applyRules } from './nft.ts';
import { deleteTaps, listTaps, putBack } from './tap.ts';

export interface ReclaimOptions {
  readonly bridge: string;
  readonly mtu: number;
  /** As they are now: this network may have IPv6 no more. */
  readonly guests: readonly Endpoint[];
  readonly ipv6: boolean;
  readonly log: Log;
}

/**
 * Removes the taps that no guest has, puts those back that somebody has taken off the bridge, lets their guests through,
 * and answers with the names of the taps that are no more.
 */
export async function reclaimGuests({ bridge, mtu, guests, ipv6, log }: ReclaimOptions): Promise<ReadonlySet<string>> {
  const before = new Set(await listTaps(bridge));
  const away = guests.filter(({ tap }) => !before.has(tap)).map(({ tap }) => tap);
  await putBack(away, bridge, mtu);
  const taps = away.length === 0 ? before : new Set(await listTaps(bridge));
  const found = guests.filter(({ tap }) => taps.delete(tap));
  if (taps.size > 0) log.info({ bridge, taps: [...taps] }, 'left-over taps are removed');
  const chains = await leftOverChains(tableOf(bridge), found);
  await Promise.all([deleteTaps([...taps]), applyRules(resetGuests(bridge, found, ipv6) + chains)]);
  return new Set(guests.filter((guest) => !found.includes(guest)).map(({ tap }) => tap));
}
