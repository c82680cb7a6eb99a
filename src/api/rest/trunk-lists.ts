/** `/v1/Trunks/{TK}/IpAccessControlLists` and `/CredentialLists`: which lists guard a trunk (trunking-rest.md 4.4, 4.5; R-AUTH-1). */

import type { CredentialList, IpAcl, Trunk } from "../../trunking/records.ts";
import { changed, namedBy, ownedBy } from "./owned.ts";
import { pageOf, readPageRequest } from "./paging.ts";
import { isoDate, metaList } from "./present.ts";
import { badParameter, notFound } from "./rest-error.ts";
import { created, deleted, ok, type RestContext, type RestRequest, type RestRoute } from "./route.ts";

const ALREADY_MAPPED = 21245;

interface Kind {
  readonly records: "ipAcls" | "credentialLists";
  readonly field: "ipAclSids" | "credentialListSids";
  readonly path: string;
  readonly key: string;
  readonly parameter: string;
  readonly prefix: "AL" | "CL";
}

const KINDS: readonly Kind[] = [
  {
    records: "ipAcls",
    field: "ipAclSids",
    path: "IpAccessControlLists",
    key: "ip_access_control_lists",
    parameter: "IpAccessControlListSid",
    prefix: "AL",
  },
  {
    records: "credentialLists",
    field: "credentialListSids",
    path: "CredentialLists",
    key: "credential_lists",
    parameter: "CredentialListSid",
    prefix: "CL",
  },
];

export function trunkListRoutes(ctx: RestContext): RestRoute[] {
  return KINDS.flatMap((kind) => routesOf(ctx, kind));
}

function routesOf(ctx: RestContext, kind: Kind): RestRoute[] {
  const { records, field, key, parameter, prefix } = kind;
  const path = `/v1/Trunks/:trunk/${kind.path}`;
  const show = ({ base }: RestRequest, trunk: Trunk, list: IpAcl | CredentialList): object => ({
    sid: list.sid,
    account_sid: list.accountSid,
    trunk_sid: trunk.sid,
    friendly_name: list.friendlyName,
    date_created: isoDate(list.dateCreated),
    date_updated: isoDate(list.dateUpdated),
    url: `${base}/v1/Trunks/${trunk.sid}/${kind.path}/${list.sid}`,
  });
  const trunkOf = (request: RestRequest): Trunk => ownedBy(ctx, request, "trunks", request.path["trunk"]!);
  const mapped = (request: RestRequest): { trunk: Trunk; list: IpAcl | CredentialList } => {
    const trunk = trunkOf(request);
    const list = ownedBy(ctx, request, records, request.path["list"]!);
    if (!trunk[field].includes(list.sid)) throw notFound(list.sid);
    return { trunk, list };
  };

  return [
    {
      method: "GET",
      path,
      handle: (request) => {
        const trunk = trunkOf(request);
        const lists = trunk[field].flatMap((sid) => ctx.store.get(records, sid) ?? []);
        const page = pageOf<IpAcl | CredentialList>(lists, readPageRequest(request.query));
        const url = `${request.base}/v1/Trunks/${trunk.sid}/${kind.path}`;
        return ok(metaList(key, url, page, (list) => show(request, trunk, list)));
      },
    },
    {
      method: "POST",
      path,
      handle: async (request) => {
        const trunk = trunkOf(request);
        request.body.required(parameter);
        const list = namedBy(ctx, request, records, parameter, request.body.sid(parameter, prefix)!);
        if (trunk[field].includes(list.sid))
          throw badParameter(parameter, "the list belongs to the trunk already", ALREADY_MAPPED);
        const put = changed<Trunk>(ctx, trunk, { [field]: [...trunk[field], list.sid] });
        await ctx.store.apply([{ kind: "trunks", put }]);
        return created(show(request, put, list));
      },
    },
    {
      method: "GET",
      path: `${path}/:list`,
      handle: (request) => {
        const { trunk, list } = mapped(request);
        return ok(show(request, trunk, list));
      },
    },
    {
      method: "DELETE",
      path: `${path}/:list`,
      handle: async (request) => {
        const { trunk, list } = mapped(request);
        const put = changed<Trunk>(ctx, trunk, { [field]: trunk[field].filter((sid) => sid !== list.sid) });
        await ctx.store.apply([{ kind: "trunks", put }]);
        return deleted;
      },
    },
  ];
}
