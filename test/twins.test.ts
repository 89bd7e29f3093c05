import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { chmodSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { qemuUser } from '../src/daemon/rootless/index.ts';
import { ProcessOutput } from '../src/engine/process-output.ts';
import type { ExitEvent } from '../src/guest/index.ts';
import { newVmId } from '../src/lib/ids.ts';
import { silentLog } from '../src/lib/log.ts';
import { QemuHypervisor, type VmSpec } from '../src/vm/index.ts';
import { skipUnlessRoot } from './network/namespaces.ts';
import { repository } from './support/hyperd.ts';

const limit = (): AbortSignal => AbortSignal.timeout(60_000);
/** What a clone without SETUP draws is the same only until its kernel reseeds by itself, by the time of its boot. */
const attempts = 6;

interface Draw {
  readonly bootId: string;
  /** Whether the guest's kernel has the driver of the generation id. */
  readonly hasDriver: boolean;
  readonly saidFork: boolean;
}

const fork = 'crng reseeded due to virtual machine fork';
const script = `cat /proc/sys/kernel/random/boot_id; ls /sys/bus/*/drivers | grep -x vmgenid; dmesg | grep '${fork}'`;

/** Clones of one template, each asked for what its kernel's generator gives first: the boot_id. */
describe('clones of one template', { skip: skipUnlessRoot }, () => {
  let folder: string;
  let hypervisor: QemuHypervisor;
  const spec = (): VmSpec => ({ id: newVmId(), vcpus: 1, memoryMiB: 128 });

  before(async () => {
    folder = mkdtempSync(join(tmpdir(), 'hyper-twins-'));
    chmodSync(folder, 0o711);
    hypervisor = await QemuHypervisor.probe({
      ...{ binary: 'qemu-system-x86_64', runDir: join(folder, 'run'), root: folder, user: await qemuUser() },
      ...{ guestDir: join(repository, 'guest/build'), accelerator: 'auto', rootless: false, log: silentLog },
      ...{ machine: 'q35', maxTemplateBytes: 1 << 30 },
    });
    await hypervisor.makeTemplate(spec(), limit());
  });
  after(async () => {
    await hypervisor[Symbol.asyncDispose]();
    rmSync(folder, { recursive: true });
  });

  it('draw different numbers once they were set up', async () => {
    const seeded = new Set<string>();
    for (let index = 0; index < 4; index++) seeded.add((await draw({ setUp: true })).bootId);
    assert.equal(seeded.size, 4, [...seeded].join());
  });

  // The control: it is SETUP that parts them, not chance. Without it two of them agree.
  it('are twins without that, or parted by their generation id', async (context) => {
    const unseeded = new Set<string>();
    let drawn = 0;
    while (unseeded.size === drawn && drawn < attempts) {
      const { bootId, hasDriver, saidFork } = await draw({ setUp: false });
      unseeded.add(bootId);
      drawn++;
      assert.equal(saidFork, hasDriver, 'a kernel that has the driver says that it reseeded, another one not');
      if (hasDriver && drawn === 2) return; // such a kernel needs no SETUP for it
    }
    // So it is where the template was frozen when its kernel was just about to reseed, which it does each second or two then.
    if (unseeded.size === drawn) context.skip('each clone’s kernel reseeded by itself before it was asked');
  });

  async function draw({ setUp }: { readonly setUp: boolean }): Promise<Draw> {
    const { vm, agent, origin } = await hypervisor.start(spec(), { signal: limit() });
    try {
      assert.equal(origin, 'template');
      const exited = Promise.withResolvers<ExitEvent>();
      agent.listen({ onExit: exited.resolve, onClose: (cause) => exited.reject(cause ?? new Error('it has gone')) });
      if (setUp) await agent.setUp({ entropy: randomBytes(64), hostname: 'twin', nics: [] });
      let text = '';
      const output = new ProcessOutput(agent, 1, false, [(_stream, bytes) => void (text += bytes.toString())]);
      await agent.startProcess({
        ...{ process: 1, container: 0, args: ['sh', '-c', script], env: ['PATH=/bin:/usr/bin'] },
        ...{ user: '', tty: false, stdin: false, rlimits: [] },
      });
      await exited.promise;
      await output.ended;
      const [bootId = '', ...lines] = text.trim().split('\n');
      assert.match(bootId, /^[0-9a-f-]{36}$/);
      return { bootId, hasDriver: lines.includes('vmgenid'), saidFork: text.includes(fork) };
    } finally {
      agent.close();
      await vm.kill();
      await hypervisor.cleanUp(vm.record);
    }
  }
});
