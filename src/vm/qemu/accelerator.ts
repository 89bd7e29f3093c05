import { constants } from 'node:fs';
import { access, stat } from 'node:fs/promises';
import { systemCode } from '../../lib/errors.ts';
import type { Accelerator } from '../hypervisor.ts';

export interface AcceleratorChoice {
  readonly accelerator: Accelerator;
  readonly reason: string;
  /** The group that opens /dev/kvm, to be given to QEMU's process; null where it is not needed. */
  readonly kvmGroup: number | null;
  /** Set when KVM was asked for and cannot be had. */
  readonly problem: string | null;
}

const device = '/dev/kvm';

/** KVM where /dev/kvm opens, else TCG; `wanted` insists on one. */
export async function chooseAccelerator(wanted: 'auto' | Accelerator): Promise<AcceleratorChoice> {
  if (wanted === 'tcg') {
    return { accelerator: 'tcg', reason: 'configured', kvmGroup: null, problem: null };
  }
  const obstacle = await obstacleToKvm();
  if (obstacle === null) {
    const { gid, mode } = await stat(device);
    const kvmGroup = (mode & 0o006) === 0o006 ? null : gid;
    return { accelerator: 'kvm', reason: `${device} opens`, kvmGroup, problem: null };
  }
  return {
    accelerator: wanted === 'kvm' ? 'kvm' : 'tcg',
    reason: obstacle,
    kvmGroup: null,
    problem: wanted === 'kvm' ? `KVM is configured but ${obstacle}` : null,
  };
}

async function obstacleToKvm(): Promise<string | null> {
  try {
    await access(device, constants.R_OK | constants.W_OK);
    return null;
  } catch (error) {
    return systemCode(error) === 'EACCES'
      ? `no right to ${device}: add this user to the group 'kvm' and log in again`
      : `there is no ${device}: this machine has no hardware virtualization, or it is off`;
  }
}

export const isolationOf: Readonly<Record<Accelerator, string>> = {
  kvm: 'hardware: the guest is behind the processor’s virtualization',
  tcg: 'thinner: without KVM the guest is emulated by QEMU’s TCG, which QEMU’s authors do not call a security boundary; the process is unprivileged and sandboxed',
};
