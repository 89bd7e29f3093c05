import type { Log } from '../../lib/log.ts';
import type { Networks } from '../../network/index.ts';
import type { Hypervisor, ScratchDisks } from '../../vm/index.ts';
import type { HostMemoryOptions } from './host-memory.ts';
import type { SupplyMetrics } from './metrics.ts';
import type { ClaimedVm } from './ready-vm.ts';
import type { PoolBounds } from './vm-pool.ts';

export interface SupplyOptions {
  readonly hypervisor: Hypervisor;
  readonly networks: Networks;
  readonly pool: PoolBounds;
  /** Whether templates are made by themselves. */
  readonly makesTemplates: boolean;
  readonly memory: HostMemoryOptions;
  readonly scratchDisks: ScratchDisks;
  /** Where the disks of VMs that wait are, on the file system of the pods' folders. */
  readonly poolDir: string;
  /** The disk of an image of our own, to warm VMs with; undefined where there is none. */
  readonly ownImage: () => Promise<string | undefined>;
  /** From QEMU's start to the agent's answer. */
  readonly bootTimeoutMs: number;
  readonly metrics: SupplyMetrics;
  readonly log: Log;
}

export interface TakeOptions {
  readonly signal: AbortSignal;
  /** The VM that its user has named; left out: any. */
  readonly vm?: string | undefined;
  /** Store it: a VM has been found or begun. Called again where that one was of no use. */
  readonly claim: (claimed: ClaimedVm) => void;
}

export interface PoolStatus {
  readonly size: number;
  readonly waiting: number;
}
