import { statfs } from 'node:fs/promises';

const MiB = 2 ** 20;
/** With less nothing can be stored, or it is a matter of moments. */
const fullBelow = MiB;
/** Of a small disk a twentieth. */
const nearlyFullBelow = 512 * MiB;

/** What a user should know of the disk that a folder is on: that it is full, or nearly; undefined: there is room. */
export async function diskProblem(folder: string): Promise<string | undefined> {
  const { bavail, blocks, bsize } = await statfs(folder);
  if (blocks === 0) return undefined; // it has no bound, or tells none
  const free = bavail * bsize;
  if (free >= Math.min(nearlyFullBelow, (blocks * bsize) / 20)) return undefined;
  const which = free < fullBelow ? 'is full' : `is nearly full, ${Math.floor(free / MiB)} MiB are left`;
  return `the disk of ${folder} ${which}: free some ('hyper system df' shows what uses it)`;
}
