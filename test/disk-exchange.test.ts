import assert from 'node:assert/strict';
import { createReadStream, mkdtempSync, chmodSync, rmSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { qemuUser } from '../src/daemon/rootless/index.ts';
import { ProcessOutput } from '../src/engine/process-output.ts';
import { DiskSupply } from '../src/engine/supply/disk-supply.ts';
import type { IdleVm, VmRequest } from '../src/engine/supply/index.ts';
import type { Agent } from '../src/guest/index.ts';
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
      ...{ vcpus: 1, memoryMiB: 128, hostname: 'x', nics: [], imagePath, shares: [], disks: [], modules: false },
      program: { command: 'true', searchPath: '' },
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

  it('are a container already, which becomes what its pod asks for', async () => {
    await disks.standBy(idle);
    const { agent } = idle;
    const container = { container: 1, root: 'image', scratch: 'scratch', volumes: ['/kept'], readOnly: true };
    const file = { path: '/etc/motd', mode: 0o640, uid: 7, gid: 8, content: Buffer.from('hello\n') };
    const tmpfs = [{ path: '/t', options: 'size=1m' }];
    await assert.rejects(agent.createContainer({ ...container, root: 'other', files: [], tmpfs: [] }), /Resource busy/);
    await agent.createContainer({ ...container, files: [file], tmpfs, pidsMax: 17 });
    await agent.createContainer({ ...container, files: [file], tmpfs, pidsMax: 17 }); // as after a reconnect
    const script = [
      'stat -c "%a %u %g" /etc/motd && cat /etc/motd',
      'grep -c " / / ro," /proc/self/mountinfo; grep -c " /t " /proc/self/mountinfo; grep -c " /kept " /proc/self/mountinfo',
      'cat /sys/fs/cgroup/pids.max; echo $$; find /kept -maxdepth 0 -empty',
    ];
    const found = await output(agent, 9, 1, script.join('; '));
    assert.deepEqual(found, ['640 7 8', 'hello', '1', '1', '1', '17', '1', '/kept']);
    await agent.destroyContainer(1);
  });

  it('hold nothing of the places of what is mounted in every container', async () => {
    await disks.standBy(idle);
    const { agent } = idle;
    const container = { container: 1, root: 'image', scratch: 'scratch', volumes: [], readOnly: false, tmpfs: [] };
    const file = { path: '/etc/hosts', mode: 0o644, uid: 0, gid: 0, content: Buffer.from('x\n') };
    await agent.createContainer({ ...container, files: [file] });
    assert.deepEqual(await output(agent, 10, 1, 'cat /etc/hosts'), ['x']);
    assert.deepEqual(await output(agent, 11, 0, 'find /run/scratch/scratch/container-1/upper'), [
      '/run/scratch/scratch/container-1/upper',
    ]);
    await agent.destroyContainer(1);
  });

  it('have the first process of that container wait, which its pod then has; where it was killed there is another', async () => {
    const { agent } = idle;
    const container = { container: 1, root: 'image', scratch: 'scratch', volumes: [], readOnly: false, tmpfs: [] };
    const processes = 'cat /sys/fs/cgroup/pod/container-1/cgroup.procs';
    const create = async (): Promise<void> => await agent.createContainer({ ...container, files: [] });
    const first = async (process: number): Promise<number> =>
      await agent.startProcess({
        ...{ process, container: 1, args: ['sleep', '1000'], env: ['PATH=/bin'], user: '', tty: true },
        ...{ stdin: false, rlimits: [] },
      });

    await disks.standBy(idle);
    const [waiting] = await output(agent, 12, 0, processes);
    assert.match(waiting ?? '', /^\d+$/);
    await create();
    assert.equal(await first(13), Number(waiting));
    assert.match((await output(agent, 14, 1, 'tty < /dev/console; cat /proc/1/comm')).join(), /^\/dev\/console,sleep$/);
    await agent.destroyContainer(1);

    await disks.standBy(idle);
    const [killed] = await output(agent, 15, 0, processes);
    await output(agent, 16, 0, `kill -KILL ${killed}`);
    await create();
    assert.notEqual(await first(17), Number(killed));
    assert.deepEqual(await output(agent, 18, 1, 'cat /proc/1/comm'), ['sleep']);
    await agent.destroyContainer(1);
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

/** The lines of stdout of a shell in a container, or in the guest itself (0). */
async function output(agent: Agent, process: number, container: number, script: string): Promise<string[]> {
  const chunks: Buffer[] = [];
  const taken = new ProcessOutput(agent, process, false, [
    (_, bytes) => {
      chunks.push(bytes);
      return undefined;
    },
  ]);
  await agent.startProcess({
    ...{ process, container, args: ['sh', '-c', script], tty: false, stdin: false, rlimits: [] },
    env: ['PATH=/usr/bin:/bin'],
  });
  await taken.ended;
  return Buffer.concat(chunks).toString().trim().split('\n');
}
