import { type FileHandle, open } from 'node:fs/promises';
import { asHyperError } from '../lib/errors.ts';
import type { Log } from '../lib/log.ts';
import { encodeLogHeader, type LogPosition, readLogRecords } from './log-record.ts';

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
  #queue: Buffer[] = [];
  #writing: Promise<void> | undefined;
  readonly #followers = new Set<() => void>();
  #dropping = false;
  readonly positions: Readonly<Record<1 | 2, LogPosition>>;

  private constructor(file: FileHandle, size: number, positions: Record<1 | 2, LogPosition>, log: Log) {
    this.#file = file;
    this.#size = size;
    this.positions = positions;
    this.#log = log;
  }

  /** Opens a log to go on with it. `keepOffsets`: its guest still runs; else the streams begin anew. */
  static async open(path: string, keepOffsets: boolean, log: Log): Promise<ContainerLog> {
    const positions: Record<1 | 2, LogPosition> = { 1: { offset: 0, ended: false }, 2: { offset: 0, ended: false } };
    const file = await open(path, 'a+', 0o600);
    try {
      let whole = 0;
      for await (const record of readLogRecords(file, 0, (await file.stat()).size)) {
        whole = record.next;
        if (keepOffsets)
          positions[record.stream] = { offset: record.offset + record.bytes.length, ended: record.ended };
      }
      await file.truncate(whole); // a record that was cut off by a full disk or a power loss
      return new ContainerLog(file, whole, positions, log);
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
    this.#queue.push(encodeLogHeader({ stream, ended: false, offset, length: bytes.length }), bytes);
    return this.#flush();
  }

  appendEnd(stream: 1 | 2, offset: number): Promise<void> {
    this.#queue.push(encodeLogHeader({ stream, ended: true, offset, length: 0 }));
    return this.#flush();
  }

  /** `told` is called after each write, until the returned function is called. */
  follow(told: () => void): () => void {
    this.#followers.add(told);
    return () => this.#followers.delete(told);
  }

  async close(): Promise<void> {
    await this.#writing;
    await this.#file.close();
  }

  /** All that was queued while the last write ran goes out in the next one. */
  #flush(): Promise<void> {
    this.#writing ??= (async () => {
      await Promise.resolve(); // take what is queued in this turn along
      try {
        while (this.#queue.length > 0) await this.#write(this.#queue.splice(0));
      } finally {
        this.#writing = undefined;
      }
    })();
    return this.#writing;
  }

  async #write(buffers: Buffer[]): Promise<void> {
    const total = buffers.reduce((sum, buffer) => sum + buffer.length, 0);
    try {
      const { bytesWritten } = await this.#file.writev(buffers);
      if (bytesWritten !== total) throw Object.assign(new Error('short write'), { code: 'ENOSPC' });
      this.#size += total;
      this.#dropping = false;
    } catch (error) {
      if (!this.#dropping)
        this.#log.error({ error: asHyperError(error) }, 'a container log cannot be written: dropping');
      this.#dropping = true;
      await this.#file.truncate(this.#size).catch(() => undefined); // no half record; opening repairs what this cannot
    }
    for (const told of this.#followers) told();
  }
}
