/**
 * One page of a list, newest first (trunking-rest.md 2). A page token is the sort key of the last row before the page or of the first
 * one behind it, so that a list goes on rightly when rows come and go between two pages. A `Listing` of the store costs what is read of
 * it from the newest on; of anything else time is linear in the rows, memory in the page.
 */

import type { Listing, Sortable } from "../../store/store.ts";
import { badParameter } from "./rest-error.ts";

export const PAGE_SIZE_DEFAULT = 50;
export const PAGE_SIZE_MAX = 1000;
const TOKEN_LENGTH_MAX = 200;
/** How tokens begin: the page is after its row, or before it. */
const SIDES = { PA: "after", PB: "before" } as const;
const OWN_PARAMETERS: ReadonlySet<string> = new Set(["Page", "PageSize", "PageToken"]);

export type { Sortable };

export interface PageRequest {
  readonly size: number;
  /** Counts from 0. Without a token so many pages are passed over. */
  readonly number: number;
  readonly token: PageToken | undefined;
  /** The other parameters, such as filters, for the URLs of further pages: "" or `&Name=value…`. */
  readonly others: string;
}

interface PageToken {
  readonly side: "after" | "before";
  /** Sort key of a row that was seen. */
  readonly key: string;
}

export interface Page<T> {
  readonly rows: readonly T[];
  readonly request: PageRequest;
  /** Query of this page, the first one, the next and the one before; null where there is none. */
  readonly query: string;
  readonly firstQuery: string;
  readonly nextQuery: string | null;
  readonly previousQuery: string | null;
}

/** Rows of a page, and whether there are others on either side. */
interface Found<T> {
  readonly rows: readonly T[];
  readonly newer: boolean;
  readonly older: boolean;
}

type Query = Readonly<Record<string, unknown>>;

/** @throws RestError 400 naming the parameter */
export function readPageRequest(query: Query): PageRequest {
  const size = countOf(query, "PageSize", PAGE_SIZE_DEFAULT);
  if (size < 1) throw badParameter("PageSize", "1 to 1000");
  const token = query["PageToken"] ?? "";
  if (typeof token !== "string" || token.length > TOKEN_LENGTH_MAX) throw badToken();
  return {
    // The client asks for its limit as page size, whatever that is.
    size: Math.min(size, PAGE_SIZE_MAX),
    number: countOf(query, "Page", 0),
    token: token === "" ? undefined : readToken(token),
    others: othersOf(query),
  };
}

function othersOf(query: Query): string {
  const others = new URLSearchParams();
  for (const [name, value] of Object.entries(query))
    if (typeof value === "string" && !OWN_PARAMETERS.has(name)) others.append(name, value);
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
  const found = request.token?.side === "before" ? pageBefore(rows, request) : pageAfter(rows, request);
  const { size, number, token, others } = request;
  const queryOf = (page: number, side: keyof typeof SIDES | undefined, key: string): string => {
    const shown = side === undefined ? "" : `&PageToken=${side}${Buffer.from(key).toString("base64url")}`;
    return `PageSize=${size}&Page=${page}${shown}${others}`;
  };
  const [first, last] = [found.rows[0], found.rows.at(-1)];
  const side = token === undefined ? undefined : token.side === "after" ? "PA" : "PB";
  return {
    rows: found.rows,
    request,
    query: queryOf(number, side, token?.key ?? ""),
    firstQuery: queryOf(0, undefined, ""),
    nextQuery: found.older && last !== undefined ? queryOf(number + 1, "PA", keyOf(last)) : null,
    previousQuery: found.newer && first !== undefined ? queryOf(Math.max(0, number - 1), "PB", keyOf(first)) : null,
  };
}

function pageAfter<T extends Sortable>(rows: Iterable<T> | Listing<T>, request: PageRequest): Found<T> {
  const { size, number, token } = request;
  const skipped = token === undefined ? number * size : 0;
  const after = token?.key ?? "";
  // One more than the page, to see whether another follows.
  const most = skipped + size + 1;
  const found = "olderThan" in rows ? nextOf(rows, after, skipped, most) : newestOf(rows, after, most).slice(skipped);
  return { rows: found.slice(0, size), newer: token !== undefined || number > 0, older: found.length > size };
}

function nextOf<T extends Sortable>(listing: Listing<T>, after: string, skipped: number, most: number): T[] {
  const rows: T[] = [];
  const [dateCreated = "", sid = ""] = after.split(" ");
  let count = 0;
  for (const row of after === "" ? listing : listing.olderThan({ dateCreated, sid })) {
    if (++count > skipped) rows.push(row);
    if (count === most) break;
  }
  return rows;
}

function newestOf<T extends Sortable>(rows: Iterable<T>, after: string, most: number): T[] {
  // The newest so far, in order.
  const best: { key: string; row: T }[] = [];
  for (const row of rows) {
    const key = keyOf(row);
    if (after !== "" && key >= after) continue;
    if (best.length >= most && key <= best.at(-1)!.key) continue;
    best.splice(placeOf(best, key), 0, { key, row });
    if (best.length > most) best.pop();
  }
  return best.map(({ row }) => row);
}

/** The rows that come next before the token's, which was the first of the page behind this one. */
function pageBefore<T extends Sortable>(rows: Iterable<T> | Listing<T>, { size, token }: PageRequest): Found<T> {
  const nearest: T[] = [];
  const inOrder = "olderThan" in rows ? rows : newestOf(rows, "", Number.POSITIVE_INFINITY);
  for (const row of inOrder) {
    if (keyOf(row) <= token!.key) break;
    if (nearest.push(row) > size + 1) nearest.shift();
  }
  return { rows: nearest.slice(-size), newer: nearest.length > size, older: true };
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

function readToken(token: string): PageToken {
  const side = SIDES[token.slice(0, 2) as keyof typeof SIDES];
  const key = Buffer.from(token.slice(2), "base64url").toString();
  if (side === undefined || !/^\d{4}-\d{2}-\d{2}T[\d:.]+Z [A-Z]{2}[0-9a-f]{32}$/.test(key)) throw badToken();
  return { side, key };
}

function badToken() {
  return badParameter("PageToken", "a token of a page before");
}
