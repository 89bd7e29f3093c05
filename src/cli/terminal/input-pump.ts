import type { Readable } from 'node:stream';
import type { AttachSession } from '../../client/index.ts';
import type { DetachScanner } from './detach-keys.ts';

/**
 * Sends what is read on to the process, no faster than it is taken; the end of input is the process's too.
 *
 * @param scanner looks for the detach keys, which end the session; null: all bytes are the process's.
 * @returns stops it.
 */
export function pumpInput(source: Readable, session: AttachSession, scanner: DetachScanner | null): () => void {
  const { stdin } = session;
  const onData = (chunk: Buffer): void => {
    const scanned = scanner?.push(chunk) ?? { forward: chunk, detached: false };
    if (scanned.forward.length > 0 && !stdin.write(scanned.forward)) source.pause();
    if (scanned.detached) session.detach();
  };
  const onDrain = (): void => {
    source.resume();
  };
  const onEnd = (): void => session.eof();
  source.on('data', onData);
  source.on('end', onEnd);
  source.on('error', onEnd); // EIO: the terminal has gone; the process sees its input end
  stdin.on('drain', onDrain);
  return () => {
    source.off('data', onData);
    source.off('end', onEnd);
    stdin.off('drain', onDrain);
    source.pause();
  };
}
