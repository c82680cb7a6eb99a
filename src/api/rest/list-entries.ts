/** The routes of what is in a list: `…/SIP/CredentialLists/{CL}/Credentials` and `…/SIP/IpAccessControlLists/{AL}/IpAddresses`. */

import { newSid, type SidPrefix } from "../../base/ids.ts";
import type { Change } from "../../store/store.ts";
import type { RecordKinds } from "../../trunking/records.ts";
import { changed, ownedBy } from "./owned.ts";
import { pageOf, readPageRequest } from "./paging.ts";
import { rfc2822Date, uriList } from "./present.ts";
import { notFound, REST_CODES, RestError } from "./rest-error.ts";
import { ACCOUNT, created, deleted, ok, type RestContext, type RestRequest, type RestRoute } from "./route.ts";

/** The dates are absent on entries of old data files; those of the list stand in. */
interface Entry {
  readonly sid: string;
  readonly dateCreated?: string | undefined;
  readonly dateUpdated?: string | undefined;
}

/** One kind of entry. */
export interface EntryKind<K extends "ipAcls" | "credentialLists", E extends Entry> {
  readonly list: K;
  /** Path and key of the list and of what is in it, as they stand in URLs and in answers. */
  readonly listPath: string;
  readonly listKey: string;
  readonly path: string;
  readonly key: string;
  readonly sidPrefix: SidPrefix;
  readonly countMax: number;
  readonly entriesOf: (list: RecordKinds[K]) => readonly E[];
  readonly changesOf: (entries: readonly E[]) => { readonly [F in keyof RecordKinds[K]]?: RecordKinds[K][F] };
  /** What a request says of an entry. @throws RestError */
  readonly read: (
    request: RestRequest,
    list: RecordKinds[K],
    sid: string,
    before: E | undefined,
  ) => Omit<E, keyof Entry>;
  /** The fields of an answer that are this kind's own. */
  readonly show: (entry: E) => object;
}

export function entryRoutes<K extends "ipAcls" | "credentialLists", E extends Entry>(
  ctx: RestContext,
  kind: EntryKind<K, E>,
): RestRoute[] {
  const path = `${ACCOUNT}/SIP/${kind.listPath}/:list/${kind.path}`;
  const one = `${path}/:entry(^[^./]+).json`;
  const uriOf = (request: RestRequest, list: RecordKinds[K]): string =>
    `/2010-04-01/Accounts/${request.account.sid}/SIP/${kind.listPath}/${list.sid}/${kind.path}`;
  const show = (request: RestRequest, list: RecordKinds[K], entry: E): object => ({
    sid: entry.sid,
    account_sid: list.accountSid,
    [kind.listKey]: list.sid,
    ...kind.show(entry),
    date_created: rfc2822Date(entry.dateCreated ?? list.dateCreated),
    date_updated: rfc2822Date(entry.dateUpdated ?? list.dateUpdated),
    uri: `${uriOf(request, list)}/${entry.sid}.json`,
  });
  const listIn = (request: RestRequest): RecordKinds[K] => ownedBy(ctx, request, kind.list, request.path["list"]!);
  const entryIn = (request: RestRequest): { list: RecordKinds[K]; entry: E } => {
    const list = listIn(request);
    const entry = kind.entriesOf(list).find(({ sid }) => sid === request.path["entry"]);
    if (entry === undefined) throw notFound((request.path["entry"] ?? "").slice(0, 40));
    return { list, entry };
  };
  const store = async (list: RecordKinds[K], entries: readonly E[]): Promise<RecordKinds[K]> => {
    const put = changed<RecordKinds[K]>(ctx, list, kind.changesOf(entries));
    await ctx.store.apply([{ kind: kind.list, put } as unknown as Change]);
    return put;
  };
  const now = (): string => ctx.clock.wallTime().toISOString();

  return [
    {
      method: "GET",
      path: `${path}.json`,
      handle: (request) => {
        const list = listIn(request);
        const rows = kind
          .entriesOf(list)
          .map((entry) => ({ ...entry, dateCreated: entry.dateCreated ?? list.dateCreated }));
        const page = pageOf(rows, readPageRequest(request.query));
        return ok(uriList(kind.key, `${uriOf(request, list)}.json`, page, (entry) => show(request, list, entry)));
      },
    },
    {
      method: "POST",
      path: `${path}.json`,
      handle: async (request) => {
        const list = listIn(request);
        const sid = newSid(kind.sidPrefix);
        const fields = kind.read(request, list, sid, undefined);
        if (kind.entriesOf(list).length >= kind.countMax)
          throw new RestError(400, REST_CODES.badParameter, `a list has at most ${kind.countMax} entries`);
        const date = now();
        const entry = { ...fields, sid, dateCreated: date, dateUpdated: date } as unknown as E;
        return created(show(request, await store(list, [...kind.entriesOf(list), entry]), entry));
      },
    },
    {
      method: "GET",
      path: one,
      handle: (request) => {
        const { list, entry } = entryIn(request);
        return ok(show(request, list, entry));
      },
    },
    {
      method: "POST",
      path: one,
      handle: async (request) => {
        const { list, entry } = entryIn(request);
        const put: E = { ...entry, ...kind.read(request, list, entry.sid, entry), dateUpdated: now() };
        const entries = kind.entriesOf(list).map((other) => (other.sid === put.sid ? put : other));
        return ok(show(request, await store(list, entries), put));
      },
    },
    {
      method: "DELETE",
      path: one,
      handle: async (request) => {
        const { list, entry } = entryIn(request);
        await store(
          list,
          kind.entriesOf(list).filter(({ sid }) => sid !== entry.sid),
        );
        return deleted;
      },
    },
  ];
}
