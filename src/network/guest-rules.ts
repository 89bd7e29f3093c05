import { isDeepStrictEqual } from 'node:util';
import { addIpv6Guest, deleteIpv6Guest } from './bridge-rules.ts';
import { addEgress, deleteEgress } from './egress.ts';
import type { Endpoint } from './endpoint.ts';
import { metadataServices, tableOf } from './firewall-options.ts';
import { addressesOf, type AddressedGuest, familyOf } from './packet-family.ts';
import type { PublishedPort } from './ports/port-mapping.ts';
import { addRate, deleteRate } from './traffic-rate.ts';
import { addGuard, deleteGuard } from './white-lists.ts';

/** Ties each tap to the one MAC and address it may send from, opens its published ports, and bounds what it may reach. */
export function admitGuests(bridge: string, endpoints: readonly Endpoint[]): string {
  return endpoints
    .map((endpoint) => {
      const { egress, tap, rate } = endpoint;
      const table = tableOf(bridge);
      const bounded = egress === null ? '' : addEgress(table, endpoint, egress, metadataServices);
      const walls = addIpv6Guest(table, endpoint) + addGuard(table, endpoint);
      return bounded + addRate(table, tap, rate) + walls + elements('add', bridge, endpoint);
    })
    .join('');
}

/** Takes an endpoint's tie away; one that is not there is fine, since it is added first. */
export function dismissGuest(bridge: string, endpoint: Endpoint): string {
  const { egress, tap, rate } = endpoint;
  const table = tableOf(bridge);
  const bounds = egress === null ? '' : deleteEgress(table, endpoint, egress);
  const walls = deleteIpv6Guest(table, endpoint) + deleteGuard(table, endpoint);
  const freed = bounds + deleteRate(table, tap, rate) + walls;
  return admitGuests(bridge, [endpoint]) + elements('delete', bridge, endpoint) + freed;
}

/** Leaves these endpoints' ties and ports and no others. @param ipv6 whether the network has it */
export function resetGuests(bridge: string, endpoints: readonly Endpoint[], ipv6: boolean): string {
  const ofFamily = ['ports', 'ports_of_all', 'egress_guests', 'guarded'];
  const ofBridge = ['set guests', 'set taps', 'map rates', 'map ipv6_guests', 'map guarded_to', 'map guarded_from'];
  const flushed = [
    ...ofBridge.map((what) => what.replace(' ', ' bridge TABLE ')),
    ...(ipv6 ? ['ip', 'ip6'] : ['ip']).flatMap((ip) => ofFamily.map((map) => `map ${ip} TABLE ${map}`)),
  ];
  const flush = flushed.map((what) => `flush ${what.replace('TABLE', tableOf(bridge))}\n`).join('');
  return flush + admitGuests(bridge, endpoints);
}

/** Opens published ports of a guest. */
export function openPorts(bridge: string, guest: Endpoint, ports: readonly PublishedPort[]): string {
  const all = [...guest.ports, ...ports];
  return (
    ports.map((port) => portElement('add', bridge, guest, port)).join('') +
    addGuard(tableOf(bridge), { ...guest, ports: all })
  );
}

/** Closes them; those that are not there are fine. */
export function closePorts(bridge: string, guest: Endpoint, ports: readonly PublishedPort[]): string {
  const left = guest.ports.filter((port) => !ports.includes(port));
  return (
    ports.map((port) => portElement('add', bridge, guest, port) + portElement('delete', bridge, guest, port)).join('') +
    addGuard(tableOf(bridge), { ...guest, ports: left })
  );
}

function elements(verb: 'add' | 'delete', bridge: string, endpoint: Endpoint): string {
  const { tap, mac, address, hostAccess, ports } = endpoint;
  const table = tableOf(bridge);
  const hostUsers = addressesOf(endpoint).map((each) => {
    const set = each.family.name === 'ip' ? 'host_users' : 'host_users6';
    return `${verb} element inet ${table} ${set} { ${each.address} }\n`;
  });
  return (
    `${verb} element bridge ${table} guests { "${tap}" . ${mac} . ${address} }\n` +
    `${verb} element bridge ${table} taps { "${tap}" }\n` +
    (hostAccess ? hostUsers.join('') : '') +
    ports.map((port) => portElement(verb, bridge, endpoint, port)).join('')
  );
}

/**
 * A port of a family that the guest has no address of leads nowhere. One that arrives elsewhere than it is asked for, by a
 * tool, is found at both places: guests ask the host for it.
 */
function portElement(
  verb: 'add' | 'delete',
  bridge: string,
  guest: AddressedGuest,
  { protocol, guestPort, hostIp, hostPort, arrivesAt }: PublishedPort,
): string {
  const family = familyOf(arrivesAt.ip);
  const to = addressesOf(guest).find((each) => each.family === family);
  if (to === undefined) return '';
  const asAsked = { ip: hostIp, port: hostPort };
  const places = isDeepStrictEqual(asAsked, arrivesAt) ? [arrivesAt] : [arrivesAt, asAsked];
  return places
    .map(({ ip, port }) => {
      const key = `${protocol} . ${port}`;
      const [map, at] = ip === family.every ? ['ports_of_all', key] : ['ports', `${ip} . ${key}`];
      return `${verb} element ${family.name} ${tableOf(bridge)} ${map} { ${at} : ${to.address} . ${guestPort} }\n`;
    })
    .join('');
}
