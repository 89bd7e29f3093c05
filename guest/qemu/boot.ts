/**
 * Boots the guest of guest/build with a QEMU, under emulation, until its agent is there, and ends it in order: the work that
 * scripts/qemu has its compiler optimize for, and the trial of what it has built.
 *
 *     node guest/qemu/boot.ts QEMU [OPTION…]
 */
import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { newVmId } from '../../src/lib/ids.ts';
import { qemuArguments } from '../../src/vm/qemu/arguments.ts';
import { probeGuest, probeQemu } from '../../src/vm/qemu/probe.ts';
import { listensNotYet, Qmp } from '../../src/vm/qemu/qmp.ts';

/** A QEMU that counts what it does takes some five times as long as another. */
const limitMs = 300_000;
const monitorIntervalMs = 20;

async function boot(binary: string, options: readonly string[], folder: string): Promise<void> {
  const { firmware, problem } = await probeQemu(binary);
  const guest = await probeGuest(join(import.meta.dirname, '../build'));
  if (problem !== null || guest.problem !== null) throw new Error(problem ?? guest.problem ?? '');
  const files = { qmp: join(folder, 'qmp'), control: join(folder, 'control'), streams: join(folder, 'streams') };
  const machine = { ...guest, type: 'q35', accelerator: 'tcg', firmware } as const;
  const args = qemuArguments({ id: newVmId(), vcpus: 1, memoryMiB: 128 }, machine, files);
  const signal = AbortSignal.timeout(limitMs);
  const qemu = spawn(binary, [...options, ...args], {
    ...{ stdio: ['ignore', 'ignore', 'inherit'], signal, killSignal: 'SIGKILL' },
  });
  const ended = Promise.withResolvers<string>();
  qemu.once('exit', (code, by) => ended.resolve(String(code ?? by)));
  qemu.once('error', ended.reject);
  const tooEarly = ended.promise.then((how) => {
    throw new Error(signal.aborted ? `no agent after ${limitMs} ms` : `${binary} ended before the agent came: ${how}`);
  });
  tooEarly.catch(() => undefined); // heard where it is raced with
  try {
    const agent = Promise.withResolvers<void>();
    const qmp = await Promise.race([monitor(files.qmp, signal, agent.resolve), tooEarly]);
    await Promise.race([agent.promise, tooEarly]);
    await qmp.execute('quit');
    const how = await ended.promise;
    if (how !== '0') throw new Error(`${binary} ended with ${how}`);
  } finally {
    qemu.kill('SIGKILL');
  }
}

/** Resolves when QEMU's monitor answers; `onAgent` is called when the agent has opened its channel. */
async function monitor(path: string, signal: AbortSignal, onAgent: () => void): Promise<Qmp> {
  for (;;) {
    try {
      return await Qmp.connect(path, ({ name, data }) => {
        if (name === 'VSERPORT_CHANGE' && data['id'] === 'port0' && data['open'] === true) onAgent();
      });
    } catch (error) {
      if (!listensNotYet(error)) throw error;
    }
    await delay(monitorIntervalMs, undefined, { signal });
  }
}

const [binary, ...options] = process.argv.slice(2);
const folder = mkdtempSync(join(tmpdir(), 'hyper-qemu-'));
try {
  if (binary === undefined) throw new Error('usage: node guest/qemu/boot.ts QEMU [OPTION…]');
  await boot(binary, options, folder);
} catch (error) {
  process.stderr.write(`boot: ${error instanceof Error ? error.message : String(error)}\n`);
  process.exitCode = 1;
} finally {
  rmSync(folder, { recursive: true, force: true });
}
