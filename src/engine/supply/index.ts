export type * from './ready-vm.ts';
export { containerDisks, firstContainer } from './container-disks.ts';
export type { HostMemoryOptions } from './host-memory.ts';
export type { SupplyMetrics } from './metrics.ts';
export type { PoolStatus } from './supply-options.ts';
export type { PoolBounds } from './vm-pool.ts';
export { interfaceOf, nicSetup, refuseSameMac } from './set-up.ts';
export { VmSupply } from './vm-supply.ts';
