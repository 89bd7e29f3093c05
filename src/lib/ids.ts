import { randomBytes, randomInt } from 'node:crypto';

const letters = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz';

function pick(alphabet: string, length: number): string {
  return Array.from({ length }, () => alphabet[randomInt(alphabet.length)]).join('');
}

export type PodId = string & { readonly brand: 'PodId' };
export type VmId = string & { readonly brand: 'VmId' };
export type ContainerId = string & { readonly brand: 'ContainerId' };
export type ExecId = string & { readonly brand: 'ExecId' };

/** `pod-EljQlbnRAP`: ten letters, as the first Hyper's. */
export const newPodId = (): PodId => `pod-${pick(letters, 10)}` as PodId;
export const newVmId = (): VmId => `vm-${pick(letters, 10)}` as VmId;
/** 64 hex characters, as Docker's. */
export const newContainerId = (): ContainerId => randomBytes(32).toString('hex') as ContainerId;
export const newExecId = (): ExecId => randomBytes(32).toString('hex') as ExecId;
/** Ten digits: the tail of a pod's default name, `ubuntu-5747385737`. */
export const newNameSuffix = (): string => pick('0123456789', 10);
