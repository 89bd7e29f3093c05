import type { DatabaseSync, StatementSync } from 'node:sqlite';
import { fullDisk } from '../lib/errors.ts';
import { EventRecord, type StoredEvent } from './event-record.ts';

/** The newest are kept. */
const kept = 10_000;
/** They are counted only so often. */
const countedEvery = 100;

export interface EventQuery {
  /** Only those with a number above it. */
  readonly after?: number;
  /** Milliseconds since 1970. */
  readonly since?: number;
}

/** What has changed, in order. Added in the transaction of the change itself, and told when that is done. */
export class EventLog {
  readonly #database: DatabaseSync;
  readonly #root: string;
  readonly #add: StatementSync;
  readonly #listeners = new Set<(event: StoredEvent) => void>();
  #untilCount = 0;

  /** @param root the folder on whose disk it is */
  constructor(database: DatabaseSync, root: string) {
    this.#database = database;
    this.#root = root;
    this.#add = database.prepare('INSERT INTO events (time, event) VALUES (?, ?)');
  }

  /** Oldest first. */
  list({ after = 0, since = 0 }: EventQuery): StoredEvent[] {
    return this.#database
      .prepare('SELECT sequence, time, event FROM events WHERE sequence > ? AND time >= ? ORDER BY sequence')
      .all(after, since)
      .map((row) => ({
        sequence: Number(row['sequence']),
        time: Number(row['time']),
        ...EventRecord.parse(JSON.parse(String(row['event']))),
      }));
  }

  /** Tells of each event from now on, until the returned function is called. */
  listen(listener: (event: StoredEvent) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** Does `change` and stores what it was, both or none; then tells. @throws HyperError `no_space` on a full disk */
  transact(change: () => readonly EventRecord[]): void {
    let added: readonly StoredEvent[];
    this.#database.exec('BEGIN');
    try {
      added = change().map((event) => this.#store(event));
      this.#database.exec('COMMIT');
    } catch (error) {
      if (this.#database.isTransaction) this.#database.exec('ROLLBACK');
      throw isFull(error) ? fullDisk(error, this.#root) : error;
    }
    for (const event of added) for (const listener of this.#listeners) listener(event);
  }

  #store(event: EventRecord): StoredEvent {
    const time = Date.now();
    const { lastInsertRowid } = this.#add.run(time, JSON.stringify(event));
    const sequence = Number(lastInsertRowid);
    if (--this.#untilCount <= 0) {
      this.#untilCount = countedEvery;
      this.#database.prepare('DELETE FROM events WHERE sequence <= ?').run(sequence - kept);
    }
    return { sequence, time, ...event };
  }
}

/** Whether it is SQLite's SQLITE_FULL (https://www.sqlite.org/rescode.html#full). */
export function isFull(error: unknown): boolean {
  return error instanceof Error && 'errcode' in error && error.errcode === 13;
}
