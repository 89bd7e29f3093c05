import { z } from 'zod';
import { runCommand } from '../lib/run-command.ts';
import { ipv6ChainOf } from './bridge-rules.ts';
import { egressNames } from './egress.ts';
import type { Endpoint } from './endpoint.ts';
import { rateChainOf } from './traffic-rate.ts';
import { guardNames } from './white-lists.ts';

const Named = z.object({ family: z.string(), table: z.string(), name: z.string() });
const Listed = z.object({
  nftables: z.array(z.object({ chain: Named.optional(), set: Named.optional() })),
});

/** The names that chains and sets of guests begin with; the tables' own have none of them. */
const ofGuests = /^(?:egress|rate|ipv6|guard)_hy/;

/**
 * The commands that take away what bounded guests that are not there any more: hyperd may have been killed between their
 * end and the end of their rules. Nothing may lead to those chains: it comes after the maps are made anew.
 */
export async function leftOverChains(table: string, guests: readonly Endpoint[]): Promise<string> {
  const known = new Set(guests.flatMap(namesOf));
  const listed = await Promise.all(['chains', 'sets'].map((kind) => runCommand('nft', ['-j', 'list', kind])));
  const found = listed.flatMap(({ stdout }) => Listed.parse(JSON.parse(stdout)).nftables);
  const isLeft = (each: z.infer<typeof Named> | undefined): each is z.infer<typeof Named> =>
    each !== undefined && each.table === table && ofGuests.test(each.name) && !known.has(each.name);
  const [chains, sets] = [found.map(({ chain }) => chain).filter(isLeft), found.map(({ set }) => set).filter(isLeft)];
  const path = ({ family, name }: z.infer<typeof Named>): string => `${family} ${table} ${name}`;
  return [
    ...chains.map((chain) => `flush chain ${path(chain)}\n`), // they hold the sets
    ...sets.map((set) => `delete set ${path(set)}\n`),
    ...chains.map((chain) => `delete chain ${path(chain)}\n`),
  ].join('');
}

function namesOf({ tap, egress, rate, ipv6, whiteLists }: Endpoint): string[] {
  const { chain, sets } = egressNames(tap, egress ?? []);
  return [
    ...(egress === null ? [] : [chain, ...sets]),
    ...(rate.out === undefined ? [] : [rateChainOf(tap)]),
    ...(ipv6 === null ? [] : [ipv6ChainOf(tap)]),
    ...(whiteLists === null ? [] : Object.values(guardNames(tap)).flat()),
  ];
}
