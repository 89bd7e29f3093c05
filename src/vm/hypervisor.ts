import type { FileHandle } from 'node:fs/promises';
import type { Agent, AgentOptions } from '../guest/index.ts';
import type { VmId } from '../lib/ids.ts';
import type { ProcessIdentity } from '../lib/process-identity.ts';
import type { Step } from '../lib/stopwatch.ts';

export type Accelerator = 'kvm' | 'tcg';

/** What VMs must share to be clones of one template. */
export interface VmShape {
  readonly vcpus: number;
  readonly memoryMiB: number;
  /** Whether it has a NIC. */
  readonly nic: boolean;
}

/** The block devices that every VM has. They wait for their disks; the guest finds them by these serials. */
export const diskSlots = ['image', 'scratch'] as const;
export type DiskSlot = (typeof diskSlots)[number];

/** What is put behind a waiting block device. `image` is read-only, `scratch` is not. */
export interface Disk {
  readonly slot: DiskSlot;
  readonly path: string;
  readonly format: 'raw' | 'vmdk';
}

/** What a disk may be read and written at, together; null: as fast as it can. */
export interface DiskLimits {
  readonly bytesPerSecond: number | null;
  /** Reads and writes in a second. */
  readonly iops: number | null;
}

/** How many NICs a VM can have. */
export const maxNics = 8;

export interface Nic {
  /** From 0, below `maxNics`. */
  readonly number: number;
  readonly tap: string;
  /** Of a clone it is the template's until the agent sets it (SETUP). */
  readonly mac: string;
}

/** A folder or file of the host's that a guest is given. */
export interface Share {
  /** What it is called among the VM's shares: no slash in it. */
  readonly name: string;
  readonly path: string;
  readonly kind: 'folder' | 'file';
  readonly readOnly: boolean;
}

/** What the device of all of a VM's shares is called in its guest. */
export const shareTag = 'hyper';

/** A disk that is plugged in, with a file system of its own. */
export interface PluggedDisk {
  /** By this the guest finds it: 20 bytes at most. */
  readonly serial: string;
  /** On this host; for who reads of it where it is given open. */
  readonly path: string;
  readonly format: 'raw' | 'qcow2' | 'vmdk';
  readonly readOnly: boolean;
  /** Where the hypervisor's user may not open it: opened for what `readOnly` says. It stays the caller's. */
  readonly file?: FileHandle;
}

/** The serial of the disk of modules. */
export const moduleSerial = 'modules';

/** What is plugged into a VM that runs. */
export interface Plugs {
  /** The device of the shares that are served to it. */
  readonly shares: boolean;
  readonly disks: readonly PluggedDisk[];
  /** The disk of the modules of file systems, which its guest may need: where its kernel has any, and not all built in. */
  readonly modules: boolean;
}

/** How many devices, those of shares and modules and disks, can be plugged into a VM. */
export const maxPlugs = 8;

export interface VmSpec {
  readonly id: VmId;
  readonly vcpus: number;
  readonly memoryMiB: number;
  readonly nic?: Nic;
  /** Its memory can be mapped by who serves it shares: only such a VM can have any. */
  readonly sharedMemory?: boolean;
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
  /** Processes beside it that serve it: they end with it. */
  readonly helpers: readonly ProcessIdentity[];
}

/** How a VM ended: on request, by its guest, or by a failure with the end of the guest's console. */
export interface VmEnd {
  readonly reason: string;
  readonly expected: boolean;
}

/** A running VM. */
export interface Vm {
  /** What must be stored of it: a process more once it is served shares. */
  readonly record: VmRecord;
  /** Resolves once, when the hypervisor's process has gone. Never rejects. */
  readonly ended: Promise<VmEnd>;
  /** Connects to the guest agent; on failure the error shows the end of the guest's console. */
  connectAgent(options: Omit<AgentOptions, 'controlPath' | 'streamPath'>): Promise<Agent>;
  /** Puts a disk behind its waiting device, in place of what is there. Nothing in the guest may have the device open. */
  insertDisk(disk: Disk): Promise<void>;
  /** Of whatever disk is in the slot, from now on. */
  limitDisk(slot: DiskSlot, limits: DiskLimits): Promise<void>;
  /** Has shares of the host served to it, once in a VM's life: what is plugged in next has them. Its memory must be shared. */
  serveShares(shares: readonly Share[], signal: AbortSignal): Promise<void>;
  /** Plugs devices in, once in a VM's life. The guest finds them a moment later. */
  plug(plugs: Plugs): Promise<void>;
  /** Plugs one more disk in; one of its serial that is there already is fine. The guest finds it a moment later. */
  plugDisk(disk: PluggedDisk): Promise<void>;
  /** Plugs the disk of modules in, where the guest's kernel has any; one that is there already is fine. */
  plugModules(): Promise<void>;
  /** Plugs a NIC in; the guest finds it a moment later. @throws HyperError `unsupported` on a machine without PCI */
  plugNic(nic: Nic): Promise<void>;
  /** Pulls a NIC: its tap is let go at once, its device when the guest does. One that is not there is fine. */
  unplugNic(number: number): Promise<void>;
  /** The end of what the guest's kernel printed. */
  console(): Promise<string>;
  /** Ends the hypervisor's process at once; resolves when it has gone. */
  kill(): Promise<void>;
  /** Lets go of the VM without ending it: hyperd is leaving. */
  release(): void;
}

export interface StartOptions {
  /** Bounds the start, to the agent's answer. */
  readonly signal: AbortSignal;
  /** A process runs for it: what must be stored to find it again. Told once more where a clone failed and it boots. */
  readonly onProcess?: (record: VmRecord) => void;
  /** Start from this one where it is still of use. */
  readonly prepared?: PreparedStart | undefined;
}

export interface PreparedStart {
  readonly template: PreparedTemplate;
  /** What goes into its slots: the bytes that were in them when it was frozen. */
  readonly disks: Promise<readonly Disk[]>;
}

/** A VM whose guest is ready for every request. */
export interface StartedVm {
  readonly vm: Vm;
  readonly agent: Agent;
  readonly origin: 'template' | 'boot';
  /** What became of the prepared template that was given: it has started from it, could not, or had no reason to try. */
  readonly prepared: 'used' | 'failed' | 'unused';
  /** What the start was made of. */
  readonly steps: readonly Step[];
}

/** A booted guest, frozen: what clones start from. */
export interface TemplateDescription {
  readonly id: string;
  readonly shape: VmShape;
  readonly createdAt: string;
  /** On disk. */
  readonly bytes: number;
}

/**
 * A clone that was worked on and frozen again, with disks in its slots: clones of it go on from there. It is kept in
 * memory, and gone when it is disposed of or hyperd ends; clones that run are not touched.
 */
export interface PreparedTemplate extends AsyncDisposable {
  /** Of the host's memory. */
  readonly bytes: number;
}

export interface PrepareOptions {
  /** Where what its devices know is written. It goes with the template. */
  readonly statePath: string;
  /** Puts disks into the slots, and does what clones need not do then. */
  readonly prepare: (started: Pick<StartedVm, 'vm' | 'agent'>) => Promise<void>;
  readonly signal: AbortSignal;
}

/** A driver that runs VMs. */
export interface Hypervisor {
  describe(): HypervisorDescription;
  /** The user that hypervisor processes run as: disks and taps must be theirs. */
  readonly user: { readonly uid: number; readonly gid: number };
  /** Starts a VM: a clone where there is a template of its shape that loads, else by booting. */
  start(spec: VmSpec, options: StartOptions): Promise<StartedVm>;
  /** Whether VMs of this shape start as clones. */
  hasTemplate(shape: VmShape): Promise<boolean>;
  /** Boots a VM and freezes it as the template of its shape, in place of the one that is there. */
  makeTemplate(spec: VmSpec, signal: AbortSignal): Promise<TemplateDescription>;
  /** Has a clone worked on and freezes it; undefined where there is no template of its shape. */
  prepareTemplate(spec: VmSpec, options: PrepareOptions): Promise<PreparedTemplate | undefined>;
  /** Whether clones of its shape would still start from it: its template may have gone or been made anew. */
  isOfUse(template: PreparedTemplate, shape: VmShape): Promise<boolean>;
  templates(): Promise<readonly TemplateDescription[]>;
  /** Clones that run are not touched. @throws HyperError `not_found` */
  removeTemplate(id: string): Promise<void>;
  /** Finds a VM that an earlier hyperd started; undefined when it has gone. */
  find(record: VmRecord): Promise<Vm | undefined>;
  /** The ids of VMs that left something behind in the run folder, running or not. */
  leftovers(): Promise<readonly VmId[]>;
  /** Ends a VM's process if it still runs, and removes what it left in the run folder. */
  cleanUp(record: Pick<VmRecord, 'id' | 'process' | 'helpers'>): Promise<void>;
  /** The same for a VM of which nothing but its folder is known. */
  cleanUpUnknown(id: VmId): Promise<void>;
}

export function shapeOf({ vcpus, memoryMiB, nic }: VmSpec): VmShape {
  return { vcpus, memoryMiB, nic: nic !== undefined };
}
