import { isIPv4 } from 'node:net';
import type { Gate } from './dns/gate.ts';
import { allGuests, type EgressRule, rulesForName } from './egress.ts';
import type { Endpoint } from './endpoint.ts';
import type { OpenedNames } from './opened-names.ts';

export interface EgressGateOptions {
  readonly internal: boolean;
  /** What all guests of the network may reach; null: anything. */
  readonly egress: readonly EgressRule[] | null;
  /** Who asks. */
  readonly guest: Endpoint | undefined;
  readonly openedNames: OpenedNames;
}

/** Whether a guest may ask outside for a name; where each list that bounds it names it, the answer opens the way. */
export function egressGate(name: string, { internal, egress, guest, openedNames }: EgressGateOptions): Gate {
  if (internal) return 'closed';
  const bounds = [
    { whose: allGuests, egress },
    { whose: guest?.tap ?? '', egress: guest?.egress ?? null },
  ].flatMap((each) => (each.egress === null ? [] : { whose: each.whose, rules: rulesForName(each.egress, name) }));
  if (bounds.length === 0) return 'open';
  if (bounds.some(({ rules }) => rules.length === 0)) return 'closed';
  return async (addresses, seconds) => {
    const usable = addresses.filter((address) => isIPv4(address) || guest?.ipv6 != null);
    if (usable.length === 0) return;
    for (const { whose, rules } of bounds) await openedNames.open(whose, rules, usable, seconds);
  };
}
