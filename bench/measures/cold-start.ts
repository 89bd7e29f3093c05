import { execFileSync } from 'node:child_process';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { qemuUser } from '../../src/daemon/rootless/index.ts';
import { newVmId } from '../../src/lib/ids.ts';
import { silentLog } from '../../src/lib/log.ts';
import { QemuHypervisor, type VmSpec } from '../../src/vm/index.ts';
import { bareBoot, makeBareInitramfs } from '../bare/bare-boot.ts';
import { bareMachine } from '../bare/bare-machine.ts';
import type { Comparison, Sample } from '../measure.ts';
import { repository } from '../repository.ts';

const bootLimitMs = 120_000;
const tap = 'bench0';

/** From the start of QEMU's process to the agent's answer, against the same machine whose init writes one byte. */
export const coldStart: Comparison = {
  name: 'cold-start',
  what: 'cold start to the agent’s answer',
  peer: 'bare QEMU, same flags and kernel, a static init that writes a byte',
  unit: 'ms',
  reach: 1.3,
  aim: 1.1,
  async prepare(room) {
    const guestDir = join(repository, 'guest/build');
    const [root, runDir] = [join(room.folder, 'bare-root'), join(room.folder, 'bare-run')];
    for (const folder of [root, runDir]) await mkdir(folder, { mode: 0o711 });
    const user = await qemuUser();
    const hypervisor = await QemuHypervisor.probe({
      ...{ binary: 'qemu-system-x86_64', runDir, root, guestDir, accelerator: 'auto', user, log: silentLog },
      ...{ machine: 'q35', maxTemplateBytes: 0, rootless: false },
    });
    const { accelerator } = hypervisor.describe();
    const spec = await podLikeSpec();
    const initramfsPath = await makeBareInitramfs(room.folder, 'bare.cpio', 'init.c');
    const machine = { ...(await bareMachine(accelerator)), initramfsPath };
    return {
      ours: () => bootOurs(hypervisor, { ...spec, id: newVmId() }),
      peer: async () => ({ value: await bareBoot({ ...spec, id: newVmId() }, machine, runDir) }),
      [Symbol.asyncDispose]: async () => {
        await hypervisor[Symbol.asyncDispose]();
        execFileSync('ip', ['link', 'delete', tap]);
      },
    };
  },
};

async function bootOurs(hypervisor: QemuHypervisor, spec: VmSpec): Promise<Sample> {
  const began = performance.now();
  const { vm, agent, origin, steps } = await hypervisor.start(spec, { signal: AbortSignal.timeout(bootLimitMs) });
  try {
    const value = performance.now() - began;
    agent.close();
    if (origin !== 'boot') throw new Error(`a VM that was to boot is a ${origin}`);
    return { value, parts: Object.fromEntries(steps.map(({ name, milliseconds }) => [name, milliseconds])) };
  } finally {
    await vm.kill();
    await hypervisor.cleanUp(vm.record);
  }
}

/** What hyperd starts for a pod: a NIC, and two disks that wait. */
async function podLikeSpec(): Promise<Omit<VmSpec, 'id'>> {
  const user = await qemuUser();
  execFileSync('ip', ['tuntap', 'add', 'dev', tap, 'mode', 'tap', 'user', String(user.uid), 'vnet_hdr']);
  execFileSync('ip', ['link', 'set', tap, 'up']);
  return { vcpus: 1, memoryMiB: 128, nic: { number: 0, tap, mac: '02:68:c0:a8:7b:02' } };
}
