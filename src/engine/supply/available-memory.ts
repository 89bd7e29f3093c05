import { readFile } from 'node:fs/promises';

/** Below this share of the host's memory what waits is given up; below twice of it none is made. */
export const shortShare = 0.05;

/** Which share of the host's memory programs could have without swapping: MemAvailable of proc(5). 1 where it is not said. */
export async function availableMemoryShare(): Promise<number> {
  const text = await readFile('/proc/meminfo', 'utf8').catch(() => '');
  const kiB = (name: string): number => Number(new RegExp(`^${name}:\\s*(\\d+) kB`, 'm').exec(text)?.[1]);
  const share = kiB('MemAvailable') / kiB('MemTotal');
  return Number.isNaN(share) ? 1 : share;
}
