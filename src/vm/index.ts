export type * from './hypervisor.ts';
export { maxNics, maxPlugs, shareTag } from './hypervisor.ts';
export { QemuHypervisor, type QemuOptions } from './qemu/qemu-hypervisor.ts';
export type { QemuUser } from './qemu/jail.ts';
export { guestFolder } from './qemu/probe.ts';
export { ScratchDisks } from './scratch-disk.ts';
