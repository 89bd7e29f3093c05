import { availableParallelism } from 'node:os';
import { HyperError } from '../lib/errors.ts';
import type { HypervisorDescription } from '../vm/index.ts';

/**
 * Each virtual CPU of an emulated VM is a thread of QEMU, and the guest's kernel waits for one after the other to come up:
 * a start takes about a second more for each. This many for each CPU of the host start within the boot's timeout.
 */
const emulatedForEach = 8;

/** @throws HyperError `bad_request` for more virtual CPUs than a VM of this host comes up with */
export function refuseTooManyVcpus(
  vcpus: number | undefined,
  { accelerator }: Pick<HypervisorDescription, 'accelerator'>,
  hostCpus = availableParallelism(),
): void {
  const most = hostCpus * emulatedForEach;
  if (vcpus === undefined || vcpus <= most || accelerator === 'kvm') return;
  const host = hostCpus === 1 ? 'one CPU' : `${hostCpus} CPUs`;
  throw new HyperError(
    'bad_request',
    `vcpus: ${vcpus} is more than this host can start without KVM: it has ${host}, which emulate at most ${most}: give 1 to ${most}`,
  );
}
