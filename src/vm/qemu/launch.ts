import { chown, type FileHandle, mkdir, open, rm, rmdir } from 'node:fs/promises';
import { setTimeout as delay } from 'node:timers/promises';
import { HyperError, systemCode } from '../../lib/errors.ts';
import { identifyProcess, type ProcessIdentity, signalProcess, stillRuns } from '../../lib/process-identity.ts';
import type { Log } from '../../lib/log.ts';
import { runCommand } from '../../lib/run-command.ts';
import type { Accelerator, Disk, VmRecord, VmSpec } from '../hypervisor.ts';
import { type MachineType, type MemoryFile, qemuArguments } from './arguments.ts';
import { readLastLine } from './last-line.ts';
import { endProcesses } from './find-processes.ts';
import { insideJail, jailed, type JailOptions } from './jail.ts';
import type { GivenFiles, Jailer } from './jailer.ts';
import { QemuVm, type QemuVmOptions } from './qemu-vm.ts';
import { listensNotYet } from './qmp.ts';
import type { VmFiles } from './vm-files.ts';

/** What is the same for every VM of a hyperd, until QEMU or the guest is another. */
export interface Machine {
  readonly binary: string;
  readonly type: MachineType;
  readonly accelerator: Accelerator;
  readonly firmware: string | null;
  readonly kernelPath: string;
  readonly initramfsPath: string;
  /** The disk of the modules that are not in the initramfs; null where there are none. */
  readonly moduleDisk: string | null;
  /** Whether the guest's kernel has the driver of a generation id. */
  readonly generationId: boolean;
  /** The rate of the host's time stamp counter, where the machine needs it. */
  readonly tscKhz?: number | undefined;
}

export interface Launch {
  readonly spec: VmSpec;
  readonly machine: Machine;
  readonly jailer: Jailer;
  readonly jail: JailOptions;
  readonly files: VmFiles;
  /** The guest's memory, where it is not QEMU's own. */
  readonly memory?: { readonly file: FileHandle } & Omit<MemoryFile, 'path'>;
  /** A template's state: the VM stands still until it is loaded from `stateDescriptor`. */
  readonly state?: FileHandle;
  /** What is in its slots from the start. */
  readonly disks?: readonly Disk[] | undefined;
  /** Its memory, where it is QEMU's own, can be mapped by the server of its shares. */
  readonly sharedMemory?: boolean;
  readonly serve: QemuVmOptions['serve'];
  readonly signal: AbortSignal;
  readonly log: Log;
  readonly onProcess?: ((record: VmRecord) => void) | undefined;
}

/** How often the monitor's socket is tried until a fresh QEMU listens. */
const monitorIntervalMs = 2;

/** The numbers by which QEMU's process knows the files that it is given open: their folders may be closed to its user. */
const descriptors = { kernel: 3, initramfs: 4, memory: 5, state: 6 } as const;
export const stateDescriptor = descriptors.state;

/** Starts QEMU in its jail; resolves when its monitor answers. What a failure leaves is removed. */
export async function launch(options: Launch): Promise<QemuVm> {
  const { machine, jail, files } = options;
  await mkdir(files.folder, { mode: 0o711 });
  try {
    await mkdir(files.sockets, { mode: 0o700 });
    await chown(files.sockets, jail.user.uid, jail.user.gid);
    // Open, as what the caller gives is, until they were opened anew for QEMU: by then its monitor answers.
    await using output = await open(files.errors, 'w', 0o600);
    await using kernel = await open(machine.kernelPath);
    await using initramfs = await open(machine.initramfsPath);
    return await begin(options, { output, files: [kernel, initramfs, options.memory?.file, options.state] });
  } catch (error) {
    const said = await readLastLine(files.errors);
    await removeVmFolder(files);
    if (error instanceof HyperError && error.code !== 'vm_failed') throw error;
    throw startFailure(said, error);
  }
}

/** A failure leaves no process: what it is given may be closed then, and its number become another file's. */
async function begin(options: Launch, given: GivenFiles): Promise<QemuVm> {
  const { spec, machine, signal, onProcess } = options;
  let identity: ProcessIdentity | undefined;
  try {
    identity = await startQemu(options, given);
    const record = { id: spec.id, process: identity, accelerator: machine.accelerator, helpers: [] };
    onProcess?.(record);
    return await awaitMonitor(options, record, signal);
  } catch (error) {
    if (identity !== undefined) await signalProcess(identity, 'SIGKILL');
    else await endProcesses(spec.id); // its starter may have gone before it said so
    throw error;
  }
}

async function startQemu(
  { spec, machine, jailer, jail, files, memory, state, disks = [], sharedMemory = false, signal }: Launch,
  given: GivenFiles,
): Promise<ProcessIdentity> {
  const see = (path: string): string => insideJail(jail, path);
  const sockets = { qmp: see(files.qmp), control: see(files.control), streams: see(files.streams) };
  const { binary, type, accelerator, firmware, generationId, tscKhz } = machine;
  const args = qemuArguments(
    spec,
    {
      ...{ type, accelerator, firmware, generationId, tscKhz },
      ...{ kernelPath: fdPath(descriptors.kernel), initramfsPath: fdPath(descriptors.initramfs) },
      ...(memory === undefined ? {} : { memory: { ...memory, path: fdPath(descriptors.memory) } }),
      ...{ incoming: state !== undefined, sharedMemory },
      disks: disks.map((disk) => ({ ...disk, path: see(disk.path) })),
    },
    sockets,
  );
  const jailedArgs = jailed(jail, [binary, ...args], memory === undefined ? 'huge' : 'small');
  const identity = await identifyProcess(await jailer.start(jailedArgs, given, signal));
  if (identity === undefined) throw new HyperError('vm_failed', 'QEMU ended at once');
  return identity;
}

async function awaitMonitor(
  { machine: { moduleDisk }, jail, files, state, disks, serve, log }: Launch,
  record: VmRecord,
  signal: AbortSignal,
): Promise<QemuVm> {
  const see = (path: string): string => insideJail(jail, path);
  for (;;) {
    signal.throwIfAborted();
    try {
      const booting = state === undefined;
      return await QemuVm.attach({ record, files, booting, disks, see, moduleDisk, serve, log });
    } catch (error) {
      if (!listensNotYet(error)) throw error;
    }
    if (!(await stillRuns(record.process))) throw new HyperError('vm_failed', 'QEMU ended at once');
    await delay(monitorIntervalMs);
  }
}

/**
 * The sockets' folder is QEMU's user's: only what hyperd knows by name is removed in place. What else a broken QEMU left
 * there goes by rm(1), which does not follow links that appear meanwhile.
 */
export async function removeVmFolder(files: VmFiles): Promise<void> {
  try {
    const sockets = [files.qmp, files.control, files.streams, files.state];
    for (const socket of sockets) await rm(socket, { force: true });
    await rmdir(files.sockets).catch((error: unknown) => {
      if (systemCode(error) !== 'ENOENT') throw error;
    });
    await rm(files.folder, { recursive: true, force: true });
  } catch {
    await runCommand('rm', ['-rf', '--', files.folder]);
  }
}

const fdPath = (fd: number): string => `/proc/self/fd/${fd}`;

function startFailure(said: string, cause: unknown): HyperError {
  if (/cannot allocate memory|cannot set up guest memory/i.test(said)) {
    return new HyperError('no_memory', 'the host has no memory for this VM: give it less with --memory', { cause });
  }
  return new HyperError('vm_failed', `QEMU could not start${said === '' ? '' : `: ${said}`}`, { cause });
}
