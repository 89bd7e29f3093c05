import { type FileHandle, open } from 'node:fs/promises';
import { systemCode } from '../lib/errors.ts';
import type { ContainerLog } from './container-log.ts';
import { type LogRecord, readLogRecords } from './log-record.ts';

export interface LogQuery {
  /** Only the last lines; all when undefined. */
  readonly tail?: number;
  /** Nanoseconds since 1970: only what came at or after it. */
  readonly since?: bigint;
  /** The same: only what came before it; nothing is waited for. */
  readonly until?: bigint;
  readonly signal: AbortSignal;
}

/** What a pod's log holds, and with `running` what comes until it ends. A record may begin in the middle of a piece. */
export async function* readLog(
  path: string,
  query: LogQuery,
  running: { readonly log: ContainerLog; readonly ended: Promise<unknown> } | undefined,
): AsyncGenerator<Pick<LogRecord, 'stream' | 'time' | 'bytes'>, void, undefined> {
  const live = query.until === undefined ? running : undefined;
  let file: FileHandle;
  try {
    file = await open(path, 'r');
  } catch (error) {
    if (systemCode(error) === 'ENOENT') return; // it has never been started
    throw error;
  }
  await using opened = file;
  const size = live?.log.size ?? (await opened.stat()).size;
  const end = query.until === undefined ? size : await endBefore(opened, size, query.until);
  const start = await startOfTail(opened, end, query.tail);
  let position = start.record;
  let skip = start.skip;
  let done = live === undefined;
  let wake = Promise.withResolvers<void>();
  const unfollow = live?.log.follow(() => wake.resolve());
  void live?.ended.then(() => {
    done = true;
    wake.resolve();
  });
  const abort = (): void => wake.resolve();
  query.signal.addEventListener('abort', abort, { once: true });
  try {
    for (let to = end; ; to = live?.log.size ?? to) {
      const last = done;
      for await (const record of readLogRecords(opened, position, to)) {
        if (query.signal.aborted) return;
        position = record.next;
        const bytes = record.bytes.subarray(skip);
        skip = 0;
        if (bytes.length > 0 && record.time >= (query.since ?? 0n)) yield { ...record, bytes };
      }
      if (query.signal.aborted) return;
      if (live !== undefined && live.log.size > position) continue;
      if (last) return;
      await wake.promise;
      wake = Promise.withResolvers<void>();
    }
  } finally {
    unfollow?.();
    query.signal.removeEventListener('abort', abort);
  }
}

/** Where the first record is that came at `until` or after it. */
async function endBefore(file: FileHandle, size: number, until: bigint): Promise<number> {
  let end = 0;
  for await (const { time, next } of readLogRecords(file, 0, size)) {
    if (time >= until) return end;
    end = next;
  }
  return end;
}

/** The record, and the byte in it, where the last `lines` lines begin. */
async function startOfTail(
  file: FileHandle,
  end: number,
  lines: number | undefined,
): Promise<{ readonly record: number; readonly skip: number }> {
  if (lines === undefined) return { record: 0, skip: 0 };
  if (lines === 0) return { record: end, skip: 0 };
  // The starts of the last lines + 1 lines, in a ring; a line starts after each newline.
  const starts: { record: number; skip: number }[] = [{ record: 0, skip: 0 }];
  let at = 0;
  for await (const { bytes, next } of readLogRecords(file, 0, end)) {
    for (let newline = bytes.indexOf(10); newline >= 0; newline = bytes.indexOf(10, newline + 1)) {
      starts.push({ record: at, skip: newline + 1 });
      if (starts.length > lines + 1) starts.shift();
    }
    at = next;
  }
  // A text that ends in a newline has no line after it.
  const last = starts.at(-1);
  const endsInNewline = last !== undefined && (await isAtEnd(file, last, end));
  return starts.slice(endsInNewline ? -lines - 1 : -lines)[0] ?? { record: end, skip: 0 };
}

async function isAtEnd(file: FileHandle, place: { record: number; skip: number }, end: number): Promise<boolean> {
  let skip = place.skip;
  for await (const { bytes } of readLogRecords(file, place.record, end)) {
    if (bytes.length > skip) return false;
    skip = 0;
  }
  return true;
}
