import { type FileHandle, open } from 'node:fs/promises';
import { asHyperError, fullDisk } from '../lib/errors.ts';
import type { Log } from '../lib/log.ts';
import { encodeLogHeader, encodeStartOfRun, logHeaderBytes, type LogPosition, readLogRecords } from './log-record.ts';

/**
 * A container's output on disk: what the guest sent, in order, each piece with its stream, time and offset. A piece is
 * acknowledged to the guest only when it is written here, so that a dead hyperd loses and doubles nothing.
 *
 * The log has no bound on its size, as Docker's default has none.
 */
export class ContainerLog {
  readonly #file: FileHandle;
  readonly #log: Log;
  #size: number;
  #next = newBatch();
  #writing: Promise<void> | undefined;
  readonly #followers = new Set<() => void>();
  #dropping = false;
  /** The next write says that a run begins. */
  #beginsRun = false;
  readonly positions: Readonly<Record<1 | 2, LogPosition>>;

  private constructor(file: FileHandle, size: number, positions: Record<1 | 2, LogPosition>, log: Log) {
    this.#file = file;
    this.#size = size;
    this.positions = positions;
    this.#log = log;
  }

  /** Opens a log to go on with it. `resume`: its guest still runs; else a new run begins, with streams of its own. */
  static async open(path: string, resume: boolean, log: Log): Promise<ContainerLog> {
    const positions = freshPositions();
    const file = await open(path, 'a+', 0o600);
    try {
      let whole = 0;
      for await (const record of readLogRecords(file, 0, (await file.stat()).size)) {
        whole = record.next;
        if (record.startsRun) Object.assign(positions, freshPositions());
        else positions[record.stream] = { offset: record.offset + record.bytes.length, ended: record.ended };
      }
      await file.truncate(whole); // a record that was cut off by a full disk or a power loss
      if (resume) return new ContainerLog(file, whole, positions, log);
      const { bytesWritten } = await file.write(encodeStartOfRun());
      if (bytesWritten !== logHeaderBytes) throw fullDisk(new Error('short write'));
      return new ContainerLog(file, whole + bytesWritten, freshPositions(), log);
    } catch (error) {
      await file.close();
      throw error;
    }
  }

  /** Bytes of whole records: what a reader may read. */
  get size(): number {
    return this.#size;
  }

  /** Resolves when the piece is in the file. On a full disk it is dropped, and hyperd's log says so. */
  append(stream: 1 | 2, offset: number, bytes: Buffer): Promise<void> {
    return this.#queue(encodeLogHeader({ stream, ended: false, offset, length: bytes.length }), bytes);
  }

  /** Both streams begin anew: the container is started again. */
  async beginRun(): Promise<void> {
    await this.#writing; // what is queued is the earlier run's
    Object.assign(this.positions, freshPositions());
    this.#beginsRun = true;
    await this.#queue(Buffer.alloc(0));
  }

  appendEnd(stream: 1 | 2, offset: number): Promise<void> {
    return this.#queue(encodeLogHeader({ stream, ended: true, offset, length: 0 }));
  }

  /** `told` is called after each write, until the returned function is called. */
  follow(told: () => void): () => void {
    this.#followers.add(told);
    return () => this.#followers.delete(told);
  }

  async close(): Promise<void> {
    try {
      await this.#writing;
    } finally {
      await this.#file.close();
    }
  }

  #queue(...buffers: readonly Buffer[]): Promise<void> {
    this.#next.buffers.push(...buffers);
    const { promise } = this.#next.written;
    this.#writing ??= this.#flush();
    return promise;
  }

  /** All that is queued while a write runs goes out in the next one. */
  async #flush(): Promise<void> {
    await Promise.resolve(); // take what is queued in this turn along
    while (this.#next.buffers.length > 0) {
      const { buffers, written } = this.#next;
      this.#next = newBatch();
      await this.#write(buffers);
      written.resolve();
    }
    this.#writing = undefined; // in the same turn that found nothing queued
  }

  /** Never rejects: what cannot be written is dropped. */
  async #write(output: readonly Buffer[]): Promise<void> {
    const buffers = this.#beginsRun ? [encodeStartOfRun(), ...output] : output;
    const total = buffers.reduce((sum, buffer) => sum + buffer.length, 0);
    try {
      const { bytesWritten } = await this.#file.writev(buffers);
      if (bytesWritten !== total) throw Object.assign(new Error('short write'), { code: 'ENOSPC' });
      this.#size += total;
      this.#dropping = false;
      this.#beginsRun = false;
    } catch (error) {
      if (!this.#dropping)
        this.#log.error({ error: asHyperError(error) }, 'a container log cannot be written: dropping');
      this.#dropping = true;
      await this.#file.truncate(this.#size).catch(() => undefined); // no half record; opening repairs what this cannot
    }
    for (const told of this.#followers) told();
  }
}

interface Batch {
  readonly buffers: Buffer[];
  readonly written: PromiseWithResolvers<void>;
}

const newBatch = (): Batch => ({ buffers: [], written: Promise.withResolvers() });

function freshPositions(): Record<1 | 2, LogPosition> {
  return { 1: { offset: 0, ended: false }, 2: { offset: 0, ended: false } };
}
