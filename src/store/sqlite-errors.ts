/** SQLite's result codes in our terms (https://www.sqlite.org/rescode.html). */

import { messageOf, StoreError } from "../base/errors.ts";

/** Primary result codes. */
const BUSY = 5;
const LOCKED = 6;
const READONLY = 8;
const IOERR = 10;
const CORRUPT = 11;
const FULL = 13;
const CANTOPEN = 14;
const NOTADB = 26;

const CODES: ReadonlyMap<number, ConstructorParameters<typeof StoreError>[0]> = new Map([
  [BUSY, "STORE_BUSY"],
  [LOCKED, "STORE_BUSY"],
  [READONLY, "STORE_READ_ONLY"],
  [CANTOPEN, "STORE_READ_ONLY"],
  [IOERR, "STORE_READ_ONLY"],
  [FULL, "STORE_FULL"],
  [CORRUPT, "STORE_CORRUPT"],
  [NOTADB, "STORE_CORRUPT"],
]);

/** A StoreError for anything that SQLite threw; other errors come back as they are. */
export function storeErrorOf(error: unknown, path: string): unknown {
  const extended = (error as { errcode?: unknown } | null)?.errcode;
  if (typeof extended !== "number") return error;
  // The low octet of an extended code is the primary one.
  const code = CODES.get(extended & 0xff) ?? "STORE_CORRUPT";
  return new StoreError(code, `${path}: ${messageOf(error)} (SQLite ${extended})`, { cause: error });
}
