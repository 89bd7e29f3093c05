import { createHash } from 'node:crypto';
import { isIP } from 'node:net';
import { HyperError } from '../lib/errors.ts';
import { type AddressedGuest, addressesOf, familyOf, type PacketFamily } from './packet-family.ts';
import { baseOf, contains, formatSubnet, overlaps, parseSubnet, type Subnet } from './subnet.ts';

/** One thing beyond its network that a guest may reach. */
export interface EgressRule {
  /** `10.0.0.0/8`, `2001:db8::/32`, an address, or the name of a host; `*.example.com` is all names below it. */
  readonly to: string;
  /** Default: every port, and what has none. */
  readonly ports?: { readonly first: number; readonly last: number } | undefined;
  /** Default: both where a port is given, else all. */
  readonly protocol?: 'tcp' | 'udp' | undefined;
}

type EgressTo = { readonly subnet: Subnet } | { readonly name: string };

/** What a rule names. @throws HyperError `bad_request` when that is neither a network nor a host. */
export function egressTo({ to }: EgressRule): EgressTo {
  const [address = '', ...rest] = to.split('/');
  if (isIP(address) !== 0) return { subnet: parseSubnet(to) };
  if (rest.length > 0 || !/^(?:\*\.)?[a-z0-9_](?:[a-z0-9_.-]*[a-z0-9_])?$/i.test(to) || /^[\d.]+$/.test(to)) {
    throw new HyperError('bad_request', `not a network or a host for egress: ${to}: give 10.0.0.0/8 or example.com`);
  }
  return { name: to.toLowerCase() };
}

/** The numbers of the rules by which a guest may ask for a name (lower case), and reach its addresses. */
export function rulesForName(egress: readonly EgressRule[], name: string): readonly number[] {
  return [...egress.entries()].flatMap(([index, rule]) => {
    const named = egressTo(rule);
    if (!('name' in named)) return [];
    const fits = named.name.startsWith('*.') ? name.endsWith(named.name.slice(1)) : name === named.name;
    return fits ? index : [];
  });
}

/** What is closed to all is open to who names it: a network that lies in it, and not one around it. */
function opens(subnet: Subnet, forbidden: readonly string[]): boolean {
  return forbidden.some((text) => {
    const closed = parseSubnet(text);
    return closed.prefixLength <= subnet.prefixLength && contains(closed, baseOf(subnet));
  });
}

/** How the rules for all know a packet that a rule of its guest has let pass though its destination is forbidden. */
export const openedMark = 0x68_79_70_72;

/** A tap's name is its VM's, and no other VM's. */
const flowMark = (tap: string): number => createHash('sha256').update(tap).digest().readUInt32BE(0);

/** Of a guest by its tap, or of all guests of a network. */
export const allGuests = 'all';
const chainOf = (whose: string): string => `egress_${whose}`;
/** The addresses of a rule's name, as our DNS server gave them to the guest. */
const setOf = (whose: string, index: number): string => `egress_${whose}_${index}`;

/** What a guest's rules are called. */
export function egressNames(tap: string, egress: readonly EgressRule[]): { chain: string; sets: string[] } {
  const named = [...egress.entries()].filter(([, rule]) => 'name' in egressTo(rule));
  return { chain: chainOf(tap), sets: named.map(([index]) => setOf(tap, index)) };
}

/** The chains that a guest's packets go through on their way out of its network, from the verdict maps. */
export function addEgress(
  table: string,
  guest: AddressedGuest,
  egress: readonly EgressRule[],
  forbidden: readonly string[],
): string {
  const { tap } = guest;
  const flow = flowMark(tap);
  // Its own flows, and not those of a guest that had its address before.
  const bounds = { egress, forbidden, known: `ct mark ${flow} accept`, passes: `ct mark set ${flow} accept` };
  return addressesOf(guest)
    .map(
      ({ family, address }) =>
        boundingChain(family, table, tap, bounds) +
        `add element ${family.name} ${table} egress_guests { ${address} : jump ${chainOf(tap)} }\n`,
    )
    .join('');
}

/** The chain that packets of all guests of a network go through before that of their guest: what it lets pass goes on. */
export function networkEgress(
  family: PacketFamily,
  table: string,
  egress: readonly EgressRule[],
  forbidden: readonly string[],
): string {
  return boundingChain(family, table, allGuests, { egress, forbidden, known: 'return', passes: 'return' });
}

interface Bounds {
  readonly egress: readonly EgressRule[];
  /** Closed to all who do not name it. */
  readonly forbidden: readonly string[];
  /** What becomes of flows that were let pass. */
  readonly known: string;
  /** What becomes of what a rule names. */
  readonly passes: string;
}

function boundingChain(
  { name: ip, type, icmp }: PacketFamily,
  table: string,
  whose: string,
  { egress, forbidden, known, passes }: Bounds,
): string {
  const chain = `${ip} ${table} ${chainOf(whose)}`;
  const closed = forbidden.filter((text) => familyOf(text).name === ip);
  const lines = [`add chain ${chain}`, `flush chain ${chain}`, `add rule ${chain} ct state established ${known}`];
  for (const [index, rule] of egress.entries()) {
    const to = egressTo(rule);
    const set = setOf(whose, index);
    if ('subnet' in to && familyOf(rule.to).name !== ip) continue;
    if ('name' in to) lines.push(`add set ${ip} ${table} ${set} { type ${type}; flags timeout; }`);
    const named = 'subnet' in to && opens(to.subnet, closed);
    const holds = 'name' in to || closed.some((text) => overlaps(to.subnet, parseSubnet(text)));
    const except = holds && !named && closed.length > 0 ? `${ip} daddr != { ${closed.join(', ')} } ` : '';
    const destination = `${ip} daddr ${'name' in to ? `@${set}` : formatSubnet(to.subnet)} ${except}`;
    const marked = named ? `meta mark set ${openedMark} ` : '';
    for (const match of portMatches(rule)) lines.push(`add rule ${chain} ${destination}${match} ${marked}${passes}`);
  }
  lines.push(`add rule ${chain} reject with ${icmp} type admin-prohibited`);
  return lines.map((line) => `${line}\n`).join('');
}

/** Takes them away; they must be there. */
export function deleteEgress(table: string, guest: AddressedGuest, egress: readonly EgressRule[]): string {
  const { chain, sets } = egressNames(guest.tap, egress);
  return addressesOf(guest)
    .flatMap(({ family: { name: ip }, address }) => [
      `delete element ${ip} ${table} egress_guests { ${address} : jump ${chain} }`,
      `flush chain ${ip} ${table} ${chain}`,
      ...sets.map((set) => `delete set ${ip} ${table} ${set}`),
      `delete chain ${ip} ${table} ${chain}`,
    ])
    .map((line) => `${line}\n`)
    .join('');
}

/** Lets a guest reach the addresses of a name that it may ask for. One that is there already is there for longer. */
export function openName(
  table: string,
  tap: string,
  rules: readonly number[],
  addresses: readonly string[],
  seconds: number,
): string {
  return rules
    .flatMap((index) =>
      addresses.flatMap((address) => {
        const set = `${familyOf(address).name} ${table} ${setOf(tap, index)}`;
        return [`add element ${set} { ${address} }`, `delete element ${set} { ${address} }`].concat(
          `add element ${set} { ${address} timeout ${seconds}s }`,
        );
      }),
    )
    .map((line) => `${line}\n`)
    .join('');
}

function portMatches({ ports, protocol }: EgressRule): string[] {
  if (ports === undefined) return protocol === undefined ? [''] : [`meta l4proto ${protocol}`];
  const range = `${ports.first}-${ports.last}`;
  return (protocol === undefined ? ['tcp', 'udp'] : [protocol]).map((each) => `${each} dport ${range}`);
}
