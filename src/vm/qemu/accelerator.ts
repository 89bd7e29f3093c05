import { readFile, stat } from 'node:fs/promises';
import { messageOf, systemCode } from '../../lib/errors.ts';
import type { Accelerator } from '../hypervisor.ts';

export interface AcceleratorChoice {
  readonly accelerator: Accelerator;
  readonly reason: string;
  /** The group that opens /dev/kvm, to be given to QEMU's process; null where it is not needed. */
  readonly kvmGroup: number | null;
  /** Set when KVM was asked for and cannot be had. */
  readonly problem: string | null;
}

export interface KvmFacts {
  /** Permission bits and group of /dev/kvm; null where there is none. */
  readonly device: { readonly mode: number; readonly gid: number } | null;
  /** The text of /proc/cpuinfo. */
  readonly cpuinfo: string;
  /** Starts QEMU with KVM as the user that VMs run as, in the given group, and ends it; rejects with what it said. */
  readonly tryStart: (group: number | null) => Promise<void>;
}

const device = '/dev/kvm';

/** KVM where a VM starts with it, else TCG; `wanted` insists on one. */
export async function chooseAccelerator(
  wanted: 'auto' | Accelerator,
  tryStart: KvmFacts['tryStart'],
): Promise<AcceleratorChoice> {
  if (wanted === 'tcg') return { accelerator: 'tcg', reason: 'configured', kvmGroup: null, problem: null };
  const facts: KvmFacts = { device: await statDevice(), cpuinfo: await readFile('/proc/cpuinfo', 'utf8'), tryStart };
  const kvmGroup = groupThatOpens(facts.device);
  const obstacle = await obstacleToKvm(facts);
  if (obstacle === null) {
    return { accelerator: 'kvm', reason: `a trial VM starts with ${device}`, kvmGroup, problem: null };
  }
  return wanted === 'kvm'
    ? { accelerator: 'kvm', reason: obstacle, kvmGroup, problem: `KVM is configured but ${obstacle}` }
    : { accelerator: 'tcg', reason: obstacle, kvmGroup: null, problem: null };
}

/**
 * Why VMs cannot use KVM; null where they can. That /dev/kvm opens for hyperd is not enough: QEMU is another user, and
 * there are devices behind which is no hardware, such as KVM-PVM's, on which only kernels made for it run.
 */
export async function obstacleToKvm({ device: node, cpuinfo, tryStart }: KvmFacts): Promise<string | null> {
  if (node === null) return `there is no ${device}: this machine has no hardware virtualization, or it is off`;
  if (!/^flags\s*:.*\b(vmx|svm)\b/m.test(cpuinfo)) {
    return `${device} has no hardware virtualization behind it (neither vmx nor svm in /proc/cpuinfo)`;
  }
  try {
    await tryStart(groupThatOpens(node));
    return null;
  } catch (error) {
    const said = messageOf(error).split('\n').at(-1) ?? '';
    return /permission denied/i.test(said)
      ? `QEMU's user has no right to ${device}: 'ls -l ${device}' must show a group other than root with rw (udev's rule: crw-rw---- root kvm), and rootless its user must be in it`
      : `a trial VM does not start with it: ${said}`;
  }
}

/** The group through which QEMU opens the device: never root's, and none where everyone may. */
function groupThatOpens(node: KvmFacts['device']): number | null {
  if (node === null || node.gid === 0 || (node.mode & 0o006) === 0o006) return null;
  return (node.mode & 0o060) === 0o060 ? node.gid : null;
}

async function statDevice(): Promise<KvmFacts['device']> {
  try {
    return await stat(device);
  } catch (error) {
    if (systemCode(error) === 'ENOENT') return null;
    throw error;
  }
}

export const isolationOf: Readonly<Record<Accelerator, string>> = {
  kvm: 'hardware: the guest is behind the processor’s virtualization',
  tcg: 'thinner: without KVM the guest is emulated by QEMU’s TCG, which QEMU’s authors do not call a security boundary; the process is unprivileged and sandboxed',
};
