import { isDeepStrictEqual } from 'node:util';
import { HyperError } from '../lib/errors.ts';
import {
  describePort,
  type Endpoint,
  everyAddress,
  everyIpv4Address,
  everyIpv6Address,
  mainEndpoint,
  type PortMapping,
} from '../network/index.ts';
import type { PodRecord } from '../store/index.ts';
import type { EngineOptions } from './pod-context.ts';

type Context = Pick<EngineOptions, 'networks' | 'store' | 'log'>;

/** Opens the ports that a pod's user asked for, once it has its NIC. The caller stores the record. */
export async function publishAll(record: PodRecord, { networks }: Context): Promise<void> {
  if (record.ports.length === 0) return;
  const main = mainEndpoint(record.endpoints);
  if (main === undefined) {
    record.warnings.push('its ports are not published');
    return;
  }
  replaceEndpoint(record, await networks.publish(main, record.ports));
}

/** Opens further ports, at once where the pod runs, and at each of its starts. Answers with them as they stand. */
export async function publish(
  record: PodRecord,
  mappings: readonly PortMapping[],
  { networks, store, log }: Context,
): Promise<readonly PortMapping[]> {
  if (record.networks.length === 0) {
    throw new HyperError('conflict', `pod ${record.name} has no network: it publishes no ports`);
  }
  const fixed = mappings.find(
    (mapping) => mapping.hostPort !== 0 && record.ports.some((port) => isDeepStrictEqual(port, mapping)),
  );
  if (fixed !== undefined) {
    throw new HyperError('conflict', `pod ${record.name} publishes ${describePort(fixed)} already`);
  }
  const main = mainEndpoint(record.endpoints);
  const changed = main === undefined ? undefined : await networks.publish(main, mappings);
  const added = changed?.ports.slice(main?.ports.length);
  const before = record.ports;
  if (changed !== undefined) replaceEndpoint(record, changed);
  record.ports = [...before, ...mappings];
  try {
    store.savePod(record);
  } catch (error) {
    record.ports = before;
    if (changed !== undefined) await takeBack(record, changed, added ?? [], { networks, log });
    throw error;
  }
  return added ?? mappings;
}

/** Closes what was opened and could not be stored. Where that fails, the ports go with the VM. */
async function takeBack(
  record: PodRecord,
  endpoint: Endpoint,
  added: Endpoint['ports'],
  { networks, log }: Omit<Context, 'store'>,
): Promise<void> {
  try {
    replaceEndpoint(record, await networks.unpublish(endpoint, added));
  } catch (error) {
    log.error({ pod: record.id, error }, 'ports that could not be stored are open until the pod ends');
  }
}

/** Which of a pod's ports: those that fit all that is given. */
export interface PortFilter {
  readonly guestPort: number;
  readonly protocol?: PortMapping['protocol'] | undefined;
  readonly hostIp?: string | undefined;
  readonly hostPort?: number | undefined;
  readonly hostPortLast?: number | undefined;
}

/** Closes ports: those that were asked for like that, or that stand at this port. @throws HyperError `not_found` where none fits. */
export async function unpublish(record: PodRecord, filter: PortFilter, { networks, store }: Context): Promise<number> {
  const { hostPort, hostPortLast } = filter;
  if (hostPortLast !== undefined && (hostPort === undefined || hostPortLast < hostPort)) {
    throw new HyperError('bad_request', 'hostPortLast must be the end of a range that begins at hostPort');
  }
  const fits = (port: PortMapping): boolean =>
    port.guestPort === filter.guestPort &&
    (filter.protocol ?? 'tcp') === port.protocol &&
    (filter.hostIp ?? port.hostIp) === port.hostIp &&
    (hostPort === undefined || (hostPort === port.hostPort && hostPortLast === port.hostPortLast));
  const main = mainEndpoint(record.endpoints);
  const all = main?.ports ?? [];
  /** What stands of one that was asked for: of a range or any, what nobody has asked for by its number. */
  const standsOf = (asked: PortMapping): PortMapping[] =>
    all.filter((each) => isOf(each, asked) && (isFixed(asked) || !record.ports.some((port) => isAt(each, port))));
  const asked = record.ports.filter(fits);
  const going = new Set<PortMapping>([...all.filter(fits), ...asked.flatMap(standsOf)]);
  const standing = all.filter((each) => going.has(each));
  /** One that was to be any, one of a range, or on every address, is known by what stands of it: it goes with the last. */
  const gone = record.ports.filter((port) => {
    const own = standsOf(port);
    return asked.includes(port) || (own.length > 0 && own.every((each) => going.has(each)));
  });
  if (gone.length === 0 && standing.length === 0) {
    const what = `${filter.guestPort}/${filter.protocol ?? 'tcp'}`;
    throw new HyperError(
      'not_found',
      `pod ${record.name} does not publish ${what}: see 'hyper ports ls ${record.name}'`,
    );
  }
  if (main !== undefined) replaceEndpoint(record, await networks.unpublish(main, standing));
  record.ports = record.ports.filter((port) => !gone.includes(port));
  store.keepPod(record);
  return Math.max(gone.length, standing.length);
}

/** A pod's ports as they stand; of one that does not run, as they will be. */
export function portsOf({ endpoints, ports }: PodRecord): readonly PortMapping[] {
  return mainEndpoint(endpoints)?.ports ?? ports;
}

/** A NIC is another now: its ports are. */
export function replaceEndpoint(record: PodRecord, changed: Endpoint): void {
  const at = record.endpoints.findIndex(({ nic }) => nic === changed.nic);
  record.endpoints[at] = changed;
}

/** Whether a port that stands is one that was asked for. */
function isOf(standing: PortMapping, asked: PortMapping): boolean {
  const every = [everyIpv4Address, everyIpv6Address];
  return (
    (asked.hostPort === 0 || isWithin(standing.hostPort, asked)) &&
    asked.guestPort === standing.guestPort &&
    asked.protocol === standing.protocol &&
    (asked.hostIp === standing.hostIp || (asked.hostIp === everyAddress && every.includes(standing.hostIp)))
  );
}

function isWithin(port: number, { hostPort, hostPortLast = hostPort }: PortMapping): boolean {
  return port >= hostPort && port <= hostPortLast;
}

function isFixed({ hostPort, hostPortLast }: PortMapping): boolean {
  return hostPort !== 0 && hostPortLast === undefined;
}

/** Whether a port that stands was asked for by its number. */
function isAt(standing: PortMapping, asked: PortMapping): boolean {
  return isFixed(asked) && isOf(standing, asked);
}
