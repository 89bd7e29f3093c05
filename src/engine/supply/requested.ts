import type { VmId } from '../../lib/ids.ts';
import type { VmSpec } from '../../vm/index.ts';
import type { Connected } from './nic-supply.ts';
import type { IdleVm, VmRequest } from './ready-vm.ts';
import type { GuestSize, PodShape } from './shape-uses.ts';
import type { TakeOptions } from './supply-options.ts';

/** What serves it is stored before the guest finds it. */
export async function plugIn(
  { vm, endpoints }: IdleVm,
  { shares, disks, modules }: VmRequest,
  claim: TakeOptions['claim'],
  signal: AbortSignal,
): Promise<void> {
  if (shares.length > 0) {
    await vm.serveShares(shares, signal);
    claim({ vm: vm.record, endpoints });
  }
  if (shares.length > 0 || disks.length > 0 || modules) await vm.plug({ shares: shares.length > 0, disks, modules });
}

export function shapeOf({ vcpus, memoryMiB, shares }: VmRequest): PodShape {
  return { vcpus, memoryMiB, sharedMemory: shares.length > 0 };
}

/** With the NIC that it has from its start; further ones are plugged in. */
export function vmSpec(id: VmId, { vcpus, memoryMiB }: GuestSize, { endpoints: [first] }: Connected): VmSpec {
  const nic = first === undefined ? {} : { nic: { number: first.nic, tap: first.tap, mac: first.mac } };
  return { id, vcpus, memoryMiB, ...nic };
}
