import { chmod, rm } from 'node:fs/promises';
import { createWriteStream } from 'node:fs';
import { once } from 'node:events';
import { createServer, type Socket } from 'node:net';
import { pipeline } from 'node:stream/promises';
import { setTimeout as delay } from 'node:timers/promises';
import { allDone } from '../../lib/all-done.ts';
import { HyperError } from '../../lib/errors.ts';
import type { Qmp } from './qmp.ts';

/** How often it is asked whether a state has been written: 0.04 s in all (facts). */
const intervalMs = 3;

/** Memory that is in a shared file stays there: only the devices' state goes through the stream. */
const withoutMemory = { capabilities: [{ capability: 'x-ignore-shared', state: true }] };

export interface StateSocket {
  readonly path: string;
  /** By which QEMU knows it. */
  readonly seen: string;
}

/**
 * Writes the state of a stopped VM's devices to a file. QEMU's way out is a socket: it takes no descriptor by number, and
 * starting a program is denied by its sandbox.
 */
export async function saveState(qmp: Qmp, socket: StateSocket, file: string, signal: AbortSignal): Promise<void> {
  const server = createServer();
  server.on('error', () => undefined); // of the connection, which then does not come: QEMU says so
  try {
    const listening = once(server, 'listening', { signal });
    server.listen(socket.path);
    await listening;
    await chmod(socket.path, 0o666); // in a folder that only QEMU's user enters
    const written = once(server, 'connection', { signal }).then(async ([connection]: Socket[]) => {
      if (connection !== undefined) await pipeline(connection, createWriteStream(file, { mode: 0o600 }), { signal });
    });
    written.catch(() => undefined); // heard below
    await qmp.execute('migrate-set-capabilities', withoutMemory);
    await qmp.execute('migrate', { uri: `unix:${socket.seen}` });
    await completed(qmp, signal);
    await written;
  } finally {
    server.close();
    await rm(socket.path, { force: true });
  }
}

/** Has a VM read its state from a descriptor that QEMU's process inherited. An event says how it went. */
export async function beginLoading(qmp: Qmp, descriptor: number): Promise<void> {
  // One after the other without waiting: QEMU answers in order.
  await allDone([
    qmp.execute('migrate-set-capabilities', withoutMemory),
    qmp.execute('migrate-incoming', { uri: `fd:${descriptor}` }),
  ]);
}

async function completed(qmp: Qmp, signal: AbortSignal): Promise<void> {
  for (;;) {
    signal.throwIfAborted();
    const answer = await qmp.execute('query-migrate');
    const status = typeof answer === 'object' && answer !== null && 'status' in answer ? answer.status : undefined;
    if (status === 'completed') return;
    if (status === 'failed' || status === 'cancelled') {
      throw new HyperError('vm_failed', `the template's state was not written: ${JSON.stringify(answer)}`);
    }
    await delay(intervalMs);
  }
}
