import { readFile } from 'node:fs/promises';
import { HyperError } from '../../lib/errors.ts';

/** Whom QEMU runs as: never root, and never the user themselves. */
export interface QemuUser {
  readonly uid: number;
  readonly gid: number;
  readonly name: string;
}

/** A line of /proc/self/uid_map or gid_map: ids inside from `first`, `count` of them. */
interface IdMapLine {
  readonly first: number;
  readonly count: number;
}

export function parseIdMap(text: string): IdMapLine[] {
  return text
    .split('\n')
    .map((line) => line.trim().split(/\s+/).map(Number))
    .flatMap(([first, , count]) => (first === undefined || count === undefined ? [] : [{ first, count }]));
}

/** What uids that are not mapped look like: not to be taken for one of ours. */
const overflowId = 65_534;
const wholeRange = 4_294_967_295;

/** The highest id of a map that is neither 0 nor the overflow id; undefined when it has no other. */
export function highestMappedId(map: readonly IdMapLine[]): number | undefined {
  const highest = map
    .flatMap(({ first, count }) => [first + count - 1, first + count - 2].filter((id) => id >= first))
    .filter((id) => id !== 0 && id !== overflowId);
  return highest.length === 0 ? undefined : Math.max(...highest);
}

/**
 * As real root the user `hyper`, else `nobody`; in a user namespace the highest subordinate id, which images use least.
 *
 * @throws HyperError `unavailable` when there is no such id.
 */
export async function qemuUser(): Promise<QemuUser> {
  const uids = parseIdMap(await readFile('/proc/self/uid_map', 'utf8'));
  if (uids.some(({ count }) => count === wholeRange)) return userOfHost();
  const gids = parseIdMap(await readFile('/proc/self/gid_map', 'utf8'));
  const [uid, gid] = [highestMappedId(uids), highestMappedId(gids)];
  if (uid === undefined || gid === undefined) {
    throw new HyperError('unavailable', 'only one id is mapped in this user namespace: give its user subordinate ids');
  }
  return { uid, gid, name: `subordinate id ${uid}` };
}

async function userOfHost(): Promise<QemuUser> {
  const users = (await readFile('/etc/passwd', 'utf8')).split('\n').map((line) => line.split(':'));
  for (const wanted of ['hyper', 'nobody']) {
    const [name, , uid, gid] = users.find(([candidate]) => candidate === wanted) ?? [];
    if (name !== undefined && Number(uid) > 0 && Number(gid) > 0) return { uid: Number(uid), gid: Number(gid), name };
  }
  throw new HyperError('unavailable', `there is no user 'hyper' or 'nobody' to run QEMU as: run 'useradd -r hyper'`);
}
