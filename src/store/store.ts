import { closeSync, openSync } from 'node:fs';
import { DatabaseSync, type StatementSync } from 'node:sqlite';
import { HyperError, messageOf } from '../lib/errors.ts';
import { EventLog } from './event-log.ts';
import type { EventRecord } from './event-record.ts';
import { ExecRows } from './exec-rows.ts';
import { podChanges, type PodView, viewOf } from './pod-changes.ts';
import { NetworkRecord } from './network-record.ts';
import { PodRecord } from './pod-record.ts';
import { VolumeRecord } from './volume-record.ts';

/** Each entry takes the schema one version further; `user_version` says how many were applied. */
const migrations = [
  `CREATE TABLE pods (
     id TEXT PRIMARY KEY,
     name TEXT NOT NULL UNIQUE,
     created_at TEXT NOT NULL,
     record TEXT NOT NULL
   ) STRICT`,
  'CREATE TABLE networks (id TEXT PRIMARY KEY, name TEXT NOT NULL UNIQUE, created_at TEXT NOT NULL, record TEXT NOT NULL) STRICT',
  `CREATE TABLE volumes (
     name TEXT PRIMARY KEY,
     record TEXT NOT NULL
   ) STRICT`,
  `CREATE TABLE events (
     sequence INTEGER PRIMARY KEY AUTOINCREMENT,
     time INTEGER NOT NULL,
     event TEXT NOT NULL
   ) STRICT`,
  `CREATE TABLE execs (
     id TEXT PRIMARY KEY,
     pod_id TEXT NOT NULL,
     record TEXT NOT NULL
   ) STRICT;
   CREATE INDEX execs_of_pod ON execs (pod_id)`,
];

/** Of pods that were deleted last: nothing is under way for so long. */
const rememberedIds = 10_000;

/**
 * What must survive hyperd: one SQLite file. WAL with `synchronous=NORMAL` survives any death of the daemon; a
 * commit takes 0.02 ms (facts: Node).
 */
export class Store implements Disposable {
  readonly #database: DatabaseSync;
  readonly #save: StatementSync;
  readonly #delete: StatementSync;
  /** Each pod as it is stored: what is written next is compared with it. */
  readonly #stored = new Map<string, PodView>();
  /** Those that are no more: what is still under way must not bring their rows back. */
  readonly #deleted = new Set<string>();
  /** What has changed. */
  readonly events: EventLog;
  readonly execs: ExecRows;

  private constructor(database: DatabaseSync) {
    this.#database = database;
    this.#save = database.prepare(
      `INSERT INTO pods (id, name, created_at, record) VALUES (?, ?, ?, ?)
       ON CONFLICT (id) DO UPDATE SET name = excluded.name, record = excluded.record`,
    );
    this.#delete = database.prepare('DELETE FROM pods WHERE id = ?');
    this.events = new EventLog(database);
    this.execs = new ExecRows(database, this.events);
    for (const pod of this.pods()) this.#stored.set(pod.id, viewOf(pod));
  }

  static open(path: string): Store {
    try {
      closeSync(openSync(path, 'a', 0o600)); // SQLite gives its other files the same mode: environments hold secrets
      const database = new DatabaseSync(path);
      database.exec('PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL; PRAGMA busy_timeout = 2000');
      migrate(database);
      return new Store(database);
    } catch (error) {
      if (error instanceof HyperError) throw error;
      throw new HyperError('internal', `cannot open the state in ${path}: ${messageOf(error)}`, { cause: error });
    }
  }

  /** Oldest first. */
  pods(): PodRecord[] {
    return this.#database
      .prepare('SELECT record FROM pods ORDER BY created_at, id')
      .all()
      .map((row) => PodRecord.parse(JSON.parse(String(row['record']))));
  }

  /** Writes the record as it is now, and with it what has changed. A second pod of the same name is a `conflict`, one that was deleted `not_found`. */
  savePod(record: PodRecord): void {
    if (this.#deleted.has(record.id)) throw new HyperError('not_found', `pod ${record.name} was removed`);
    const view = viewOf(record);
    try {
      this.events.transact(() => {
        this.#save.run(record.id, record.name, record.createdAt, JSON.stringify(record));
        return podChanges(this.#stored.get(record.id), view);
      });
      this.#stored.set(record.id, view);
    } catch (error) {
      if (messageOf(error).includes('UNIQUE constraint failed: pods.name')) {
        throw new HyperError('conflict', `the name ${record.name} is taken: choose another, or remove that pod`);
      }
      throw error;
    }
  }

  deletePod(id: string): void {
    this.events.transact(() => {
      this.#delete.run(id);
      this.execs.deleteOfPod(id);
      return podChanges(this.#stored.get(id), undefined);
    });
    this.#stored.delete(id);
    this.#deleted.add(id);
    const [oldest] = this.#deleted;
    if (oldest !== undefined && this.#deleted.size > rememberedIds) this.#deleted.delete(oldest);
  }

  /** Oldest first. */
  networks(): NetworkRecord[] {
    return this.#database
      .prepare('SELECT record FROM networks ORDER BY created_at, id')
      .all()
      .map((row) => NetworkRecord.parse(JSON.parse(String(row['record']))));
  }

  addNetwork(record: NetworkRecord): void {
    this.events.transact(() => {
      this.#database
        .prepare('INSERT INTO networks (id, name, created_at, record) VALUES (?, ?, ?, ?)')
        .run(record.id, record.name, record.createdAt, JSON.stringify(record));
      return [change('network', 'create', record)];
    });
  }

  deleteNetwork({ id, name }: Pick<NetworkRecord, 'id' | 'name'>): void {
    this.events.transact(() => {
      this.#database.prepare('DELETE FROM networks WHERE id = ?').run(id);
      return [change('network', 'destroy', { id, name })];
    });
  }

  /** By name. */
  volumes(): VolumeRecord[] {
    return this.#database
      .prepare('SELECT record FROM volumes ORDER BY name')
      .all()
      .map((row) => VolumeRecord.parse(JSON.parse(String(row['record']))));
  }

  /** Writes the record as it is now. */
  saveVolume(record: VolumeRecord): void {
    const { name } = record;
    this.events.transact(() => {
      const isNew = this.#database.prepare('SELECT 1 FROM volumes WHERE name = ?').get(name) === undefined;
      this.#database
        .prepare(
          'INSERT INTO volumes (name, record) VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET record = excluded.record',
        )
        .run(name, JSON.stringify(record));
      return isNew ? [change('volume', 'create', { id: name, name })] : [];
    });
  }

  deleteVolume(name: string): void {
    this.events.transact(() => {
      this.#database.prepare('DELETE FROM volumes WHERE name = ?').run(name);
      return [change('volume', 'destroy', { id: name, name })];
    });
  }

  [Symbol.dispose](): void {
    this.#database.close();
  }
}

function change(type: 'network' | 'volume', action: string, { id, name }: { id: string; name: string }): EventRecord {
  return { type, action, id, name, podId: null, attributes: {} };
}

function migrate(database: DatabaseSync): void {
  const version = Number(database.prepare('PRAGMA user_version').get()?.['user_version'] ?? 0);
  if (version > migrations.length) {
    throw new HyperError('unsupported', `the state was written by a newer hyperd (schema ${version}): upgrade hyperd`);
  }
  for (let next = version; next < migrations.length; next++) {
    database.exec(`BEGIN; ${migrations[next] ?? ''}; PRAGMA user_version = ${next + 1}; COMMIT`);
  }
}
