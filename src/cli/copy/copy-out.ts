import type { IncomingMessage } from 'node:http';
import { posix } from 'node:path';
import { once } from 'node:events';
import { asFailure, type HyperClient } from '../../client/index.ts';
import type { PathStat } from '../../contract/index.ts';
import { HyperError } from '../../lib/errors.ts';
import { defaultTarLimits } from '../../lib/tar/tar-entry.ts';
import { TarReader } from '../../lib/tar/tar-reader.ts';
import { UsageError } from '../usage-error.ts';
import { containerSource, isFolder } from './container-paths.ts';
import type { CopyArgument } from './copy-argument.ts';
import { CopyProgress } from './copy-progress.ts';
import { localTarget } from './local-paths.ts';
import { planCopy } from './plan-copy.ts';
import { UnpackLocal } from './unpack-local.ts';
import { stdout } from '../standard-streams.ts';

export interface CopyOptions {
  readonly archive?: boolean;
  readonly followLink?: boolean;
  readonly quiet?: boolean;
}

type ContainerArgument = Extract<CopyArgument, { readonly type: 'container' }>;

/** Writes a tar to stdout, no faster than it is read. */
export async function streamArchive(archive: IncomingMessage): Promise<void> {
  if (stdout().isTTY) throw new UsageError('a tar is nothing for a terminal: redirect it, or give a path');
  try {
    for await (const chunk of archive) {
      if (Buffer.isBuffer(chunk) && !stdout().write(chunk)) await once(stdout(), 'drain');
    }
  } catch (error) {
    throw brokenOff(error);
  }
}

/** Copies a path of a container to this machine. @returns what could not be made here */
export async function copyOut(
  client: HyperClient,
  from: ContainerArgument,
  to: string,
  options: CopyOptions,
  signal: AbortSignal,
): Promise<readonly string[]> {
  const target = localTarget(to);
  const { path, name: called } = await containerSource(client, from, options.followLink === true, signal);
  const archive = await client.podArchive(from.container, path, { signal });
  const stat = statOf(archive);
  const source = { path: `${from.container}:${from.path}`, isFolder: isFolder(stat), name: called ?? stat.name };
  const progress = new CopyProgress(`to ${to}`, options.quiet);
  try {
    const plan = planCopy(source, target);
    const files = new UnpackLocal({
      ...{ folder: posix.resolve(plan.folder), from: stat.name, to: plan.name, owners: options.archive === true },
    });
    await receive(archive, files, progress);
    if (!source.isFolder && files.left.length > 0) {
      throw new HyperError('bad_request', `${source.path} is a device or a FIFO: there is nothing to copy`);
    }
    progress.end(true);
    return files.left;
  } catch (error) {
    progress.end(false);
    archive.destroy();
    throw error;
  }
}

async function receive(archive: IncomingMessage, files: UnpackLocal, progress: CopyProgress): Promise<void> {
  const reader = new TarReader(files, defaultTarLimits);
  const chunks = archive[Symbol.asyncIterator]();
  try {
    for (;;) {
      const next = await chunks.next().catch((error: unknown) => {
        throw brokenOff(error);
      });
      if (next.done === true) break;
      const chunk: unknown = next.value;
      if (!Buffer.isBuffer(chunk)) continue;
      reader.push(chunk);
      progress.add(chunk.length);
    }
    reader.end();
    files.finish();
  } catch (error) {
    files.abort();
    throw error;
  }
}

function statOf({ headers }: IncomingMessage): PathStat {
  const header = headers['x-docker-container-path-stat'];
  const text = Buffer.from(typeof header === 'string' ? header : '', 'base64').toString('utf8');
  return JSON.parse(text) as PathStat; // hyperd's own: see HyperClient
}

/** Why is in no answer any more: its status was sent before. */
function brokenOff(error: unknown): Error {
  const failure = asFailure(error);
  if (failure.code !== 'unavailable' && failure.code !== 'internal') return failure;
  failure.message = 'the copy broke off: the pod has ended, or a file could not be read (the log of hyperd says which)';
  return failure;
}
