import { readFile } from 'node:fs/promises';
import { HyperError } from '../../lib/errors.ts';
import { findExecutable } from '../../lib/find-executable.ts';
import { missingCommand } from '../../lib/run-command.ts';

interface IdRange {
  readonly owner: string;
  readonly first: number;
  readonly count: number;
}

/** The lines of /etc/subuid and /etc/subgid (subuid(5)): a user's name or uid, the first id, how many. */
export function parseSubordinateIds(text: string): IdRange[] {
  return text.split('\n').flatMap((line) => {
    const [owner = '', first, count] = line.trim().split(':');
    const range = { owner, first: Number(first), count: Number(count) };
    return owner !== '' && range.first > 0 && range.count > 0 ? [range] : [];
  });
}

/** How many ids a user needs beside their own: image layers have files of any uid up to 65,535. */
const wanted = 65_536;

/**
 * Makes sure that unshare can map more ids than the user's own.
 *
 * @throws HyperError `missing_dependency` with the line to run as root.
 */
export async function requireSubordinateIds(user: { readonly name: string; readonly uid: number }): Promise<void> {
  if ((await findExecutable('newuidmap')) === undefined) throw missingCommand('newuidmap');
  for (const [file, what] of [
    ['/etc/subuid', 'uids'],
    ['/etc/subgid', 'gids'],
  ] as const) {
    const ranges = parseSubordinateIds(await readFile(file, 'utf8').catch(() => ''));
    if (ranges.some(({ owner }) => owner === user.name || owner === String(user.uid))) continue;
    const first = Math.max(100_000, ...ranges.map((range) => range.first + range.count));
    const range = `${first}-${first + wanted - 1}`;
    throw new HyperError(
      'missing_dependency',
      `the user ${user.name} has no subordinate ${what} in ${file}: ` +
        `run 'usermod --add-subuids ${range} --add-subgids ${range} ${user.name}' as root`,
    );
  }
}
