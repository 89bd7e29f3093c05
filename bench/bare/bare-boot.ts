import { type ChildProcessByStdio, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Readable } from 'node:stream';
import { type Entry, writeCpio } from '../../guest/initramfs/cpio.ts';
import { qemuArguments, type QemuMachine } from '../../src/vm/qemu/arguments.ts';
import type { VmSpec } from '../../src/vm/index.ts';

/** What a bare guest writes on its console when it is there (init.c). */
const here = 0x06;

const bootLimitMs = 120_000;

export type BareQemu = ChildProcessByStdio<null, Readable, null>;

/** The console device, which the kernel opens for PID 1. */
export const consoleEntries: readonly Entry[] = [
  { kind: 'folder', path: 'dev', mode: 0o755 },
  { kind: 'device', path: 'dev/console', mode: 0o600, major: 5, minor: 1 },
];

/** An initramfs with one static program. */
export async function makeBareInitramfs(folder: string, name: string, source: string): Promise<string> {
  const [program, path] = [join(folder, `${name}-init`), join(folder, name)];
  const options = ['-static', '-Os', '-Wall', '-Wextra', '-Werror', '-o', program];
  execFileSync('musl-gcc', [...options, join(import.meta.dirname, source)]);
  const init: Entry = { kind: 'file', path: 'init', mode: 0o755, content: await readFile(program) };
  await writeFile(path, writeCpio([...consoleEntries, init]));
  return path;
}

export interface BareOptions {
  /** Further arguments of QEMU's. */
  readonly more?: readonly string[];
  /** What enters the network namespace that its tap is in: a command line that becomes QEMU. */
  readonly entering?: readonly string[];
}

/** QEMU as hyperd starts it, but without its jail, and its console on our pipe. */
export function spawnBare(
  spec: VmSpec,
  machine: QemuMachine,
  folder: string,
  { more = [], entering = [] }: BareOptions = {},
): BareQemu {
  const socket = (name: string): string => join(folder, `${spec.id}-${name}.sock`);
  const files = { qmp: socket('qmp'), control: socket('control'), streams: socket('streams') };
  const args = qemuArguments(spec, machine, files).map((argument) =>
    argument.startsWith('ringbuf,') ? 'stdio,id=console,signal=off' : argument,
  );
  const [program = '', ...rest] = [...entering, 'qemu-system-x86_64', ...args, ...more];
  // In a session of its own, as hyperd's: the host's scheduler shares a busy machine out among sessions (autogroup).
  return spawn(program, rest, { stdio: ['ignore', 'pipe', 'inherit'], detached: true });
}

/** Resolves when the guest's init says so. */
export async function bareGuestIsHere(qemu: BareQemu): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  const said: Buffer[] = [];
  qemu.stdout.on('data', (chunk: Buffer) => {
    said.push(chunk);
    if (chunk.includes(here)) resolve();
  });
  const fail = (): void =>
    reject(new Error(`the bare guest does not come up: ${Buffer.concat(said).toString('latin1')}`));
  qemu.once('exit', fail);
  const limit = setTimeout(fail, bootLimitMs);
  await promise.finally(() => clearTimeout(limit));
}

export async function endBare(qemu: BareQemu): Promise<void> {
  const exited = once(qemu, 'exit');
  qemu.kill('SIGKILL');
  await exited;
}

/** Milliseconds from the start of QEMU's process to the byte of its guest's init. */
export async function bareBoot(spec: VmSpec, machine: QemuMachine, folder: string): Promise<number> {
  const began = performance.now();
  const qemu = spawnBare(spec, machine, folder);
  try {
    await bareGuestIsHere(qemu);
    return performance.now() - began;
  } finally {
    await endBare(qemu);
  }
}
