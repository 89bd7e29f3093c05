import { HyperError } from '../lib/errors.ts';
import type { PodRecord } from '../store/index.ts';
import type { Hypervisor, VmRecord } from '../vm/index.ts';
import type { EngineOptions } from './pod-context.ts';
import { podDefaults } from './pod-spec.ts';
import type { VmSupply } from './supply/index.ts';
import { refuseTooManyVcpus } from './vcpu-bound.ts';

/** What a VM without a pod is to have; left out: as pods. */
export interface VmWish {
  readonly vcpus?: number | undefined;
  readonly memoryMiB?: number | undefined;
}

/** What users do with VMs that have no pod yet. */
export class VmDesk {
  readonly #supply: VmSupply;
  readonly #hypervisor: Hypervisor;

  constructor(supply: VmSupply, hypervisor: Hypervisor) {
    this.#supply = supply;
    this.#hypervisor = hypervisor;
  }

  /** Those of the pool, and those that users have made. */
  idle(): readonly VmRecord[] {
    return this.#supply.idle();
  }

  /** A VM that waits for a pod. It goes with this hyperd. */
  async create({ vcpus, memoryMiB }: VmWish, signal: AbortSignal): Promise<VmRecord> {
    refuseTooManyVcpus(vcpus, this.#hypervisor.describe());
    const size = { vcpus: vcpus ?? podDefaults.vcpus, memoryMiB: memoryMiB ?? podDefaults.memoryMiB };
    return await this.#supply.keep(size, signal);
  }

  async remove(text: string): Promise<string> {
    return await this.#supply.kept.remove(text);
  }
}

/** Whether its VM is served folders of the host: such a VM is made for its pod. */
export function needsShares({ containers }: Pick<PodRecord, 'containers'>): boolean {
  return containers.some(({ mounts }) => mounts.some(({ type }) => type === 'bind' || type === 'volume'));
}

/** Says why a pod cannot start in that VM, while it still is as it was. */
export function checkVm(vm: string, record: PodRecord, { supply }: EngineOptions): void {
  const { vcpus, memoryMiB, networks } = record;
  supply.kept.check(vm, { vcpus, memoryMiB, sharedMemory: needsShares(record) });
  if (networks.length > 0) return;
  throw new HyperError('conflict', `the VM ${vm} has a NIC, and the pod no network: start it without the VM`);
}
