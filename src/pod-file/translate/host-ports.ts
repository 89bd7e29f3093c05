import { isIPv4 } from 'node:net';
import type { PortSpec } from '../../contract/index.ts';
import { type FieldPath, type Problems, showPath } from '../problems.ts';

interface Taken {
  readonly port: PortSpec;
  readonly at: FieldPath;
}

/** The ports of the host that a pod asks for: one can lead to one port of the pod. The same mapping twice is one. */
export class HostPorts {
  readonly #taken = new Map<string, Taken[]>();
  readonly #problems: Problems;

  constructor(problems: Problems) {
    this.#problems = problems;
  }

  /** @param at the mapping in the file. */
  note(port: PortSpec, at: FieldPath): void {
    if (port.hostPortLast !== undefined) return; // one that is free then
    const key = `${port.hostPort ?? 0}/${port.protocol ?? 'tcp'}`;
    const same = this.#taken.get(key) ?? [];
    this.#taken.set(key, same);
    const other = same.find((each) => each.port.guestPort !== port.guestPort && overlap(each.port, port));
    same.push({ port, at });
    if (other === undefined) return;
    this.#problems.add(
      [...at, 'hostPort'],
      `must be unique, and ${key} leads to port ${other.port.guestPort} by ${showPath(other.at)}: give another`,
    );
  }
}

/** Whether there is an address of the host that both are of. */
function overlap({ hostIp: one }: PortSpec, { hostIp: other }: PortSpec): boolean {
  return one === other || covers(one, other) || covers(other, one);
}

function covers(all: string | undefined, address: string | undefined): boolean {
  if (all === undefined) return true;
  if (all === '0.0.0.0') return address !== undefined && isIPv4(address);
  return all === '::' && address !== undefined && !isIPv4(address);
}
