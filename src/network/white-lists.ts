import { HyperError } from '../lib/errors.ts';
import { linkLocalOf } from './link-names.ts';
import {
  type AddressedGuest,
  addressesOf,
  familyOf,
  ipv4Packets,
  ipv6Packets,
  type PacketFamily,
} from './packet-family.ts';
import type { PublishedPort } from './ports/port-mapping.ts';
import { formatSubnet, parseSubnet } from './subnet.ts';

/** Who may reach a guest; all others do not. */
export interface WhiteLists {
  /** Networks that reach all of its ports: `10.0.0.0/8`, `fd00::/8`. */
  readonly internal: readonly string[];
  /** Networks that reach the ports alone that the host publishes of it. */
  readonly external: readonly string[];
}

/** As they are kept. @throws HyperError `bad_request` */
export function planWhiteLists({ internal, external }: WhiteLists): { internal: string[]; external: string[] } {
  if (internal.length + external.length === 0) {
    throw new HyperError(
      'bad_request',
      'white lists name no network: name those that may reach the pod, or leave them out',
    );
  }
  const planned = (networks: readonly string[]): string[] => [
    ...new Set(networks.map((network) => formatSubnet(parseSubnet(network)))),
  ];
  return { internal: planned(internal), external: planned(external) };
}

interface Guarded extends AddressedGuest {
  readonly mac: string;
  readonly whiteLists: WhiteLists | null;
  readonly ports: readonly PublishedPort[];
}

const toGuest = (tap: string): string => `guard_${tap}`;
const fromGuest = (tap: string): string => `guard_${tap}_from`;
/** The UDP flows that a guest has begun to others of its network. */
const flowsOf = (tap: string, { name }: PacketFamily): string => `guard_${tap}_${name}`;
const families = [ipv4Packets, ipv6Packets];
/** As long as connection tracking keeps a flow. */
const flowLasts = '3m';

/** What the rules of a guest are called. */
export function guardNames(tap: string): { chains: string[]; sets: string[] } {
  return {
    chains: [toGuest(tap), fromGuest(tap)],
    sets: families.map((family) => flowsOf(tap, family)),
  };
}

/**
 * The walls around a guest with white lists; made anew where they are there. Two, for what comes over the host and what
 * comes from its own network: a bridge tracks no connections (that takes a module that not every host has).
 */
export function addGuard(table: string, guest: Guarded): string {
  if (guest.whiteLists === null) return '';
  return lines([...routedGuard(table, guest, guest.whiteLists), ...bridgedGuard(table, guest, guest.whiteLists)]);
}

/** Takes them away; they must be there. */
export function deleteGuard(table: string, guest: Guarded): string {
  const { tap, whiteLists } = guest;
  if (whiteLists === null) return '';
  const [to, from] = [toGuest(tap), fromGuest(tap)];
  return lines([
    ...reachedAt(guest).map((at) => guardedElement('delete', table, at, to)),
    ...addressesOf(guest).flatMap(({ family: { name: ip } }) => deleteChain(`${ip} ${table} ${to}`)),
    `delete element bridge ${table} guarded_to { "${tap}" : jump ${to} }`,
    `delete element bridge ${table} guarded_from { "${tap}" : jump ${from} }`,
    ...[to, from].flatMap((chain) => deleteChain(`bridge ${table} ${chain}`)),
    ...families.map((family) => `delete set bridge ${table} ${flowsOf(tap, family)}`),
  ]);
}

/** The host reaches a guest of IPv6 by its link-local address too. */
function reachedAt(guest: Guarded): ReturnType<typeof addressesOf> {
  const linkLocal = { family: ipv6Packets, address: linkLocalOf(guest.mac) };
  return [...addressesOf(guest), ...(guest.ipv6 === null ? [] : [linkLocal])];
}

function guardedElement(
  verb: 'add' | 'delete',
  table: string,
  { family, address }: ReturnType<typeof addressesOf>[number],
  chain: string,
): string {
  return `${verb} element ${family.name} ${table} guarded { ${address} : jump ${chain} }`;
}

/** What the host itself sends, and what it passes on, by the source that it came with. */
function routedGuard(table: string, guest: Guarded, lists: WhiteLists): string[] {
  const name = toGuest(guest.tap);
  const chains = addressesOf(guest).flatMap(({ family }) => {
    const chain = `${family.name} ${table} ${name}`;
    return [
      ...emptyChain(chain),
      `add rule ${chain} ct direction reply return`,
      `add rule ${chain} ct state related return`,
      ...(family === ipv6Packets ? [`add rule ${chain} ${neighbours} return`] : []),
      ...listed(family, guest, lists).map((match) => `add rule ${chain} ${match} return`),
      `add rule ${chain} drop`,
    ];
  });
  return [...chains, ...reachedAt(guest).map((at) => guardedElement('add', table, at, name))];
}

/**
 * What others of its network send it. A TCP connection begins with a SYN that is no answer: whatever else comes begins none.
 * Of UDP what it has begun itself is answered. Errors of ICMP, and answers to its pings, come from everyone.
 */
function bridgedGuard(table: string, guest: Guarded, lists: WhiteLists): string[] {
  const { tap } = guest;
  const [to, from] = [toGuest(tap), fromGuest(tap)].map((name) => `bridge ${table} ${name}`);
  const addresses = addressesOf(guest).map(({ family }) => family);
  const flows = (family: PacketFamily): string => flowsOf(tap, family);
  return [
    ...families.map(
      (family) =>
        `add set bridge ${table} ${flows(family)} { type ${family.type} . inet_service . inet_service; flags dynamic,timeout; timeout ${flowLasts}; size 65535; }`,
    ),
    ...emptyChain(from ?? ''),
    ...families.map(
      (family) =>
        `add rule ${from} meta l4proto udp update @${flows(family)} { ${family.name} daddr . udp dport . udp sport }`,
    ),
    ...emptyChain(to ?? ''),
    `add rule ${to} ether type arp return`,
    ...addresses.flatMap((family) => listed(family, guest, lists).map((match) => `add rule ${to} ${match} return`)),
    `add rule ${to} tcp flags & (syn | ack) != syn return`,
    ...families.map((family) => `add rule ${to} ${family.name} saddr . udp sport . udp dport @${flows(family)} return`),
    `add rule ${to} icmp type { echo-reply, destination-unreachable, time-exceeded, parameter-problem } return`,
    `add rule ${to} icmpv6 type { echo-reply, destination-unreachable, packet-too-big, time-exceeded, parameter-problem, mld-listener-query } return`,
    `add rule ${to} ${neighbours} return`,
    `add rule ${to} drop`,
    `add element bridge ${table} guarded_to { "${tap}" : jump ${toGuest(tap)} }`,
    `add element bridge ${table} guarded_from { "${tap}" : jump ${fromGuest(tap)} }`,
  ];
}

/** IPv6's ARP. */
const neighbours = 'icmpv6 type { nd-neighbor-solicit, nd-neighbor-advert }';

/** What matches the packets of a family that the lists let through. */
function listed({ name: ip }: PacketFamily, { ports }: Guarded, { internal, external }: WhiteLists): string[] {
  const from = (networks: readonly string[], rest: string): string[] =>
    networks.filter((network) => familyOf(network).name === ip).map((network) => `${ip} saddr ${network}${rest}`);
  const published = [...new Set(ports.map(({ protocol, guestPort }) => `${protocol} . ${guestPort}`))];
  const toPublished = ` meta l4proto . th dport { ${published.join(', ')} }`;
  return [...from(internal, ''), ...(published.length === 0 ? [] : from(external, toPublished))];
}

const emptyChain = (chain: string): string[] => [`add chain ${chain}`, `flush chain ${chain}`];
const deleteChain = (chain: string): string[] => [`flush chain ${chain}`, `delete chain ${chain}`];
const lines = (all: readonly string[]): string => all.map((line) => `${line}\n`).join('');
