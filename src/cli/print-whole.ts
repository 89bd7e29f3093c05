import { writeSync } from 'node:fs';
import { systemCode } from '../lib/errors.ts';

const pauseMs = 5;
const pause = new Int32Array(new SharedArrayBuffer(4));

/**
 * Writes a text to a descriptor before it returns, however slow its reader is. (Bun's `process.stdout` says that all is
 * written while a full pipe still holds some of it up, and that is lost when we exit.)
 *
 * @throws what the system says: EPIPE where the reader has gone
 */
export function printWhole(fd: number, text: string): void {
  let left = Buffer.from(text);
  while (left.length > 0) {
    try {
      left = left.subarray(writeSync(fd, left));
    } catch (error) {
      // Somebody has made the pipe non-blocking, and it is full.
      if (systemCode(error) !== 'EAGAIN') throw error;
      Atomics.wait(pause, 0, 0, pauseMs);
    }
  }
}
