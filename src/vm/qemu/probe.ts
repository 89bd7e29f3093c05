import { readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { messageOf } from '../../lib/errors.ts';
import { runCommand } from '../../lib/run-command.ts';

/** What was found of QEMU on this machine. */
export interface QemuProbe {
  readonly version: string | null;
  /** The firmware to start with; null: QEMU's default, SeaBIOS. */
  readonly firmware: string | null;
  readonly problem: string | null;
}

/** A firmware made for direct kernel boots: 0.28 s less than SeaBIOS under emulation. Part of Debian's qemu-system-data. */
const qboot = '/usr/share/qemu/qboot.rom';

export async function probeQemu(binary: string): Promise<QemuProbe> {
  try {
    const { stdout } = await runCommand(binary, ['--version'], { timeoutMs: 10_000 });
    const firmware = await stat(qboot).then(
      () => qboot,
      () => null,
    );
    const version = /version (\d+\.\d+(?:\.\d+)?)/.exec(stdout)?.[1];
    return version === undefined
      ? { version: null, firmware, problem: `${binary} --version says nothing that we know` }
      : { version, firmware, problem: null };
  } catch (error) {
    return { version: null, firmware: null, problem: messageOf(error) };
  }
}

/** The guest's kernel and initramfs, as scripts/quickstart or scripts/install puts them in place. */
export interface GuestFiles {
  readonly kernelPath: string;
  readonly initramfsPath: string;
  readonly kernelVersion: string | null;
  readonly problem: string | null;
}

export async function probeGuest(folder: string): Promise<GuestFiles> {
  const kernelPath = join(folder, 'vmlinux');
  const initramfsPath = join(folder, 'initramfs.cpio');
  try {
    await stat(kernelPath);
    await stat(initramfsPath);
    const guest: unknown = JSON.parse(await readFile(join(folder, 'guest.json'), 'utf8'));
    const version = typeof guest === 'object' && guest !== null && 'kernelVersion' in guest ? guest.kernelVersion : '';
    return { kernelPath, initramfsPath, kernelVersion: String(version), problem: null };
  } catch {
    const problem = `there is no guest kernel in ${folder}: run scripts/quickstart, or set "guestDir" in the config`;
    return { kernelPath, initramfsPath, kernelVersion: null, problem };
  }
}
