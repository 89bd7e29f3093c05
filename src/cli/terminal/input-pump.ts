import type { Readable, Writable } from 'node:stream';
import type { AttachSession } from '../../client/index.ts';
import type { DetachScanner } from './detach-keys.ts';

/**
 * Sends what is read on to the process, no faster than it is taken; the end of input is the process's too. By iteration: Bun 1.4's
 * process.stdin loses its end when it is paused near it (seen in 10 of 25 runs).
 *
 * @param scanner looks for the detach keys, which end the session; null: all bytes are the process's.
 * @returns stops it: what is read afterwards is dropped.
 */
export function pumpInput(source: Readable, session: AttachSession, scanner: DetachScanner | null): () => void {
  let stopped = false;
  const pump = async (): Promise<void> => {
    for await (const chunk of source) {
      if (stopped || !Buffer.isBuffer(chunk)) return;
      const { forward, detached } = scanner?.push(chunk) ?? { forward: chunk, detached: false };
      if (detached) session.detach();
      else if (forward.length > 0 && !session.stdin.write(forward)) await drained(session.stdin);
    }
  };
  // EIO, when the terminal has gone, is the end of input as well.
  void pump().then(session.eof, session.eof);
  return () => {
    stopped = true;
  };
}

/** Resolves when more may be written, or nothing ever will. */
function drained(stream: Writable): Promise<void> {
  return new Promise((resolve) => {
    const done = (): void => {
      stream.off('drain', done).off('close', done);
      resolve();
    };
    stream.on('drain', done).on('close', done);
  });
}
