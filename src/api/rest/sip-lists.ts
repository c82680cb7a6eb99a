/**
 * `/2010-04-01/Accounts/{AC}/SIP/IpAccessControlLists` and `/CredentialLists` (trunking-rest.md 6.3, 6.5; R-AUTH-7, R-AUTH-8): the
 * lists themselves; what is in them is in `ip-addresses.ts` and `credentials.ts`.
 */

import { newSid } from "../../base/ids.ts";
import type { Change } from "../../store/store.ts";
import type { CredentialList, IpAcl } from "../../trunking/records.ts";
import { changed, listOf, newBase, ownedBy } from "./owned.ts";
import { pageOf, readPageRequest } from "./paging.ts";
import { rfc2822Date, uriList } from "./present.ts";
import { conflict, REST_CODES, RestError } from "./rest-error.ts";
import { ACCOUNT, created, deleted, ok, type RestContext, type RestRequest, type RestRoute } from "./route.ts";

interface Kind {
  readonly records: "ipAcls" | "credentialLists";
  readonly path: string;
  readonly key: string;
  readonly prefix: "AL" | "CL";
  readonly nameLengthMax: number;
  readonly countMax: number;
  /** Name and path of what is in it. */
  readonly content: readonly [name: string, path: string];
}

const KINDS: readonly Kind[] = [
  {
    records: "ipAcls",
    path: "IpAccessControlLists",
    key: "ip_access_control_lists",
    prefix: "AL",
    nameLengthMax: 255,
    countMax: 1000,
    content: ["ip_addresses", "IpAddresses"],
  },
  {
    records: "credentialLists",
    path: "CredentialLists",
    key: "credential_lists",
    prefix: "CL",
    nameLengthMax: 64,
    countMax: 100,
    content: ["credentials", "Credentials"],
  },
];

export function sipListRoutes(ctx: RestContext): RestRoute[] {
  return KINDS.flatMap((kind) => routesOf(ctx, kind));
}

function routesOf(ctx: RestContext, kind: Kind): RestRoute[] {
  const { records, prefix } = kind;
  const path = `${ACCOUNT}/SIP/${kind.path}`;
  const one = `${path}/:list(^[^./]+).json`;
  const uriOf = (request: RestRequest): string => `/2010-04-01/Accounts/${request.account.sid}/SIP/${kind.path}`;
  const show = (request: RestRequest, list: IpAcl | CredentialList): object => {
    const uri = `${uriOf(request)}/${list.sid}`;
    const [name, contentPath] = kind.content;
    return {
      sid: list.sid,
      account_sid: list.accountSid,
      friendly_name: list.friendlyName,
      date_created: rfc2822Date(list.dateCreated),
      date_updated: rfc2822Date(list.dateUpdated),
      subresource_uris: { [name]: `${uri}/${contentPath}.json` },
      uri: `${uri}.json`,
    };
  };
  const name = (request: RestRequest): string => {
    request.body.required("FriendlyName");
    return request.body.text("FriendlyName", kind.nameLengthMax)!;
  };
  const listIn = (request: RestRequest): IpAcl | CredentialList =>
    ownedBy(ctx, request, records, request.path["list"]!);
  const put = (list: IpAcl | CredentialList) => ctx.store.apply([{ kind: records, put: list } as Change]);

  return [
    {
      method: "GET",
      path: `${path}.json`,
      handle: (request) => {
        const page = pageOf(listOf(ctx, request, records), readPageRequest(request.query));
        return ok(uriList(kind.key, `${uriOf(request)}.json`, page, (list) => show(request, list)));
      },
    },
    {
      method: "POST",
      path: `${path}.json`,
      handle: async (request) => {
        const friendlyName = name(request);
        if (ctx.store.countOf(records, request.account.sid) >= kind.countMax)
          throw new RestError(400, REST_CODES.badParameter, `an account has at most ${kind.countMax} of these lists`);
        const base = { ...newBase(ctx, request, newSid(prefix)), friendlyName };
        const list = records === "ipAcls" ? { ...base, addresses: [] } : { ...base, credentials: [] };
        await put(list);
        return created(show(request, list));
      },
    },
    { method: "GET", path: one, handle: (request) => ok(show(request, listIn(request))) },
    {
      method: "POST",
      path: one,
      handle: async (request) => {
        const list = changed<IpAcl | CredentialList>(ctx, listIn(request), { friendlyName: name(request) });
        await put(list);
        return ok(show(request, list));
      },
    },
    {
      method: "DELETE",
      path: one,
      handle: async (request) => {
        const { sid } = listIn(request);
        // Without its list a domain would have no guard: it is taken off there first.
        const [use] = ctx.store.usesOf(sid);
        if (use !== undefined) throw conflict(`${sid} is still mapped to ${use.record.sid}`);
        await ctx.store.apply([{ kind: records, remove: sid } as Change]);
        return deleted;
      },
    },
  ];
}
