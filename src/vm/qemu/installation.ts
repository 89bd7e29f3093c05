import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { isAbsolute } from 'node:path';
import { HyperError } from '../../lib/errors.ts';
import { findExecutable } from '../../lib/find-executable.ts';
import type { VmId } from '../../lib/ids.ts';
import type { Accelerator, VmShape } from '../hypervisor.ts';
import { type MachineType, qemuArguments } from './arguments.ts';
import { FileDigests } from './file-digests.ts';
import type { Machine } from './launch.ts';
import { type GuestFiles, probeGuest, probeQemu, type QemuProbe } from './probe.ts';
import { readTscKhz } from './tsc-rate.ts';

export interface InstallationOptions {
  readonly binary: string;
  readonly guestDir: string;
  readonly machine: MachineType;
}

/** QEMU and the guest's files as they are now. A package's upgrade under a running hyperd makes them others. */
export class Installation {
  readonly #binary: string;
  readonly #guestDir: string;
  readonly #type: MachineType;
  readonly #tscKhz: number | undefined;
  readonly #digests = new FileDigests();
  #files = '';
  qemu: QemuProbe;
  guest: GuestFiles;

  private constructor(
    { binary, guestDir, machine }: InstallationOptions,
    tscKhz: number | undefined,
    qemu: QemuProbe,
    guest: GuestFiles,
  ) {
    this.#binary = binary;
    this.#guestDir = guestDir;
    this.#type = machine;
    this.#tscKhz = tscKhz;
    this.qemu = qemu;
    this.guest = guest;
  }

  static async probe(options: InstallationOptions): Promise<Installation> {
    const { binary, guestDir, machine } = options;
    const tscKhz = machine === 'microvm' ? await readTscKhz() : undefined;
    const [qemu, guest] = await Promise.all([probeQemu(binary), probeGuest(guestDir)]);
    return new Installation(options, tscKhz, qemu, guest);
  }

  get problem(): string | null {
    return this.qemu.problem ?? this.guest.problem;
  }

  /** Looks whether files have been replaced, and if so at what they are. Costs a few stat(2) where nothing has changed. */
  async refresh(): Promise<void> {
    const files = await this.#fileDigests().catch(() => '');
    if (files === this.#files) return;
    if (this.#files !== '' || this.problem !== null) {
      [this.qemu, this.guest] = await Promise.all([probeQemu(this.#binary), probeGuest(this.#guestDir)]);
    }
    this.#files = files;
  }

  /** Why VMs cannot be of this type of machine here. */
  machineProblem(accelerator: Accelerator): string | null {
    if (this.#type !== 'microvm' || accelerator === 'kvm' || this.#tscKhz !== undefined) return null;
    return 'a microvm cannot be emulated here: /proc/cpuinfo does not tell the rate of the time stamp counter; set "machine" to "q35" in the config';
  }

  machine(accelerator: Accelerator): Machine {
    if (this.problem !== null) throw new HyperError('missing_dependency', this.problem);
    const { kernelPath, initramfsPath, moduleDisk, generationId } = this.guest;
    return {
      ...{ binary: this.#binary, type: this.#type, accelerator, tscKhz: this.#tscKhz },
      ...{ firmware: this.qemu.firmware, kernelPath, initramfsPath, moduleDisk, generationId },
    };
  }

  /**
   * The machine of a template. It boots the bzImage where there is one: that takes three seconds more under emulation, once
   * for all its clones, and puts the kernel at a random address (KASLR).
   */
  templateMachine(accelerator: Accelerator): Machine {
    const machine = this.machine(accelerator);
    return { ...machine, kernelPath: this.guest.bzImagePath ?? machine.kernelPath };
  }

  /**
   * A digest of everything that a template of this shape depends on, but for what is put into its clones: QEMU's binary and
   * firmware, kernel, initramfs, both command lines, and under KVM the processor, which the guest has seen.
   */
  async templateKey(accelerator: Accelerator, shape: VmShape): Promise<string> {
    const nic = shape.nic ? { nic: { number: 0, tap: 'tap', mac: 'mac' } } : {};
    const { vcpus, memoryMiB } = shape;
    const files = { qmp: 'qmp', control: 'control', streams: 'streams' };
    const spec = { id: 'vm' as VmId, vcpus, memoryMiB, ...nic };
    const memory = { path: 'memory', shared: true, readOnly: false };
    const machine = { ...this.machine(accelerator), kernelPath: 'kernel', initramfsPath: 'initramfs', memory };
    const facts = [
      this.#files,
      this.qemu.version,
      qemuArguments(spec, machine, files),
      accelerator === 'kvm' ? await processor() : '',
    ];
    return createHash('sha256').update(JSON.stringify(facts)).digest('hex');
  }

  async #fileDigests(): Promise<string> {
    const binary = isAbsolute(this.#binary) ? this.#binary : await findExecutable(this.#binary);
    const { kernelPath, bzImagePath, initramfsPath } = this.guest;
    const paths = [binary, this.qemu.firmware, kernelPath, bzImagePath, initramfsPath].filter(
      (path) => typeof path === 'string',
    );
    return (await Promise.all(paths.map((path) => this.#digests.of(path)))).join(' ');
  }
}

async function processor(): Promise<string> {
  const lines = (await readFile('/proc/cpuinfo', 'utf8')).split('\n');
  return lines.filter((line) => /^(model name|stepping|microcode|flags)\s*:/.test(line)).join('\n');
}
