import { lstat } from 'node:fs/promises';
import { userInfo } from 'node:os';
import { join } from 'node:path';
import { z } from 'zod';
import { HyperError } from '../../lib/errors.ts';
import { withFileLock } from '../../lib/file-lock.ts';
import { findExecutable } from '../../lib/find-executable.ts';
import type { Log } from '../../lib/log.ts';
import { stillRuns } from '../../lib/process-identity.ts';
import { missingCommand } from '../../lib/run-command.ts';
import { makeOwn } from '../own-folder.ts';
import { holderLives, startHolder } from './holder.ts';
import { readHolderRecord, writeHolderRecord, type HolderRecord } from './holder-record.ts';
import { hostAddresses, startOutside } from './outside.ts';
import { onHost, Place } from './place.ts';
import { requireSubordinateIds } from './subordinate-ids.ts';

/** What the process outside tells the one inside in HYPER_IN_NAMESPACE. */
const Inside = z.object({ place: Place, cwd: z.string() });

export interface EnsureNamespaceOptions {
  /** Where `holder.json` is kept: each hyperd of a user has its own, and with it its own namespaces. */
  readonly runDir: string;
  /** The program and its arguments, to be run again inside: `process.argv.slice(1)`. */
  readonly argv: readonly string[];
  readonly log: Log;
}

/**
 * Brings hyperd to where it can be root. As root, and inside already, it says where that is. As an ordinary user it
 * makes (or finds) the namespaces and **does not return**: this process becomes the same program inside, with the same
 * pid, so that a supervisor, a terminal and signals see one process all along.
 *
 * @throws HyperError `missing_dependency` or `unavailable` with what to do.
 */
export async function ensureNamespace(options: EnsureNamespaceOptions): Promise<Place> {
  const told = process.env.HYPER_IN_NAMESPACE;
  if (told !== undefined) {
    // What hyperd starts must not take it for its own.
    delete process.env.HYPER_IN_NAMESPACE;
    const { place, cwd } = Inside.parse(JSON.parse(told));
    process.chdir(cwd);
    return place;
  }
  const uid = process.getuid?.() ?? 0;
  if (uid === 0) return onHost;

  // Ordinary users' PATH often lacks where ip, nft and newuidmap are.
  process.env['PATH'] = `${process.env['PATH'] ?? '/usr/bin:/bin'}:/usr/sbin:/sbin`;
  await requireSubordinateIds({ name: userName(uid), uid });
  const nsenter = await findExecutable('nsenter');
  if (nsenter === undefined) throw missingCommand('nsenter');
  const { holder, place } = await prepare(options);
  const inside = JSON.stringify({ place, cwd: process.cwd() } satisfies z.infer<typeof Inside>);
  const enter = ['--user', '--mount', '--net', '--preserve-credentials', '--target', String(holder.pid), '--'];
  const program = [process.execPath, ...process.execArgv, ...options.argv];
  if (process.execve === undefined) {
    throw new HyperError('unsupported', 'hyperd as an ordinary user needs Node.js 24 or later: install it');
  }
  return process.execve(nsenter, ['nsenter', ...enter, ...program], { ...process.env, HYPER_IN_NAMESPACE: inside });
}

interface Prepared {
  readonly holder: HolderRecord['holder'];
  readonly place: Place;
}

/** The namespaces of this run folder, made or found; one process at a time. */
async function prepare({ runDir, log }: EnsureNamespaceOptions): Promise<Prepared> {
  await makeOwn(runDir, '--run', 0o700);
  await requireOwn(runDir);
  return withFileLock(join(runDir, 'holder.lock'), async () => {
    const found = await readHolderRecord(runDir);
    const held = found !== null && (await holderLives(found));
    const joined = found?.outside != null && (await stillRuns(found.outside.process));
    if (held && joined) {
      log.debug({ holder: found.holder.pid }, 'entering the namespaces of an earlier run');
      return { holder: found.holder, place: placeOf(found, '') };
    }
    // The tool of a holder that is gone keeps alive a namespace that nobody can enter any more.
    if (joined) process.kill(found.outside.process.pid, 'SIGTERM');
    const kept = held ? found : await startHolder();
    const { outside, reason } = await startOutside({ holderPid: kept.holder.pid, runDir, log });
    const record = { holder: kept.holder, userNamespace: kept.userNamespace, outside };
    await writeHolderRecord(runDir, record);
    log.info({ holder: kept.holder.pid, tool: outside?.tool, reason }, 'namespaces of our own are ready');
    return { holder: kept.holder, place: placeOf(record, reason) };
  });
}

/** In a shared /tmp anyone could have made the run folder first, with a `holder.json` that leads into their namespaces. */
async function requireOwn(runDir: string): Promise<void> {
  const folder = await lstat(runDir);
  if (folder.isDirectory() && folder.uid === process.getuid?.() && (folder.mode & 0o022) === 0) return;
  const todo = 'remove it, or choose another with --run';
  throw new HyperError('unavailable', `${runDir} belongs to someone else or others may write to it: ${todo}`);
}

/** The user's name; of one that no file knows, the uid. */
function userName(uid: number): string {
  try {
    return userInfo().username;
  } catch {
    return String(uid); // uv_os_get_passwd: ENOENT
  }
}

function placeOf({ outside }: HolderRecord, reason: string): Place {
  const addresses = outside === null ? [] : hostAddresses();
  return {
    kind: 'namespace',
    outside,
    reason,
    hostAddresses: addresses,
    forbiddenDestinations: outside === null ? [] : [outside.subnet, ...addresses],
  };
}
