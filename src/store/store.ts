import { randomUUID } from 'node:crypto';
import { closeSync, openSync } from 'node:fs';
import { DatabaseSync, type StatementSync } from 'node:sqlite';
import { dirname } from 'node:path';
import { fullDisk, HyperError, messageOf } from '../lib/errors.ts';
import { type Log, silentLog } from '../lib/log.ts';
import { DeferredWrites } from './deferred-writes.ts';
import { EventLog, isFull } from './event-log.ts';
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
 * commit takes 0.02 ms (facts: Node). What has happened is stored when there is room where the disk is full
 * (`keepPod`, `deletePod`, `deleteVolume`); what a user asks for is refused then, by `no_space`.
 */
export class Store implements Disposable {
  readonly #database: DatabaseSync;
  readonly #save: StatementSync;
  readonly #delete: StatementSync;
  /** Each pod as it is stored: what is written next is compared with it. */
  readonly #stored = new Map<string, PodView>();
  /** Those that are no more: what is still under way must not bring their rows back. */
  readonly #deleted = new Set<string>();
  readonly #deferred: DeferredWrites;
  /** What has changed. */
  readonly events: EventLog;
  readonly execs: ExecRows;

  private constructor(database: DatabaseSync, root: string, log: Log) {
    this.#database = database;
    this.#save = database.prepare(
      `INSERT INTO pods (id, name, created_at, record) VALUES (?, ?, ?, ?)
       ON CONFLICT (id) DO UPDATE SET name = excluded.name, record = excluded.record`,
    );
    this.#delete = database.prepare('DELETE FROM pods WHERE id = ?');
    this.events = new EventLog(database, root);
    this.#deferred = new DeferredWrites(log);
    this.execs = new ExecRows(database, this.events);
    for (const pod of this.pods()) this.#stored.set(pod.id, viewOf(pod));
  }

  static open(path: string, log = silentLog): Store {
    const root = dirname(path);
    try {
      closeSync(openSync(path, 'a', 0o600)); // SQLite gives its other files the same mode: environments hold secrets
      const database = new DatabaseSync(path);
      // Ours alone: SQLite needs no file of shared memory then, which it could not make on a full disk.
      database.exec('PRAGMA busy_timeout = 2000; PRAGMA locking_mode = EXCLUSIVE');
      database.exec('PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL');
      migrate(database);
      return new Store(database, root, log);
    } catch (error) {
      if (isFull(error)) throw fullDisk(error, root);
      if (error instanceof HyperError) throw error;
      throw new HyperError('internal', `cannot open the state in ${path}: ${messageOf(error)}`, { cause: error });
    }
  }

  /** Oldest first. */
  pods(): PodRecord[] {
    return this.#database
      .prepare('SELECT record FROM pods ORDER BY created_at, id')
      .all()
      .map((row) => PodRecord.parse(JSON.parse(String(row['record']))))
      .filter(({ id }) => !this.#deleted.has(id));
  }

  /**
   * Writes the record as it is now, and with it what has changed. A second pod of the same name is a `conflict`, one that was
   * deleted `not_found`. `undo` makes the record as it was, where it cannot be written.
   */
  savePod(record: PodRecord, undo?: () => void): void {
    try {
      this.#deferred.catchUp();
      this.#writePod(record);
    } catch (error) {
      undo?.();
      throw error;
    }
    this.#deferred.doneWith(record.id);
  }

  /**
   * As `savePod`, of what has happened already: on a full disk it is written, as it is then, as soon as there is room.
   * `onStored` is called when it is written.
   *
   * @returns whether it is written
   */
  keepPod(record: PodRecord, onStored?: () => void): boolean {
    return this.#deferred.do(record.id, () => this.#writePod(record), onStored);
  }

  /** On a full disk as soon as there is room. @returns whether it is done */
  deletePod(id: string): boolean {
    const isDone = this.#deferred.do(id, () => {
      this.events.transact(() => {
        this.#delete.run(id);
        this.execs.deleteOfPod(id);
        return podChanges(this.#stored.get(id), undefined);
      });
      this.#stored.delete(id);
    });
    this.#deleted.add(id);
    const [oldest] = this.#deleted;
    if (oldest !== undefined && this.#deleted.size > rememberedIds) this.#deleted.delete(oldest);
    return isDone;
  }

  #writePod(record: PodRecord): void {
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
    this.#deferred.catchUp();
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

  /** On a full disk as soon as there is room. */
  deleteVolume(name: string): void {
    this.#deferred.do(`volume ${name}`, () => {
      this.events.transact(() => {
        this.#database.prepare('DELETE FROM volumes WHERE name = ?').run(name);
        return [change('volume', 'destroy', { id: name, name })];
      });
    });
  }

  /** Events of what is stored elsewhere, and has happened. On a full disk as soon as there is room. */
  tell(events: readonly EventRecord[]): void {
    this.#deferred.do(`events ${randomUUID()}`, () => this.events.transact(() => events));
  }

  [Symbol.dispose](): void {
    this.#deferred[Symbol.dispose]();
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
