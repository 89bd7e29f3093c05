import { readFile, stat } from 'node:fs/promises';
import { basename, join, resolve } from 'node:path';
import { z } from 'zod';
import { messageOf } from '../../lib/errors.ts';
import { exists } from '../../lib/exists.ts';
import { runCommand } from '../../lib/run-command.ts';

/** The file, below the guest's folder, of the QEMU that scripts/qemu builds. */
const hyperQemu = 'qemu/qemu-system-x86_64-hyper';

/** The binary that a configuration means: `hyper` is the one that scripts/qemu builds. */
export function qemuBinary(guestDir: string, qemu: string): string {
  return qemu === 'hyper' ? resolve(guestDir, hyperQemu) : qemu;
}

/** What was found of QEMU on this machine. */
export interface QemuProbe {
  /** One that scripts/qemu built has a name behind it: `7.2.22-hyper`. */
  readonly version: string | null;
  /** The firmware to start with; null: QEMU's default, SeaBIOS. */
  readonly firmware: string | null;
  /** Whether memory can come from a file that is open for reading alone: from 8.2 on (facts: The memory file). */
  readonly readOnlyMemory: boolean;
  readonly problem: string | null;
}

/** A firmware made for direct kernel boots: 0.28 s less than SeaBIOS under emulation. Part of Debian's qemu-system-data. */
const qboot = '/usr/share/qemu/qboot.rom';

export async function probeQemu(binary: string): Promise<QemuProbe> {
  try {
    const { stdout } = await runCommand(binary, ['--version'], { timeoutMs: 10_000 });
    const firmware = (await exists(qboot)) ? qboot : null;
    const [, numbers, major, minor, built = ''] =
      /version ((\d+)\.(\d+)(?:\.\d+)?)(?: \((hyper)\))?/.exec(stdout) ?? [];
    if (numbers === undefined) {
      const problem = `${binary} --version says nothing that we know`;
      return { version: null, firmware, readOnlyMemory: false, problem };
    }
    const readOnlyMemory = Number(major) * 100 + Number(minor) >= 802;
    const version = built === '' ? numbers : `${numbers}-${built}`;
    return { version, firmware, readOnlyMemory, problem: null };
  } catch (error) {
    const notBuilt = `there is no ${binary}: run scripts/qemu, or leave "qemu" out of the config`;
    const problem = binary.endsWith(`/${hyperQemu}`) && !(await exists(binary)) ? notBuilt : messageOf(error);
    return { version: null, firmware: null, readOnlyMemory: false, problem };
  }
}

/** The distribution's, or the one that scripts/kernel builds. */
export type GuestKernel = 'distribution' | 'hyper';

/** The folder, in that of the guest, of a kernel that is not the distribution's. */
const hyperKernel = 'hyper';

/** Where the files of a guest with this kernel are. */
export function guestFolder(guestDir: string, kernel: GuestKernel): string {
  return kernel === 'distribution' ? guestDir : join(guestDir, hyperKernel);
}

/** The guest's kernel and initramfs, as scripts/quickstart or scripts/install puts them in place. */
export interface GuestFiles {
  readonly kernelPath: string;
  /** The same kernel as a bzImage; null where there is none. */
  readonly bzImagePath: string | null;
  readonly initramfsPath: string;
  /** The modules that are loaded on demand; null where the kernel has all that it has built in. */
  readonly moduleDisk: string | null;
  readonly kernelVersion: string | null;
  /** Whether the kernel has the driver of a vmgenid device. */
  readonly generationId: boolean;
  readonly problem: string | null;
}

/** What the making of the initramfs says of it. One that was made before it said `generationId` may have the driver. */
const Description = z.object({ kernelVersion: z.string(), generationId: z.boolean().default(true) });

export async function probeGuest(folder: string): Promise<GuestFiles> {
  const kernelPath = join(folder, 'vmlinux');
  const initramfsPath = join(folder, 'initramfs.cpio');
  const bzImage = join(folder, 'bzImage');
  const bzImagePath = (await exists(bzImage)) ? bzImage : null;
  const modules = join(folder, 'modules.ext4');
  const moduleDisk = (await exists(modules)) ? modules : null;
  const paths = { kernelPath, bzImagePath, initramfsPath, moduleDisk };
  try {
    await stat(kernelPath);
    await stat(initramfsPath);
    const guest = Description.parse(JSON.parse(await readFile(join(folder, 'guest.json'), 'utf8')));
    return { ...paths, ...guest, problem: null };
  } catch {
    const script = basename(folder) === hyperKernel ? 'scripts/kernel' : 'scripts/quickstart';
    const problem = `there is no guest kernel in ${folder}: run ${script}, or set "guestDir" in the config`;
    return { ...paths, kernelVersion: null, generationId: false, problem };
  }
}
