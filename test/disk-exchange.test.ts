import assert from 'node:assert/strict';
import { createReadStream, mkdtempSync, chmodSync, rmSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { qemuUser } from '../src/daemon/rootless/index.ts';
import { DiskSupply } from '../src/engine/supply/disk-supply.ts';
import type { IdleVm, VmRequest } from '../src/engine/supply/index.ts';
import { ImageStore } from '../src/image/index.ts';
import { HyperError } from '../src/lib/errors.ts';
import { newVmId } from '../src/lib/ids.ts';
import { silentLog } from '../src/lib/log.ts';
import { QemuHypervisor, ScratchDisks } from '../src/vm/index.ts';
import { skipUnlessRoot } from './network/namespaces.ts';
import { repository } from './support/hyperd.ts';

/** A VM that waits with disks of ours, and the exchange of them for a pod's. */
describe('the disks of a VM that waits', { skip: skipUnlessRoot, timeout: 90_000 }, () => {
  let folder: string;
  let parts: AsyncDisposableStack;
  let disks: DiskSupply;
  let idle: IdleVm;
  let request: VmRequest;

  before(async () => {
    folder = mkdtempSync(join(tmpdir(), 'hyper-exchange-'));
    chmodSync(folder, 0o711);
    parts = new AsyncDisposableStack();
    const user = await qemuUser();
    const guestDir = join(repository, 'guest/build');
    const hypervisor = parts.use(
      await QemuHypervisor.probe({
        ...{ binary: 'qemu-system-x86_64', runDir: join(folder, 'run'), root: folder, user, guestDir },
        ...{ accelerator: 'auto', rootless: false, log: silentLog, machine: 'q35', maxTemplateBytes: 0 },
      }),
    );
    const images = parts.use(await ImageStore.open({ root: folder, log: silentLog, config: {} }));
    const image = await images.addImageFromTar({
      ...{ reference: 'busybox', tar: createReadStream(join(guestDir, 'busybox-image.tar')) },
      signal: AbortSignal.timeout(60_000),
    });
    const imagePath = images.disk(image).descriptorPath;
    await mkdir(join(folder, 'pool'));
    disks = new DiskSupply({
      ...{ scratchDisks: new ScratchDisks(join(folder, 'scratch')), folder: join(folder, 'pool'), owner: user },
      ownImage: () => Promise.resolve(imagePath),
    });
    request = {
      ...{ vcpus: 1, memoryMiB: 128, hostname: 'x', nics: [], imagePath, shares: [], disks: [] },
      scratch: { path: join(folder, 'own.ext4'), sizeMiB: 64, limits: { bytesPerSecond: null, iops: null } },
    };
    const spec = { id: newVmId(), vcpus: 1, memoryMiB: 128 };
    const { vm, agent } = await hypervisor.start(spec, { signal: AbortSignal.timeout(60_000) });
    agent.listen({ onExit: () => undefined, onClose: () => undefined });
    idle = { vm, agent, endpoints: [], networkProblem: '' };
    parts.defer(async () => {
      agent.close();
      await vm.kill();
      await hypervisor.cleanUp(vm.record);
    });
  });
  after(async () => {
    await parts.disposeAsync();
    rmSync(folder, { recursive: true });
  });

  it('are not exchanged while one is still mounted: such a VM is of no use', async () => {
    const standby = await disks.standBy(idle);
    const { agent } = idle;
    // Something in the guest has it open, as a defect of the agent would.
    const holder = 7;
    await agent.startProcess({
      ...{ process: holder, container: 0, args: ['sleep', '1000'], cwd: '/run/scratch/scratch' },
      ...{ env: ['PATH=/bin'], user: '', tty: false, stdin: false, rlimits: [] },
    });
    await assert.rejects(disks.take({ ...idle, standby }, request), (error: unknown) => {
      assert.ok(error instanceof HyperError);
      assert.deepEqual(
        [error.code, error.message],
        ['vm_failed', 'its disks cannot be taken away: a disk of the container cannot be unmounted'],
      );
      return true;
    });
    // It says so each time, and lets them go once it can.
    await assert.rejects(disks.take({ ...idle, standby }, request), /cannot be unmounted/);
    await agent.signal(holder, 9);
    await disks.take({ ...idle, standby }, request);
    await agent.ping();
  });
});
