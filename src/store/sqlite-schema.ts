/**
 * The data file: one SQLite database, one row a record, its body as JSON. All SQL of the product is here and in
 * `sqlite-store.ts`. A migration is never changed once it was released; a new one is added.
 */

import type { DatabaseSync } from "node:sqlite";
import { StoreError } from "../base/errors.ts";

/** "TNDM": tells our file from the database of another program. */
const APPLICATION_ID = 0x544e444d;

/** Version n of the schema is reached by the first n entries. */
const MIGRATIONS: readonly string[] = [
  `CREATE TABLE meta (name TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT;
   CREATE TABLE records (
     ordinal INTEGER PRIMARY KEY AUTOINCREMENT, -- order of creation
     kind TEXT NOT NULL,
     sid TEXT NOT NULL,
     body TEXT NOT NULL,
     UNIQUE (kind, sid)
   ) STRICT;`,
];

export const SQL = {
  selectRecords: "SELECT kind, sid, body FROM records ORDER BY ordinal",
  // A record that is there keeps its ordinal.
  putRecord: `INSERT INTO records (kind, sid, body) VALUES (?, ?, ?)
              ON CONFLICT (kind, sid) DO UPDATE SET body = excluded.body`,
  removeRecord: "DELETE FROM records WHERE kind = ? AND sid = ?",
  selectMeta: "SELECT value FROM meta WHERE name = ?",
  putMeta: "INSERT INTO meta (name, value) VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET value = excluded.value",
} as const;

/**
 * Sets the connection up and brings the schema to its newest version.
 * @throws StoreError STORE_CORRUPT for the file of another program or of a newer version
 */
export function openSchema(database: DatabaseSync, path: string): void {
  const version = knownVersion(database, path);
  // WAL: readers never wait. FULL: what `apply` resolved for survives the loss of power.
  database.exec("PRAGMA journal_mode = WAL");
  database.exec("PRAGMA synchronous = FULL");
  if (version === MIGRATIONS.length) return;
  database.exec("BEGIN IMMEDIATE");
  try {
    for (const migration of MIGRATIONS.slice(version)) database.exec(migration);
    database.exec(`PRAGMA application_id = ${APPLICATION_ID}`);
    database.exec(`PRAGMA user_version = ${MIGRATIONS.length}`);
    database.exec("COMMIT");
  } catch (error) {
    if (database.isTransaction) database.exec("ROLLBACK");
    throw error;
  }
}

/** For a file that can only be read. @throws StoreError STORE_CORRUPT as `openSchema`, STORE_READ_ONLY when it has to be migrated first */
export function checkSchema(database: DatabaseSync, path: string): void {
  const version = knownVersion(database, path);
  if (version !== MIGRATIONS.length)
    throw new StoreError(
      "STORE_READ_ONLY",
      `${path} cannot be written, and has to be brought to schema ${MIGRATIONS.length}`,
    );
}

function knownVersion(database: DatabaseSync, path: string): number {
  const applicationId = pragma(database, "application_id");
  const version = pragma(database, "user_version");
  if (applicationId !== APPLICATION_ID && (applicationId !== 0 || version !== 0 || hasTables(database)))
    throw new StoreError("STORE_CORRUPT", `${path} is the database of another program`);
  if (version > MIGRATIONS.length)
    throw new StoreError(
      "STORE_CORRUPT",
      `${path} was written by a newer version (schema ${version}, known ${MIGRATIONS.length})`,
    );
  return version;
}

function pragma(database: DatabaseSync, name: string): number {
  const row = database.prepare(`PRAGMA ${name}`).get() as Record<string, number>;
  return row[name]!;
}

function hasTables(database: DatabaseSync): boolean {
  return database.prepare("SELECT 1 FROM sqlite_schema LIMIT 1").get() !== undefined;
}
