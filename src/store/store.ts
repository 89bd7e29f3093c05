import { closeSync, openSync } from 'node:fs';
import { DatabaseSync, type StatementSync } from 'node:sqlite';
import { HyperError, messageOf } from '../lib/errors.ts';
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
];

/**
 * What must survive hyperd: one SQLite file. WAL with `synchronous=NORMAL` survives any death of the daemon; a
 * commit takes 0.02 ms (facts: Node).
 */
export class Store implements Disposable {
  readonly #database: DatabaseSync;
  readonly #save: StatementSync;
  readonly #delete: StatementSync;

  private constructor(database: DatabaseSync) {
    this.#database = database;
    this.#save = database.prepare(
      `INSERT INTO pods (id, name, created_at, record) VALUES (?, ?, ?, ?)
       ON CONFLICT (id) DO UPDATE SET name = excluded.name, record = excluded.record`,
    );
    this.#delete = database.prepare('DELETE FROM pods WHERE id = ?');
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

  /** Writes the record as it is now. A second pod of the same name is a `conflict`. */
  savePod(record: PodRecord): void {
    try {
      this.#save.run(record.id, record.name, record.createdAt, JSON.stringify(record));
    } catch (error) {
      if (messageOf(error).includes('UNIQUE constraint failed: pods.name')) {
        throw new HyperError('conflict', `the name ${record.name} is taken: choose another, or remove that pod`);
      }
      throw error;
    }
  }

  deletePod(id: string): void {
    this.#delete.run(id);
  }

  /** Oldest first. */
  networks(): NetworkRecord[] {
    return this.#database
      .prepare('SELECT record FROM networks ORDER BY created_at, id')
      .all()
      .map((row) => NetworkRecord.parse(JSON.parse(String(row['record']))));
  }

  addNetwork(record: NetworkRecord): void {
    this.#database
      .prepare('INSERT INTO networks (id, name, created_at, record) VALUES (?, ?, ?, ?)')
      .run(record.id, record.name, record.createdAt, JSON.stringify(record));
  }

  deleteNetwork(id: string): void {
    this.#database.prepare('DELETE FROM networks WHERE id = ?').run(id);
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
    this.#database
      .prepare(
        'INSERT INTO volumes (name, record) VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET record = excluded.record',
      )
      .run(record.name, JSON.stringify(record));
  }

  deleteVolume(name: string): void {
    this.#database.prepare('DELETE FROM volumes WHERE name = ?').run(name);
  }

  [Symbol.dispose](): void {
    this.#database.close();
  }
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
