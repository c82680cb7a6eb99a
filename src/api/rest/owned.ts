/** Records of one account: looked up by SID so that those of others do not exist, and listed. */

import type { Listing, OwnedKind } from "../../store/store.ts";
import type { RecordKinds } from "../../trunking/records.ts";
import { badParameter, notFound } from "./rest-error.ts";
import type { RestContext, RestRequest } from "./route.ts";

/** @throws RestError 404 when there is none of this SID in the account */
export function ownedBy<K extends OwnedKind>(
  ctx: RestContext,
  request: Pick<RestRequest, "account">,
  kind: K,
  sid: string,
): RecordKinds[K] {
  const record = ctx.store.get(kind, sid.slice(0, 2) + sid.slice(2).toLowerCase());
  if (record === undefined || record.accountSid !== request.account.sid) throw notFound(sid.slice(0, 40));
  return record;
}

/** As `ownedBy`, for a SID in a parameter: what does not exist is 400 there (trunking-rest.md 3.4). */
export function namedBy<K extends OwnedKind>(
  ctx: RestContext,
  request: Pick<RestRequest, "account">,
  kind: K,
  name: string,
  sid: string,
): RecordKinds[K] {
  const record = ctx.store.get(kind, sid);
  if (record === undefined || record.accountSid !== request.account.sid)
    throw badParameter(name, `the account has no ${sid}`);
  return record;
}

/** All records of a kind that belong to the account, newest first; a page of it costs as much as the page. */
export function listOf<K extends OwnedKind>(
  ctx: RestContext,
  request: Pick<RestRequest, "account">,
  kind: K,
): Listing<RecordKinds[K]> {
  return ctx.store.listOf(kind, request.account.sid);
}

/** What every new record begins with. */
export function newBase(ctx: RestContext, request: Pick<RestRequest, "account">, sid: string) {
  const now = ctx.clock.wallTime().toISOString();
  return { sid, accountSid: request.account.sid, dateCreated: now, dateUpdated: now };
}

/** A record with changes and the date of now. Fields that are undefined stay as they are. */
export function changed<T extends { readonly dateUpdated: string }>(
  ctx: RestContext,
  record: T,
  changes: { readonly [F in keyof T]?: T[F] | undefined },
): T {
  const given = Object.fromEntries(Object.entries(changes).filter(([, value]) => value !== undefined));
  return { ...record, ...given, dateUpdated: ctx.clock.wallTime().toISOString() } as T;
}
