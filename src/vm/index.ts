export type * from './hypervisor.ts';
export { QemuHypervisor, type QemuOptions } from './qemu/qemu-hypervisor.ts';
export type { QemuUser } from './qemu/jail.ts';
export { ScratchDisks } from './scratch-disk.ts';
