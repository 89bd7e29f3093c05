import { execFileSync } from 'node:child_process';
import { mkdir, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { qemuUser } from '../../src/daemon/rootless/index.ts';
import { newVmId } from '../../src/lib/ids.ts';
import { silentLog } from '../../src/lib/log.ts';
import { QemuHypervisor, ScratchDisks, type VmSpec } from '../../src/vm/index.ts';
import { bareBoot, makeBareInitramfs } from '../bare/bare-boot.ts';
import type { Comparison, Sample } from '../measure.ts';
import { repository, type Room } from '../room.ts';
import { probeQemu } from '../../src/vm/qemu/probe.ts';

const bootLimitMs = 120_000;
const tap = 'bench0';

/** From the start of QEMU's process to the agent's answer, against the same machine whose init writes one byte. */
export const coldStart: Comparison = {
  name: 'cold-start',
  what: 'cold start to the agent’s answer',
  peer: 'bare QEMU, same flags and kernel, a static init that writes a byte',
  unit: 'ms',
  target: 1.35,
  async prepare(room) {
    const { root } = await room.hyperd();
    const [guestDir, runDir] = [join(repository, 'guest/build'), join(room.folder, 'bare-run')];
    await mkdir(runDir, { mode: 0o711 });
    const user = await qemuUser();
    const hypervisor = await QemuHypervisor.probe({
      ...{ binary: 'qemu-system-x86_64', runDir, root, guestDir, accelerator: 'auto', user, log: silentLog },
      rootless: false,
    });
    const { accelerator } = hypervisor.describe();
    const spec = await podLikeSpec(room, root);
    const initramfsPath = await makeBareInitramfs(room.folder, 'bare.cpio', 'init.c');
    const { firmware } = await probeQemu('qemu-system-x86_64');
    const machine = { firmware, accelerator, kernelPath: join(guestDir, 'vmlinux'), initramfsPath };
    return {
      ours: () => bootOurs(hypervisor, { ...spec, id: newVmId() }),
      peer: async () => ({ value: await bareBoot({ ...spec, id: newVmId() }, machine, runDir) }),
      [Symbol.asyncDispose]: async () => {
        await Promise.resolve(execFileSync('ip', ['link', 'delete', tap]));
      },
    };
  },
};

async function bootOurs(hypervisor: QemuHypervisor, spec: VmSpec): Promise<Sample> {
  const began = performance.now();
  const signal = AbortSignal.timeout(bootLimitMs);
  const vm = await hypervisor.start(spec, signal);
  try {
    const monitor = performance.now() - began;
    const agent = await vm.connectAgent({ persistedEvent: 0, known: [], signal });
    const value = performance.now() - began;
    agent.close();
    return { value, parts: { monitor, boot: value - monitor } };
  } finally {
    await vm.kill();
    await hypervisor.cleanUp(vm.record);
  }
}

/** What hyperd starts for a pod of busybox: an image's disk, a scratch disk, a NIC. */
async function podLikeSpec(room: Room, root: string): Promise<Omit<VmSpec, 'id'>> {
  const user = await qemuUser();
  const [image] = await readdir(join(root, 'images'));
  if (image === undefined) throw new Error('hyperd has no image');
  const scratch = join(root, 'bench-scratch.ext4');
  await new ScratchDisks(join(room.folder, 'scratch')).create(scratch, 10240, user);
  execFileSync('ip', ['tuntap', 'add', 'dev', tap, 'mode', 'tap', 'user', String(user.uid), 'vnet_hdr']);
  execFileSync('ip', ['link', 'set', tap, 'up']);
  return {
    vcpus: 1,
    memoryMiB: 128,
    disks: [
      { serial: 'image', path: join(root, 'images', image, 'disk.vmdk'), format: 'vmdk', readOnly: true },
      { serial: 'scratch', path: scratch, format: 'raw', readOnly: false },
    ],
    nic: { tap, mac: '02:68:c0:a8:7b:02' },
  };
}
