/**
 * One page of a list, newest first (trunking-rest.md 2). A page token is the sort key of the last row, so that a list goes on rightly
 * when rows come and go between two pages. A `Listing` of the store costs what the page costs; of anything else time is linear in the
 * rows, memory in the page.
 */

import type { Listing, Sortable } from "../../store/store.ts";
import { badParameter } from "./rest-error.ts";

export const PAGE_SIZE_DEFAULT = 50;
export const PAGE_SIZE_MAX = 1000;
const TOKEN_LENGTH_MAX = 200;

export type { Sortable };

export interface PageRequest {
  readonly size: number;
  /** Counts from 0; only told back. */
  readonly number: number;
  /** Sort key of the last row of the page before; "" for the first page. */
  readonly after: string;
  /** The other parameters, such as filters, for the URLs of further pages: "" or `&Name=value…`. */
  readonly others: string;
}

export interface Page<T> {
  readonly rows: readonly T[];
  readonly request: PageRequest;
  /** Query of the next page, null at the end. */
  readonly nextQuery: string | null;
  readonly firstQuery: string;
}

type Query = Readonly<Record<string, unknown>>;

/** @throws RestError 400 naming the parameter */
export function readPageRequest(query: Query): PageRequest {
  const size = countOf(query, "PageSize", PAGE_SIZE_DEFAULT);
  if (size < 1) throw badParameter("PageSize", "1 to 1000");
  const token = query["PageToken"] ?? "";
  if (typeof token !== "string" || token.length > TOKEN_LENGTH_MAX)
    throw badParameter("PageToken", "a token of a page before");
  return {
    // The client asks for its limit as page size, whatever that is.
    size: Math.min(size, PAGE_SIZE_MAX),
    number: countOf(query, "Page", 0),
    after: token === "" ? "" : readToken(token),
    others: othersOf(query),
  };
}

function othersOf(query: Query): string {
  const others = new URLSearchParams();
  for (const [name, value] of Object.entries(query))
    if (typeof value === "string" && !["Page", "PageSize", "PageToken"].includes(name)) others.append(name, value);
  return others.size === 0 ? "" : `&${others}`;
}

function countOf(query: Query, name: string, byDefault: number): number {
  const text = query[name];
  if (text === undefined || text === "") return byDefault;
  if (typeof text !== "string" || !/^[0-9]{1,9}$/.test(text)) throw badParameter(name, "a whole number");
  return Number(text);
}

/** Takes the page out of the rows, whatever their order. */
export function pageOf<T extends Sortable>(rows: Iterable<T> | Listing<T>, request: PageRequest): Page<T> {
  return pageFrom("olderThan" in rows ? nextOf(rows, request) : newestOf(rows, request), request);
}

/** The rows of the page and one more, to see whether another page follows. */
function nextOf<T extends Sortable>(listing: Listing<T>, { size, after }: PageRequest): T[] {
  const rows: T[] = [];
  const [dateCreated = "", sid = ""] = after.split(" ");
  for (const row of after === "" ? listing : listing.olderThan({ dateCreated, sid })) if (rows.push(row) > size) break;
  return rows;
}

function newestOf<T extends Sortable>(rows: Iterable<T>, { size, after }: PageRequest): T[] {
  // The newest so far, in order.
  const best: { key: string; row: T }[] = [];
  for (const row of rows) {
    const key = keyOf(row);
    if (after !== "" && key >= after) continue;
    if (best.length > size && key <= best[size]!.key) continue;
    best.splice(placeOf(best, key), 0, { key, row });
    if (best.length > size + 1) best.pop();
  }
  return best.map(({ row }) => row);
}

function pageFrom<T extends Sortable>(found: readonly T[], request: PageRequest): Page<T> {
  const { size } = request;
  const rows = found.slice(0, size);
  const token = found.length > size ? tokenOf(keyOf(rows.at(-1)!)) : undefined;
  return {
    rows,
    request,
    firstQuery: `PageSize=${size}&Page=0${request.others}`,
    nextQuery:
      token === undefined
        ? null
        : `PageSize=${size}&Page=${request.number + 1}&PageToken=${encodeURIComponent(token)}${request.others}`,
  };
}

/** Where a key belongs among keys that fall. */
function placeOf(best: readonly { key: string }[], key: string): number {
  let low = 0;
  let high = best.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (best[middle]!.key > key) low = middle + 1;
    else high = middle;
  }
  return low;
}

function keyOf({ dateCreated, sid }: Sortable): string {
  return `${dateCreated} ${sid}`;
}

function tokenOf(key: string): string {
  return Buffer.from(key).toString("base64url");
}

function readToken(token: string): string {
  const key = Buffer.from(token, "base64url").toString();
  if (!/^\d{4}-\d{2}-\d{2}T[\d:.]+Z [A-Z]{2}[0-9a-f]{32}$/.test(key))
    throw badParameter("PageToken", "a token of a page before");
  return key;
}
