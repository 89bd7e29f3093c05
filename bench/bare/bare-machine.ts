import { join } from 'node:path';
import type { QemuMachine } from '../../src/vm/qemu/arguments.ts';
import { probeQemu } from '../../src/vm/qemu/probe.ts';
import type { Accelerator } from '../../src/vm/index.ts';
import { repository } from '../repository.ts';

/** The machine that hyperd starts by default, whatever boots on it. */
export async function bareMachine(accelerator: Accelerator): Promise<Omit<QemuMachine, 'initramfsPath'>> {
  const { firmware } = await probeQemu('qemu-system-x86_64');
  const kernelPath = join(repository, 'guest/build/vmlinux');
  return { type: 'q35', firmware, accelerator, kernelPath, generationId: false };
}
