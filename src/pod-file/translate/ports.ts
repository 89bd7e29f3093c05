import type { PortSpec } from '../../contract/index.ts';
import { pairPorts } from '../../lib/pair-ports.ts';
import { showFound } from '../found.ts';
import type { FieldPath, Problems } from '../problems.ts';
import type { PortMapping } from '../schema/port-fields.ts';

/** The most that one range may have, as many as a pod may have in all. */
const mostPorts = 1024;

/** A mapping for each port of the ranges; none where they do not fit together. */
export function translatePorts(mapping: PortMapping, at: FieldPath, problems: Problems): PortSpec[] {
  const { containerPort, hostPort, protocol = 'tcp' } = mapping;
  const guest = portsOf(containerPort, [...at, 'containerPort'], problems);
  // Left out, or 0 as the first Hyper's programs wrote it: the same.
  const host = hostPort === undefined || hostPort === 0 ? guest : portsOf(hostPort, [...at, 'hostPort'], problems);
  if (guest === undefined || host === undefined) return [];
  const pairs = pairPorts(guest, host);
  if (pairs === undefined) {
    problems.add(
      [...at, 'hostPort'],
      `must be a range as long as containerPort's ${guest.length}, found ${host.length} ports`,
    );
  }
  return (pairs ?? []).map((pair) => ({ protocol, ...pair }));
}

function portsOf(range: number | string, at: FieldPath, problems: Problems): number[] | undefined {
  const [first = NaN, last = first] = String(range).split('-').map(Number);
  if (!(first >= 1 && first <= last && last <= 65_535)) {
    problems.add(at, `must be a port from 1 to 65535, or a range of them, found ${showFound(range)}`);
    return undefined;
  }
  if (last - first >= mostPorts) {
    problems.add(at, `must have at most ${mostPorts} ports, found ${last - first + 1}`);
    return undefined;
  }
  return Array.from({ length: last - first + 1 }, (_, index) => first + index);
}
