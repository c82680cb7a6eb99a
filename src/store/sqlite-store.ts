/**
 * The durable store: one SQLite file through `node:sqlite`, everything also in memory. Reads never touch the disk, so a
 * database that is locked or gone never stops a call. A write changes memory only after the disk has it; a database that
 * stays locked is tried again for a while without blocking, then the write is refused. Secrets lie on disk sealed.
 */

import { closeSync, existsSync, openSync, statSync } from "node:fs";
import type { DatabaseSync, StatementSync } from "node:sqlite";
import { pathToFileURL } from "node:url";
import type { Clock } from "../base/clock.ts";
import { StoreError } from "../base/errors.ts";
import type { RecordKind, RecordKinds } from "../trunking/records.ts";
import { MemoryStore } from "./memory-store.ts";
import { RECORD_KINDS } from "./record-groups.ts";
import type { Secrets } from "./secrets.ts";
import { storeErrorOf } from "./sqlite-errors.ts";
import { loadSqlite } from "./sqlite-module.ts";
import { checkSchema, openSchema, SQL } from "./sqlite-schema.ts";
import type { Change } from "./store.ts";

export interface SqliteStoreOptions {
  /** Path of the data file; made when it is not there. */
  readonly path: string;
  /** Seals what must not be read from disk; the key has to be the one of the file. */
  readonly secrets: Secrets;
  readonly clock: Clock;
  /** How long a write waits for a locked database. Default 2000. */
  readonly busyMs?: number;
}

/** Fields that are clear in memory and sealed on disk; credentials are sealed in the record itself. */
const SEALED_FIELDS: { readonly [K in RecordKind]?: readonly (keyof RecordKinds[K] & string)[] } = {
  accounts: ["authToken"],
  byocTrunks: ["targetPassword"],
};

const KEY_CHECK = "key-check";
const RETRY_MS = 20;
const LOAD_BATCH = 1000;
const BUSY_MS = 2000;

/** A file that can be written. */
interface Connection {
  readonly database: DatabaseSync;
  readonly put: StatementSync;
  readonly remove: StatementSync;
}

export class SqliteStore extends MemoryStore {
  /** Undefined while the file can only be read. */
  #connection: Connection | undefined;
  readonly #secrets: Secrets;
  readonly #clock: Clock;
  readonly #path: string;
  readonly #busyMs: number;
  /** Settles when all writes asked for so far are done; they are made one after the other, in order. */
  #lastWrite: Promise<void> = Promise.resolve();
  #closed = false;

  /**
   * Opens the data file and reads all records. A file that can only be read serves calls all the same; each write then looks whether
   * that has changed.
   * @throws StoreError STORE_CORRUPT, STORE_READ_ONLY, STORE_BUSY, or STORE_KEY when the operator key is another one
   */
  constructor(options: SqliteStoreOptions) {
    super();
    this.#secrets = options.secrets;
    this.#clock = options.clock;
    this.#path = options.path;
    this.#busyMs = options.busyMs ?? BUSY_MS;
    let database: DatabaseSync | undefined;
    try {
      database = this.#openForWriting();
      this.#checkKey(database);
      this.#load(database);
      this.#connection = connectionOf(database);
    } catch (error) {
      database?.close();
      const failure = storeErrorOf(error, this.#path);
      if (!(failure instanceof StoreError && failure.code === "STORE_READ_ONLY" && existsSync(this.#path)))
        throw failure;
      this.#readOnly();
    }
  }

  /** False while the file can only be read. */
  get writable(): boolean {
    return this.#connection !== undefined;
  }

  #openForWriting(): DatabaseSync {
    makePrivate(this.#path);
    const { DatabaseSync } = loadSqlite();
    const database = new DatabaseSync(this.#path, { timeout: this.#busyMs });
    try {
      openSchema(database, this.#path);
      // From here on nobody may wait inside SQLite: that would stop signalling too.
      database.exec("PRAGMA busy_timeout = 0");
      return database;
    } catch (error) {
      database.close();
      throw error;
    }
  }

  /** Reads a file that nobody can write. @throws StoreError when its log still holds what has to be written into it first */
  #readOnly(): void {
    const log = `${this.#path}-wal`;
    if (existsSync(log) && statSync(log).size > 0)
      throw new StoreError("STORE_READ_ONLY", `${log} holds changes: ${this.#path} has to be written once to be read`);
    const { DatabaseSync } = loadSqlite();
    const url = pathToFileURL(this.#path);
    // Without it SQLite wants to make files beside this one, even to read it (https://www.sqlite.org/uri.html).
    url.searchParams.set("immutable", "1");
    const database = new DatabaseSync(url, { readOnly: true });
    try {
      checkSchema(database, this.#path);
      this.#checkKey(database);
      this.#load(database);
    } catch (error) {
      throw storeErrorOf(error, this.#path);
    } finally {
      database.close();
    }
  }

  /**
   * Makes all changes or none, on disk and then in memory.
   * @throws StoreError STORE_BUSY, STORE_READ_ONLY, STORE_FULL or STORE_CONFLICT; memory is as it was then
   */
  override apply(changes: readonly Change[]): Promise<void> {
    const write = this.#lastWrite.then(() => this.#write(changes));
    // The queue goes on after a write that failed.
    this.#lastWrite = write.catch(() => undefined);
    return write;
  }

  /** Waits for writes under way and closes the file. Reads still answer from memory afterwards. */
  override async close(): Promise<void> {
    await this.#lastWrite;
    if (this.#closed) return;
    this.#closed = true;
    this.#connection?.database.close();
  }

  async #write(changes: readonly Change[]): Promise<void> {
    const deadlineMs = this.#clock.nowMs() + this.#busyMs;
    for (;;) {
      if (this.#closed) throw new StoreError("STORE_READ_ONLY", `${this.#path} is closed`);
      this.index.check(changes);
      try {
        // Memory is what the file held when it was opened; nobody else has written it since.
        this.#connection ??= connectionOf(this.#openForWriting());
        this.#commit(changes, this.#connection);
        // No await in between: whoever sees the record in memory can rely on the disk.
        this.index.make(changes);
        return;
      } catch (error) {
        const failure = storeErrorOf(error, this.#path);
        const busy = failure instanceof StoreError && failure.code === "STORE_BUSY";
        if (!busy || this.#clock.nowMs() >= deadlineMs) throw failure;
      }
      await new Promise<void>((resolve) => this.#clock.after(RETRY_MS, resolve));
    }
  }

  #commit(changes: readonly Change[], { database, put, remove }: Connection): void {
    database.exec("BEGIN IMMEDIATE");
    try {
      for (const change of changes) {
        if ("put" in change) put.run(change.kind, change.put.sid, this.#bodyOf(change.kind, change.put));
        else remove.run(change.kind, change.remove);
      }
      database.exec("COMMIT");
    } catch (error) {
      if (database.isTransaction) database.exec("ROLLBACK");
      throw error;
    }
  }

  /** A key that does not fit is found at start, not by the first call that needs a password. */
  #checkKey(database: DatabaseSync): void {
    const row = database.prepare(SQL.selectMeta).get(KEY_CHECK) as { value: string } | undefined;
    if (row === undefined) database.prepare(SQL.putMeta).run(KEY_CHECK, this.#secrets.seal(KEY_CHECK, KEY_CHECK));
    else this.#secrets.unseal(row.value, KEY_CHECK);
  }

  #load(database: DatabaseSync): void {
    let changes: Change[] = [];
    const take = (): void => {
      this.index.check(changes);
      this.index.make(changes);
      changes = [];
    };
    // Row by row: all rows as text beside all records would be twice the memory, and most of it for the collector.
    for (const row of database.prepare(SQL.selectRecords).iterate()) {
      const { kind, sid, body } = row as { kind: string; sid: string; body: string };
      if (!RECORD_KINDS.includes(kind as RecordKind))
        throw new StoreError("STORE_CORRUPT", `${this.#path}: ${sid} is of the unknown kind ${JSON.stringify(kind)}`);
      changes.push({ kind, put: this.#recordOf(kind as RecordKind, sid, body) } as Change);
      if (changes.length >= LOAD_BATCH) take();
    }
    take();
  }

  #bodyOf(kind: RecordKind, record: RecordKinds[RecordKind]): string {
    const body: Record<string, unknown> = { ...record };
    for (const field of sealedFieldsOf(kind)) {
      const clear = body[field];
      if (typeof clear === "string") body[field] = this.#secrets.seal(clear, `${record.sid} ${field}`);
    }
    return JSON.stringify(body);
  }

  #recordOf(kind: RecordKind, sid: string, body: string): RecordKinds[RecordKind] {
    let record: Record<string, unknown>;
    try {
      record = JSON.parse(body);
    } catch (cause) {
      throw new StoreError("STORE_CORRUPT", `${this.#path}: ${kind} ${sid} cannot be read`, { cause });
    }
    if (record === null || typeof record !== "object" || record["sid"] !== sid)
      throw new StoreError("STORE_CORRUPT", `${this.#path}: ${kind} ${sid} is not the record that its row says`);
    for (const field of sealedFieldsOf(kind)) {
      const sealed = record[field];
      if (typeof sealed === "string") record[field] = this.#secrets.unseal(sealed, `${sid} ${field}`);
    }
    return record as unknown as RecordKinds[RecordKind];
  }
}

function connectionOf(database: DatabaseSync): Connection {
  return { database, put: database.prepare(SQL.putRecord), remove: database.prepare(SQL.removeRecord) };
}

/** A new file is for the operator alone; SQLite gives its side files the same mode. */
function makePrivate(path: string): void {
  try {
    closeSync(openSync(path, "a", 0o600));
  } catch {
    // SQLite meets the same obstacle and names it better.
  }
}

function sealedFieldsOf(kind: RecordKind): readonly string[] {
  return SEALED_FIELDS[kind] ?? [];
}
