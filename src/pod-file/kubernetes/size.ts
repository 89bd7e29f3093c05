import type { ContainerSpec, PodSpec } from '../../contract/index.ts';
import { podDefaultsOfFiles } from '../pod-defaults.ts';
import { showFound } from '../found.ts';
import type { FieldPath, Problems } from '../problems.ts';
import type { Container, InitContainer } from './container-fields.ts';
import { parseQuantity } from './quantity.ts';

/** What the guest's kernel takes, and what a container gets that asks for nothing: together the default VM. */
const partMiB = podDefaultsOfFiles.memoryMiB / 2;
const leastCpus = 0.01;
const leastMiB = 4;

/** A container's limits, and what the VM must have for it. */
export interface ContainerSize {
  readonly limits: Pick<ContainerSpec, 'cpus' | 'memoryLimitMiB'>;
  readonly cpus: number;
  readonly memoryMiB: number;
}

export function sizeOf({ resources }: Container | InitContainer, at: FieldPath, problems: Problems): ContainerSize {
  const read = (
    kind: 'limits' | 'requests',
    name: 'cpu' | 'memory',
    least: number,
    unit: number,
  ): number | undefined => {
    const given = resources?.[kind]?.[name];
    if (given === undefined) return undefined;
    const amount = (parseQuantity(given) ?? NaN) / unit;
    // What it asks for is room, of which none is enough for some.
    if (amount >= (kind === 'limits' ? least : 0)) return amount;
    const example = name === 'cpu' ? '10m or more, as 500m' : '4Mi or more, as 128Mi';
    problems.add([...at, 'resources', kind, name], `must be a quantity of ${example}, found ${showFound(given)}`);
    return undefined;
  };
  const cpus = read('limits', 'cpu', leastCpus, 1);
  const memory = read('limits', 'memory', leastMiB, 2 ** 20);
  return {
    limits: { cpus, memoryLimitMiB: memory === undefined ? undefined : Math.ceil(memory) },
    cpus: cpus ?? read('requests', 'cpu', leastCpus, 1) ?? 0,
    memoryMiB: memory ?? read('requests', 'memory', leastMiB, 2 ** 20) ?? partMiB,
  };
}

/** A VM in which all containers have what they may use; it has no other tenants, so that more would be of no use. */
export function vmSize(
  sizes: readonly ContainerSize[],
  inits: readonly ContainerSize[],
): Pick<PodSpec, 'vcpus' | 'memoryMiB'> {
  // Init containers run one after the other, and before the others.
  const sum = (amount: (size: ContainerSize) => number): number =>
    Math.max(
      sizes.reduce((all, size) => all + amount(size), 0),
      ...inits.map(amount),
    );
  return {
    vcpus: Math.max(1, Math.ceil(Number(sum(({ cpus }) => cpus).toFixed(3)))),
    memoryMiB: Math.max(podDefaultsOfFiles.memoryMiB, partMiB + Math.ceil(sum(({ memoryMiB }) => memoryMiB))),
  };
}
