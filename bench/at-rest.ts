import { readFile } from 'node:fs/promises';
import { setTimeout as delay } from 'node:timers/promises';

const windowMs = 100;
/** In that time, of all processors together: a fifth of one. */
const busyTicks = 2;
/** Where others keep the machine busy, samples are taken all the same. */
const limitMs = 3000;

/**
 * Resolves when all processors have been idle for a moment, but for a fifth of one: what either side does after its client
 * has ended, and does not tell, is no part of the other's next sample. dockerd and the kernel still take a container apart
 * when `docker run --rm` has ended.
 *
 * @returns whether it came to that
 */
export async function machineAtRest(signal: AbortSignal): Promise<boolean> {
  const deadline = performance.now() + limitMs;
  for (let before = await ticks(); performance.now() < deadline;) {
    await delay(windowMs, undefined, { signal });
    const now = await ticks();
    if (now.all - before.all - (now.idle - before.idle) <= busyTicks) return true;
    before = now;
  }
  return false;
}

/** Hundredths of a second of all processors (proc_stat(5)): idle and iowait are the fourth and the fifth. */
async function ticks(): Promise<{ readonly all: number; readonly idle: number }> {
  const [line = ''] = (await readFile('/proc/stat', 'latin1')).split('\n');
  const counts = line.trim().split(/\s+/).slice(1, 9).map(Number);
  const [, , , idle = NaN, waiting = NaN] = counts;
  return { all: counts.reduce((sum, each) => sum + each, 0), idle: idle + waiting };
}
