import type { Agent, AgentOptions } from '../guest/index.ts';
import type { VmId } from '../lib/ids.ts';
import type { ProcessIdentity } from '../lib/process-identity.ts';

export type Accelerator = 'kvm' | 'tcg';

/** A block device of a VM. The guest finds it by its serial. */
export interface Disk {
  /** At most 20 characters: virtio-blk cuts there. */
  readonly serial: string;
  readonly path: string;
  readonly format: 'raw' | 'vmdk';
  readonly readOnly: boolean;
}

export interface Nic {
  readonly tap: string;
  readonly mac: string;
}

export interface VmSpec {
  readonly id: VmId;
  readonly vcpus: number;
  readonly memoryMiB: number;
  readonly disks: readonly Disk[];
  readonly nic?: Nic;
}

export interface HypervisorDescription {
  readonly name: 'qemu';
  readonly version: string | null;
  readonly accelerator: Accelerator;
  /** Why this accelerator was chosen. */
  readonly reason: string;
  /** How thick the wall between guest and host is. */
  readonly isolation: string;
  readonly kernel: string | null;
  /** What keeps VMs from starting, each with what to do. */
  readonly problems: readonly string[];
}

/** What must be stored to find a VM again after hyperd went away. */
export interface VmRecord {
  readonly id: VmId;
  readonly process: ProcessIdentity;
  readonly accelerator: Accelerator;
}

/** How a VM ended: on request, by its guest, or by a failure with the end of the guest's console. */
export interface VmEnd {
  readonly reason: string;
  readonly expected: boolean;
}

/** A running VM. */
export interface Vm {
  readonly record: VmRecord;
  /** Resolves once, when the hypervisor's process has gone. Never rejects. */
  readonly ended: Promise<VmEnd>;
  /** Connects to the guest agent; on failure the error shows the end of the guest's console. */
  connectAgent(options: Omit<AgentOptions, 'controlPath' | 'streamPath'>): Promise<Agent>;
  /** The end of what the guest's kernel printed. */
  console(): Promise<string>;
  /** Ends the hypervisor's process at once; resolves when it has gone. */
  kill(): Promise<void>;
  /** Lets go of the VM without ending it: hyperd is leaving. */
  release(): void;
}

/** A driver that runs VMs. */
export interface Hypervisor {
  describe(): HypervisorDescription;
  /** The user that hypervisor processes run as: disks and taps must be theirs. */
  readonly user: { readonly uid: number; readonly gid: number };
  /** Starts a VM. Its guest boots meanwhile: wait for it with `connectAgent`. */
  start(spec: VmSpec, signal: AbortSignal): Promise<Vm>;
  /** Finds a VM that an earlier hyperd started; undefined when it has gone. */
  find(record: VmRecord): Promise<Vm | undefined>;
  /** The ids of VMs that left something behind in the run folder, running or not. */
  leftovers(): Promise<readonly VmId[]>;
  /** Ends a VM's process if it still runs, and removes what it left in the run folder. */
  cleanUp(record: Pick<VmRecord, 'id' | 'process'>): Promise<void>;
  /** The same for a VM of which nothing but its folder is known. */
  cleanUpUnknown(id: VmId): Promise<void>;
}
