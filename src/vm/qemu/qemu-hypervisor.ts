import { spawn } from 'node:child_process';
import { chown, mkdir, open, readdir, rm, rmdir } from 'node:fs/promises';
import { setTimeout as delay } from 'node:timers/promises';
import { HyperError, systemCode } from '../../lib/errors.ts';
import type { VmId } from '../../lib/ids.ts';
import type { Log } from '../../lib/log.ts';
import { identifyProcess, type ProcessIdentity, signalProcess, stillRuns } from '../../lib/process-identity.ts';
import { missingCommand, runCommand } from '../../lib/run-command.ts';
import type { Accelerator, Hypervisor, HypervisorDescription, Vm, VmRecord, VmSpec } from '../hypervisor.ts';
import { type AcceleratorChoice, chooseAccelerator, isolationOf } from './accelerator.ts';
import { qemuArguments, trialArguments } from './arguments.ts';
import { findVmProcesses } from './find-processes.ts';
import { insideJail, jailed, type QemuUser } from './jail.ts';
import { type GuestFiles, probeGuest, probeQemu, type QemuProbe } from './probe.ts';
import { QemuVm } from './qemu-vm.ts';
import { type VmFiles, vmFiles, vmsFolder } from './vm-files.ts';

export interface QemuOptions {
  readonly binary: string;
  readonly runDir: string;
  /** Disks are below it. */
  readonly root: string;
  /** Where vmlinux and initramfs.cpio are. */
  readonly guestDir: string;
  readonly accelerator: 'auto' | Accelerator;
  readonly user: QemuUser;
  readonly rootless: boolean;
  readonly log: Log;
}

/** How often the monitor's socket is tried until a fresh QEMU listens. */
const monitorIntervalMs = 5;

/** Runs VMs with the distribution's QEMU. */
export class QemuHypervisor implements Hypervisor {
  readonly #options: QemuOptions;
  readonly #qemu: QemuProbe;
  readonly #guest: GuestFiles;
  readonly #choice: AcceleratorChoice;

  private constructor(options: QemuOptions, qemu: QemuProbe, guest: GuestFiles, choice: AcceleratorChoice) {
    this.#options = options;
    this.#qemu = qemu;
    this.#guest = guest;
    this.#choice = choice;
  }

  static async probe(options: QemuOptions): Promise<QemuHypervisor> {
    await mkdir(vmsFolder(options.runDir), { recursive: true, mode: 0o711 });
    const [qemu, guest, choice] = await Promise.all([
      probeQemu(options.binary),
      probeGuest(options.guestDir),
      chooseAccelerator(options.accelerator, (kvmGroup) => tryKvm(options, kvmGroup)),
    ]);
    return new QemuHypervisor(options, qemu, guest, choice);
  }

  get user(): { readonly uid: number; readonly gid: number } {
    return this.#options.user;
  }

  describe(): HypervisorDescription {
    return {
      name: 'qemu',
      version: this.#qemu.version,
      accelerator: this.#choice.accelerator,
      reason: this.#choice.reason,
      isolation: isolationOf[this.#choice.accelerator],
      kernel: this.#guest.kernelVersion,
      problems: [this.#qemu.problem, this.#guest.problem, this.#choice.problem].filter((each) => each !== null),
    };
  }

  async start(spec: VmSpec, signal: AbortSignal): Promise<Vm> {
    const problem = this.describe().problems[0];
    if (problem !== undefined) throw new HyperError('missing_dependency', problem);
    const files = vmFiles(this.#options.runDir, spec.id);
    await mkdir(files.folder, { mode: 0o711 });
    let identity: ProcessIdentity | undefined;
    try {
      await mkdir(files.sockets, { mode: 0o700 });
      await chown(files.sockets, this.user.uid, this.user.gid);
      identity = await this.#spawn(spec, files);
      const record = { id: spec.id, process: identity, accelerator: this.#choice.accelerator };
      return await this.#awaitMonitor(record, files, signal);
    } catch (error) {
      if (identity !== undefined) await signalProcess(identity, 'SIGKILL');
      const said = await readLastLine(files.errors);
      await removeVmFolder(files);
      if (error instanceof HyperError && error.code !== 'vm_failed') throw error;
      throw startFailure(said, error);
    }
  }

  async find(record: VmRecord): Promise<Vm | undefined> {
    if (!(await stillRuns(record.process))) return undefined;
    try {
      return await QemuVm.attach(record, vmFiles(this.#options.runDir, record.id), false);
    } catch (error) {
      this.#options.log.warn({ vm: record.id, error }, 'a VM runs but its monitor does not answer');
      return undefined;
    }
  }

  async leftovers(): Promise<readonly VmId[]> {
    const names = await readdir(vmsFolder(this.#options.runDir));
    return names.filter((name): name is VmId => /^vm-[A-Za-z]{10}$/.test(name));
  }

  async cleanUp({ id, process }: Pick<VmRecord, 'id' | 'process'>): Promise<void> {
    await signalProcess(process, 'SIGKILL');
    await removeVmFolder(vmFiles(this.#options.runDir, id));
  }

  async cleanUpUnknown(id: VmId): Promise<void> {
    for (const process of await findVmProcesses(id)) {
      this.#options.log.warn({ vm: id, pid: process.pid }, 'ending a QEMU that no pod owns');
      await this.cleanUp({ id, process });
    }
    await removeVmFolder(vmFiles(this.#options.runDir, id));
  }

  /** Spawns QEMU detached: no pipe ties it to hyperd, so it lives on when hyperd goes. */
  async #spawn(spec: VmSpec, files: VmFiles): Promise<ProcessIdentity> {
    const { binary, user, rootless, root } = this.#options;
    const jail = { user, rootless, root, folder: files.sockets, kvmGroup: this.#choice.kvmGroup };
    const see = (path: string): string => insideJail(jail, path);
    const seen: VmSpec = { ...spec, disks: spec.disks.map((disk) => ({ ...disk, path: see(disk.path) })) };
    const sockets = { qmp: see(files.qmp), control: see(files.control), streams: see(files.streams) };
    await using errors = await open(files.errors, 'w', 0o600);
    await using kernel = await open(this.#guest.kernelPath);
    await using initramfs = await open(this.#guest.initramfsPath);
    // As descriptors 3 and 4: the folder that the guest's files are in may be closed to QEMU's user.
    const guest = { kernelPath: fdPath(3), initramfsPath: fdPath(4) };
    const machine = { accelerator: this.#choice.accelerator, firmware: this.#qemu.firmware, ...guest };
    const [file, args] = jailed(jail, [binary, ...qemuArguments(seen, machine, sockets)]);
    const stdio = ['ignore' as const, errors.fd, errors.fd, kernel.fd, initramfs.fd];
    // hyperd's own environment may hold a proxy's password.
    const env = { PATH: process.env['PATH'] };
    const child = spawn(file, args, { detached: true, stdio, cwd: '/', env });
    const spawned = Promise.withResolvers<void>();
    child.once('spawn', spawned.resolve);
    child.once('error', (error) => spawned.reject(missingCommand(file, error)));
    await spawned.promise;
    child.unref();
    const identity = child.pid === undefined ? undefined : await identifyProcess(child.pid);
    if (identity === undefined) throw new HyperError('vm_failed', 'QEMU ended at once');
    return identity;
  }

  async #awaitMonitor(record: VmRecord, files: VmFiles, signal: AbortSignal): Promise<Vm> {
    for (;;) {
      signal.throwIfAborted();
      try {
        return await QemuVm.attach(record, files, true);
      } catch (error) {
        const code = systemCode(error);
        if (code !== 'ENOENT' && code !== 'ECONNREFUSED') throw error;
      }
      if (!(await stillRuns(record.process))) throw new HyperError('vm_failed', 'QEMU ended at once');
      await delay(monitorIntervalMs);
    }
  }
}

/** Starts a VM with KVM that never runs, as QEMU's user in its jail, and ends it; rejects with what QEMU said. */
async function tryKvm({ binary, user, rootless, root, runDir }: QemuOptions, kvmGroup: number | null): Promise<void> {
  const jail = { user, rootless, root, folder: vmsFolder(runDir), kvmGroup };
  const [file, args] = jailed(jail, [binary, ...trialArguments()]);
  const input = '{"execute":"qmp_capabilities"}{"execute":"quit"}';
  await runCommand(file, args, { input, timeoutMs: 10_000 });
}

/**
 * The sockets' folder is QEMU's user's: only what hyperd knows by name is removed in place. What else a broken QEMU left
 * there goes by rm(1), which does not follow links that appear meanwhile.
 */
async function removeVmFolder(files: VmFiles): Promise<void> {
  try {
    for (const socket of [files.qmp, files.control, files.streams]) await rm(socket, { force: true });
    await rmdir(files.sockets).catch((error: unknown) => {
      if (systemCode(error) !== 'ENOENT') throw error;
    });
    await rm(files.folder, { recursive: true, force: true });
  } catch {
    await runCommand('rm', ['-rf', '--', files.folder]);
  }
}

const fdPath = (fd: number): string => `/proc/self/fd/${fd}`;

async function readLastLine(path: string): Promise<string> {
  try {
    await using file = await open(path, 'r');
    return (await file.readFile('utf8')).trim().split('\n').at(-1) ?? '';
  } catch {
    return '';
  }
}

function startFailure(said: string, cause: unknown): HyperError {
  if (/cannot allocate memory|cannot set up guest memory/i.test(said)) {
    return new HyperError('no_memory', 'the host has no memory for this VM: give it less with --memory', { cause });
  }
  return new HyperError('vm_failed', `QEMU could not start${said === '' ? '' : `: ${said}`}`, { cause });
}
