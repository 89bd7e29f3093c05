/**
 * Boots the guest of guest/build with a QEMU, under emulation, until its agent is there, and ends it in order: the work that
 * scripts/qemu has its compiler optimize for, and the trial of what it has built.
 *
 *     node guest/qemu/boot.ts QEMU
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { systemCode } from '../../src/lib/errors.ts';
import { newVmId } from '../../src/lib/ids.ts';
import { qemuArguments } from '../../src/vm/qemu/arguments.ts';
import { probeGuest, probeQemu } from '../../src/vm/qemu/probe.ts';
import { Qmp } from '../../src/vm/qemu/qmp.ts';

/** A QEMU that counts what it does takes some five times as long as another. */
const limitMs = 300_000;
/** Where distributions have the firmware; a QEMU that lies where it was built looks only there. */
const firmwareFolders = ['/usr/share/qemu', '/usr/share/seabios'];

async function boot(binary: string, folder: string): Promise<void> {
  const { firmware, problem } = await probeQemu(binary);
  if (problem !== null) throw new Error(problem);
  const guest = await probeGuest(join(import.meta.dirname, '../build'));
  if (guest.problem !== null) throw new Error(guest.problem);
  const files = { qmp: join(folder, 'qmp'), control: join(folder, 'control'), streams: join(folder, 'streams') };
  const spec = { id: newVmId(), vcpus: 1, memoryMiB: 128 };
  const args = qemuArguments(spec, { ...guest, type: 'q35', accelerator: 'tcg', firmware }, files);
  const signal = AbortSignal.timeout(limitMs);
  const qemu = spawn(binary, [...firmwareFolders.flatMap((each) => ['-L', each]), ...args], {
    stdio: ['ignore', 'ignore', 'inherit'],
    signal,
  });
  const ended = once(qemu, 'exit') as Promise<[code: number | null, signal: NodeJS.Signals | null]>;
  const agent = Promise.withResolvers<void>();
  const qmp = await Promise.race([
    connect(files.qmp, (name, data) => {
      if (name === 'VSERPORT_CHANGE' && data['id'] === 'port0' && data['open'] === true) agent.resolve();
    }),
    ended.then(([code, by]) => Promise.reject(new Error(`${binary} ended at once, with ${code ?? by}`))),
  ]);
  await Promise.race([
    agent.promise,
    qmp.closed.then(() => Promise.reject(new Error('QEMU ended before the agent came'))),
  ]);
  await qmp.execute('quit');
  const [code, by] = await ended;
  if (code !== 0) throw new Error(`${binary} ended with ${code ?? by}`);
}

async function connect(
  path: string,
  onEvent: (name: string, data: Readonly<Record<string, unknown>>) => void,
): Promise<Qmp> {
  for (;;) {
    try {
      return await Qmp.connect(path, ({ name, data }) => onEvent(name, data));
    } catch (error) {
      const code = systemCode(error);
      if (code !== 'ENOENT' && code !== 'ECONNREFUSED') throw error;
    }
    await delay(20);
  }
}

const [binary] = process.argv.slice(2);
if (binary === undefined) {
  process.stderr.write('Usage: node guest/qemu/boot.ts QEMU\n');
  process.exit(2);
}
const folder = mkdtempSync(join(tmpdir(), 'hyper-qemu-'));
try {
  await boot(binary, folder);
} finally {
  rmSync(folder, { recursive: true, force: true });
}
