import type { DatabaseSync, StatementSync } from 'node:sqlite';
import type { EventLog } from './event-log.ts';
import type { EventRecord } from './event-record.ts';
import { ExecRecord } from './exec-record.ts';

/** The execs of the pods that are stored: they go with their pod. */
export class ExecRows {
  readonly #database: DatabaseSync;
  readonly #events: EventLog;
  readonly #save: StatementSync;
  readonly #delete: StatementSync;
  readonly #deleteOfPod: StatementSync;

  constructor(database: DatabaseSync, events: EventLog) {
    this.#database = database;
    this.#events = events;
    this.#save = database.prepare(
      'INSERT INTO execs (id, pod_id, record) VALUES (?, ?, ?) ON CONFLICT (id) DO UPDATE SET record = excluded.record',
    );
    this.#delete = database.prepare('DELETE FROM execs WHERE id = ?');
    this.#deleteOfPod = database.prepare('DELETE FROM execs WHERE pod_id = ?');
  }

  /** Oldest first. */
  all(): ExecRecord[] {
    return this.#database
      .prepare('SELECT record FROM execs ORDER BY rowid')
      .all()
      .map((row) => ExecRecord.parse(JSON.parse(String(row['record']))));
  }

  /** Writes the record as it is now, and with it what has happened. */
  save(record: ExecRecord, happened: readonly EventRecord[]): void {
    this.#events.transact(() => {
      this.#save.run(record.id, record.podId, JSON.stringify(record));
      return happened;
    });
  }

  delete(id: string): void {
    this.#delete.run(id);
  }

  /** Part of the transaction that deletes their pod. */
  deleteOfPod(podId: string): void {
    this.#deleteOfPod.run(podId);
  }
}
