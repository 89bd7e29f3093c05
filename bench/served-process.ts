import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { open, readFile } from 'node:fs/promises';
import { setTimeout as delay } from 'node:timers/promises';

export interface ServedProcess {
  readonly file: string;
  readonly args: readonly string[];
  readonly log: string;
  /** Fails until the server answers. */
  readonly ask: () => Promise<unknown>;
  readonly signal: AbortSignal;
}

const startLimitMs = 60_000;

/** A server's process; it ends with its scope. */
export interface Served extends AsyncDisposable {
  readonly pid: number;
}

/** Starts a server and waits until it answers. */
export async function serve({ file, args, log, ask, signal }: ServedProcess): Promise<Served> {
  await using output = await open(log, 'w');
  const child = spawn(file, args, { stdio: ['ignore', output.fd, output.fd] });
  const exited = once(child, 'exit');
  const end = async (): Promise<void> => {
    child.kill('SIGTERM');
    await exited;
  };
  const deadline = performance.now() + startLimitMs;
  for (;;) {
    try {
      await ask();
      if (child.pid === undefined) throw new Error(`${file} has no pid`);
      return { pid: child.pid, [Symbol.asyncDispose]: end };
    } catch (error) {
      const gone = child.exitCode !== null || child.signalCode !== null;
      if (gone || signal.aborted || performance.now() > deadline) {
        if (!gone) await end();
        throw new Error(`${file} does not start: ${(await readFile(log, 'utf8')).slice(-2000)}`, { cause: error });
      }
      await delay(50); // a unix socket tells nobody when it appears
    }
  }
}
