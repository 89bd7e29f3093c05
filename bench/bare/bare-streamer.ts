import { once } from 'node:events';
import { readFile, writeFile } from 'node:fs/promises';
import { connect, type Socket } from 'node:net';
import { join } from 'node:path';
import { type Entry, writeCpio } from '../../guest/initramfs/cpio.ts';
import { readModules } from '../../guest/initramfs/modules.ts';
import type { VmSpec } from '../../src/vm/index.ts';
import type { QemuMachine } from '../../src/vm/qemu/arguments.ts';
import { bareGuestIsHere, consoleEntries, endBare, spawnBare } from './bare-boot.ts';

export interface StreamScripts {
  readonly make: string;
  readonly send: string;
}

/** 2 MB/s: slower is broken. */
const sendLimitMs = 120_000;

/** What the scripts call. */
const applets = ['cat', 'head', 'insmod', 'mount', 'seq', 'usleep'] as const;

const file = (path: string, mode: number, content: Buffer): Entry => ({ kind: 'file', path, mode, content });

async function writeInitramfs(path: string, guestDir: string, scripts: StreamScripts): Promise<void> {
  const modules = readModules(join(guestDir, 'kernel/modules'), ['virtio_pci', 'virtio_console']);
  const entries: readonly Entry[] = [
    ...consoleEntries,
    { kind: 'folder', path: 'bin', mode: 0o755 },
    { kind: 'folder', path: 'tmp', mode: 0o755 },
    ...applets.map((applet): Entry => ({ kind: 'link', path: `bin/${applet}`, target: 'busybox' })),
    file('bin/busybox', 0o755, await readFile('/bin/busybox')),
    file('init', 0o755, await readFile(join(import.meta.dirname, 'stream-init.sh'))),
    file('make-pattern', 0o644, Buffer.from(scripts.make)),
    file('send-pattern', 0o644, Buffer.from(scripts.send)),
    ...modules.map(({ name, content }) => file(`${name}.ko`, 0o644, content)),
  ];
  await writeFile(path, writeCpio(entries));
}

/** A bare guest that sends its script's output through a virtserialport whenever it is asked to. */
export class BareStreamer implements AsyncDisposable {
  readonly #socket: Socket;
  readonly #end: () => Promise<void>;

  private constructor(socket: Socket, end: () => Promise<void>) {
    this.#socket = socket;
    this.#end = end;
    socket.on('error', () => socket.destroy()); // 'close' follows and tells
  }

  static async start(
    folder: string,
    spec: VmSpec,
    machine: Omit<QemuMachine, 'initramfsPath'> & { readonly guestDir: string },
    scripts: StreamScripts,
  ): Promise<BareStreamer> {
    const initramfsPath = join(folder, 'streamer.cpio');
    await writeInitramfs(initramfsPath, machine.guestDir, scripts);
    const qemu = spawnBare(spec, { ...machine, initramfsPath }, folder);
    try {
      await bareGuestIsHere(qemu);
      const socket = connect({ path: join(folder, `${spec.id}-streams.sock`) });
      await once(socket, 'connect');
      return new BareStreamer(socket, () => endBare(qemu));
    } catch (error) {
      await endBare(qemu);
      throw error;
    }
  }

  /** Asks once and takes this many bytes. */
  async receive(bytes: number): Promise<readonly Buffer[]> {
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const chunks: Buffer[] = [];
    let received = 0;
    const take = (chunk: Buffer): void => {
      chunks.push(chunk);
      received += chunk.length;
      if (received >= bytes) resolve();
    };
    const lost = (): void => reject(new Error(`the bare guest sent ${received} bytes and no more`));
    const limit = setTimeout(lost, sendLimitMs);
    this.#socket.on('data', take);
    this.#socket.once('close', lost);
    this.#socket.write('go\n');
    try {
      await promise;
      return chunks;
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
