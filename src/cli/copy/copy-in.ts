import { Readable } from 'node:stream';
import type { HyperClient } from '../../client/index.ts';
import { UsageError } from '../usage-error.ts';
import { containerTarget } from './container-paths.ts';
import type { CopyArgument } from './copy-argument.ts';
import type { CopyOptions } from './copy-out.ts';
import { CopyProgress } from './copy-progress.ts';
import { localSource } from './local-paths.ts';
import { packLocal } from './pack-local.ts';
import { planCopy } from './plan-copy.ts';
import { isTerminal } from '../terminal/foreground.ts';

/** What is sent at a time, but for the end. */
const leastBytes = 256 << 10;

type ContainerArgument = Extract<CopyArgument, { readonly type: 'container' }>;

/** Copies a path of this machine, or the tar on stdin, into a container. */
export async function copyIn(
  client: HyperClient,
  from: Exclude<CopyArgument, ContainerArgument>,
  to: ContainerArgument,
  options: CopyOptions,
  signal: AbortSignal,
): Promise<void> {
  const source = from.type === 'stream' ? undefined : localSource(from.path, options.followLink === true);
  if (source === undefined && isTerminal(0)) throw new UsageError('there is no tar on stdin: give one by a pipe');
  const target = await containerTarget(client, to, signal);
  if (source === undefined && target.found !== 'folder') {
    throw new UsageError(`${to.container}:${to.path} must be a directory that is there: a tar is unpacked into it`);
  }
  const plan = source === undefined ? { folder: target.path, name: '.' } : planCopy(source, target);
  const progress = new CopyProgress(`to ${to.container}:${to.path}`, options.quiet);
  const failed: { readonly error?: unknown } = {};
  const tar = source === undefined ? process.stdin : packLocal(source.real, plan.name);
  const query = { path: plan.folder, noOverwriteDirNonDir: true, copyUIDGID: options.archive };
  try {
    const body = Readable.from(counted(tar, progress, failed), { objectMode: true, highWaterMark: 1 });
    await client.podArchiveWrite(to.container, query, body, { signal });
    progress.end(true);
  } catch (error) {
    progress.end(false);
    throw failed.error ?? error; // what could not be read here is why the upload broke off
  }
}

/** Small pieces go together: each piece is a message to the guest. */
async function* counted(
  chunks: AsyncIterable<unknown> | Iterable<Buffer>,
  progress: CopyProgress,
  failed: { error?: unknown },
): AsyncGenerator<Buffer> {
  let pieces: Buffer[] = [];
  let bytes = 0;
  try {
    for await (const chunk of chunks) {
      if (!Buffer.isBuffer(chunk) || chunk.length === 0) continue;
      progress.add(chunk.length);
      pieces.push(chunk);
      bytes += chunk.length;
      if (bytes < leastBytes) continue;
      yield Buffer.concat(pieces);
      pieces = [];
      bytes = 0;
    }
    yield Buffer.concat(pieces);
  } catch (error) {
    failed.error = error;
    throw error;
  }
}
