export type * from './hypervisor.ts';
export { maxNics, maxPlugs, shareTag } from './hypervisor.ts';
export { QemuHypervisor, type QemuOptions } from './qemu/qemu-hypervisor.ts';
export type { QemuUser } from './qemu/jail.ts';
export { guestFolder, qemuBinary } from './qemu/probe.ts';
export { warnOfOlderQemu } from './qemu/qemu-age.ts';
export { ScratchDisks } from './scratch-disk.ts';
