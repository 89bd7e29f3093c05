import { dirname } from 'node:path';
import { ApiFailure, noDaemonMessage, socketOfHost } from '../../client/index.ts';
import { hyperPaths, socketIn, systemPaths } from '../../lib/paths.ts';
import { answers, isOurs } from './socket-probe.ts';

export interface DaemonSearch {
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly uid: number;
  /** Of `--host`: goes before HYPER_HOST. */
  readonly host: string | undefined;
  /** Starts this user's hyperd; undefined: never. */
  readonly start: ((run: string) => Promise<void>) | undefined;
}

/**
 * The socket of a daemon that answers: the one that HYPER_HOST names, else the user's own, else the system's; where none does, the
 * user's own is started (HYPER_AUTOSTART=0: never). A host that was named is not started, unless it is the user's own.
 *
 * @throws ApiFailure `unavailable` when there is none.
 */
export async function findDaemonSocket(search: DaemonSearch): Promise<string> {
  const { run } = hyperPaths(search);
  const own = socketIn(run);
  const host = search.host ?? search.env.HYPER_HOST;
  const named = host === undefined || host === '' ? undefined : socketOfHost(host);
  const candidates = named === undefined ? [own, socketIn(systemPaths.run)] : [named];
  for (const socket of candidates) {
    if (socket === own && !isOurs(dirname(own), search.uid)) continue;
    if (await answers(socket)) return socket;
  }
  const mayStart = search.env.HYPER_AUTOSTART !== '0' && (named === undefined || named === own);
  if (!mayStart || search.start === undefined) throw new ApiFailure('unavailable', noDaemonMessage);
  if (!isOurs(run, search.uid)) {
    throw new ApiFailure(
      'unavailable',
      `${run} belongs to someone else or others may write to it: remove it, or set XDG_RUNTIME_DIR`,
    );
  }
  await search.start(run);
  return own;
}
