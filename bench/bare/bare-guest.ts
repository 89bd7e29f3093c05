import { once } from 'node:events';
import { readFile, writeFile } from 'node:fs/promises';
import { connect, type Socket } from 'node:net';
import { join } from 'node:path';
import { type Entry, writeCpio } from '../../guest/initramfs/cpio.ts';
import { readModules } from '../../guest/initramfs/modules.ts';
import type { VmSpec } from '../../src/vm/index.ts';
import type { QemuMachine } from '../../src/vm/qemu/arguments.ts';
import { repository } from '../repository.ts';
import { bareGuestIsHere, type BareOptions, consoleEntries, endBare, spawnBare } from './bare-boot.ts';

export interface BareGuestOptions extends BareOptions {
  readonly folder: string;
  readonly spec: VmSpec;
  readonly machine: Omit<QemuMachine, 'initramfsPath'>;
  /** The kernel's modules that it loads beside those of its port. */
  readonly modules?: readonly string[];
}

/** What the commands call: busybox's, by their names. */
const applets = [
  ...['cat', 'chroot', 'grep', 'head', 'insmod', 'ip', 'mkdir', 'mount', 'seq', 'sh', 'usleep'],
] as const;

/** A command that takes longer is broken: 256 MiB at 2 MB/s. */
const commandLimitMs = 130_000;

/** How an answer ends: guest-init.sh. */
const answerEnd = /\x04(\d+)\n$/;
const longestEnd = 5;

const file = (path: string, mode: number, content: Buffer): Entry => ({ kind: 'file', path, mode, content });

async function writeInitramfs(path: string, names: readonly string[]): Promise<void> {
  const folder = join(repository, 'guest/build/kernel/modules');
  const modules = readModules(folder, ['virtio_pci', 'virtio_console', ...names]);
  const entries: readonly Entry[] = [
    ...consoleEntries,
    ...['bin', 'proc', 'sys', 'tmp'].map((each): Entry => ({ kind: 'folder', path: each, mode: 0o755 })),
    ...applets.map((applet): Entry => ({ kind: 'link', path: `bin/${applet}`, target: 'busybox' })),
    file('bin/busybox', 0o755, await readFile('/bin/busybox')),
    file('init', 0o755, await readFile(join(import.meta.dirname, 'guest-init.sh'))),
    file('modules', 0o644, Buffer.from(modules.map(({ name }) => `${name}\n`).join(''))),
    ...modules.map(({ name, content }) => file(`${name}.ko`, 0o644, content)),
  ];
  await writeFile(path, writeCpio(entries));
}

/** A guest without Hyper: busybox's shell on the same kernel and devices, told what to do through a bare virtserialport. */
export class BareGuest implements AsyncDisposable {
  readonly #socket: Socket;
  readonly #end: () => Promise<void>;

  private constructor(socket: Socket, end: () => Promise<void>) {
    this.#socket = socket;
    this.#end = end;
    socket.on('error', () => socket.destroy()); // 'close' follows and tells
  }

  static async start(options: BareGuestOptions): Promise<BareGuest> {
    const { folder, spec, machine, modules = [] } = options;
    const initramfsPath = join(folder, `${spec.id}.cpio`);
    await writeInitramfs(initramfsPath, modules);
    const qemu = spawnBare(spec, { ...machine, initramfsPath }, folder, options);
    try {
      await bareGuestIsHere(qemu);
      const socket = connect({ path: join(folder, `${spec.id}-streams.sock`) });
      await once(socket, 'connect');
      return new BareGuest(socket, () => endBare(qemu));
    } catch (error) {
      await endBare(qemu);
      throw error;
    }
  }

  /** Runs one line of the shell's; answers with its output. Fails when it does. */
  async run(line: string): Promise<string> {
    return Buffer.concat(await this.runRaw(line))
      .toString('utf8')
      .trim();
  }

  /** The same, with the output as it came. */
  async runRaw(line: string): Promise<readonly Buffer[]> {
    const { promise, resolve, reject } = Promise.withResolvers<number>();
    const chunks: Buffer[] = [];
    let tail = '';
    const take = (chunk: Buffer): void => {
      chunks.push(chunk);
      tail = (tail + chunk.subarray(-longestEnd).toString('latin1')).slice(-longestEnd);
      const code = answerEnd.exec(tail)?.[1];
      if (code !== undefined) resolve(Number(code));
    };
    const lost = (): void => reject(new Error(`the bare guest does not answer to: ${line}`));
    const limit = setTimeout(lost, commandLimitMs);
    this.#socket.on('data', take);
    this.#socket.once('close', lost);
    this.#socket.write(`${line}\n`);
    try {
      const code = await promise;
      const output = withoutEnd(chunks, `\x04${code}\n`.length);
      if (code !== 0) throw new Error(`in the bare guest: ${line}: exit ${code}: ${Buffer.concat(output).toString()}`);
      return output;
    } finally {
      clearTimeout(limit);
      this.#socket.off('data', take);
      this.#socket.off('close', lost);
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#socket.destroy();
    await this.#end();
  }
}

/** Without the last bytes, which may be in several chunks. */
function withoutEnd(chunks: readonly Buffer[], length: number): Buffer[] {
  const kept = [...chunks];
  for (let left = length; left > 0;) {
    const last = kept.pop() ?? Buffer.alloc(left);
    if (last.length > left) kept.push(last.subarray(0, -left));
    left -= last.length;
  }
  return kept;
}
