import type { Agent } from '../../guest/index.ts';
import type { Step } from '../../lib/stopwatch.ts';
import type { Endpoint, EndpointWish } from '../../network/index.ts';
import type { DiskLimits, Plugs, Share, Vm, VmRecord } from '../../vm/index.ts';

/** The NIC that a pod asks for. */
export interface NicRequest extends EndpointWish {
  readonly network: string;
}

/** Where a pod's VM came from: a warmed clone that waited, a clone made for it, or a boot. */
export type VmOrigin = 'pool' | 'template' | 'boot';

/** What a container runs, found in its image as execvp(3) would. */
export interface Program {
  readonly command: string;
  /** As in PATH; empty: the usual folders. */
  readonly searchPath: string;
}

/** An image, and what a pod's first container runs of it: the next pod most likely runs that too. */
export interface UsedImage {
  /** The image's disk. */
  readonly imagePath: string;
  readonly program: Program;
}

/** What a pod asks for. */
export interface VmRequest extends UsedImage {
  readonly vcpus: number;
  readonly memoryMiB: number;
  readonly hostname: string;
  /** None: it has no network. */
  readonly nics: readonly NicRequest[];
  /** The writable layer's disk: made where there is none yet. */
  readonly scratch: { readonly path: string; readonly sizeMiB: number; readonly limits: DiskLimits };
  /** What of the host its guest is given: such a VM is made for the pod. */
  readonly shares: readonly Share[];
  /** Further disks, which are plugged in. */
  readonly disks: Plugs['disks'];
  /** Whether it may need modules of file systems. */
  readonly modules: boolean;
}

/** What must be stored of a VM before it is used, so that nothing of it is lost when hyperd dies. */
export interface ClaimedVm {
  readonly vm: VmRecord;
  /** In the order of the NICs that were asked for. */
  readonly endpoints: readonly Endpoint[];
}

/** Disks that are in their slots, and the container that is made of them. */
export interface Standby {
  /** The image that most likely comes next; null where none is there. Nothing of it has run, but for our own. */
  readonly imagePath: string | null;
  /** A fresh writable disk of the default size. */
  readonly scratch: { readonly path: string; readonly sizeMiB: number };
}

/** A VM that runs, with its NICs and its guest's agent. */
export interface IdleVm {
  readonly vm: Vm;
  readonly agent: Agent;
  readonly endpoints: readonly Endpoint[];
  /** Why it has no NIC; empty when it has one. */
  readonly networkProblem: string;
}

/** A VM of the pool. */
export interface PooledVm extends IdleVm {
  readonly standby: Standby;
}

/** A VM for a pod: its disks are in their slots, its guest has clock, entropy, hostname and address of its own. */
export interface ReadyVm extends IdleVm {
  readonly origin: VmOrigin;
  readonly steps: readonly Step[];
}
