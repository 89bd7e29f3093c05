import { chown, mkdtemp, readFile, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { isRoot } from './namespaces.ts';

/** An ordinary user of this machine who has subordinate ids: HYPER_TEST_USER, else the first of /etc/subuid. */
export interface OrdinaryUser {
  readonly name: string;
  readonly uid: number;
  readonly gid: number;
  /** The first of their subordinate ids: 1 in a namespace of theirs. */
  readonly subordinate: { readonly uid: number; readonly gid: number };
  /** What to put before a command that is to run as this user. */
  readonly by: readonly string[];
}

const fieldsOf = async (file: string) => (await readFile(file, 'utf8')).split('\n').map((line) => line.split(':'));

/** The user, or why there is none. @param besides someone who it must not be */
export async function findOrdinaryUser(besides?: OrdinaryUser): Promise<OrdinaryUser | string> {
  if (!isRoot) return 'runs commands as another user: run the tests as root';
  const subordinateUids = await fieldsOf('/etc/subuid').catch(() => []);
  const withIds = subordinateUids.map(([name]) => name);
  const chosen = besides === undefined ? process.env['HYPER_TEST_USER'] : undefined;
  const wanted = chosen ?? withIds.find((candidate) => candidate !== '' && candidate !== besides?.name);
  const [name, , uid, gid] = (await fieldsOf('/etc/passwd')).find(([candidate]) => candidate === wanted) ?? [];
  if (name === undefined || !withIds.includes(name) || !(Number(uid) > 0)) {
    if (besides !== undefined) return `only one user has subordinate ids: run 'useradd -m another'`;
    return `no ordinary user with subordinate ids: run 'useradd -m tester' or set HYPER_TEST_USER`;
  }
  const by = ['setpriv', `--reuid=${uid ?? ''}`, `--regid=${gid ?? ''}`, '--init-groups', 'env', `HOME=/home/${name}`];
  const firstOf = (ranges: readonly string[][]): number => Number(ranges.find(([whose]) => whose === name)?.[1]);
  const subordinate = { uid: firstOf(subordinateUids), gid: firstOf(await fieldsOf('/etc/subgid')) };
  return { name, uid: Number(uid), gid: Number(gid), subordinate, by };
}

/** Why tests of a user's own hyperd cannot run; false when they can: what node:test takes for `skip`. */
export async function whyNotRootless(user: OrdinaryUser | string): Promise<string | false> {
  if (typeof user === 'string') return user;
  const tunMode = (await stat('/dev/net/tun').catch(() => undefined))?.mode ?? 0;
  return (tunMode & 0o6) === 0o6 ? false : `/dev/net/tun is not open to ordinary users: run 'chmod 0666 /dev/net/tun'`;
}

/** A folder of this user's. */
export async function folderOf(user: OrdinaryUser): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'hyper-rootless-'));
  await chown(folder, user.uid, user.gid);
  return folder;
}
