/**
 * Which lists guard a SIP domain (trunking-rest.md 6.2; R-AUTH-1): two generations of paths over one set. `Auth/Registrations` is for
 * registrars, which this gateway is not: it stays empty.
 */

import type { CredentialList, IpAcl, SipDomain } from "../../trunking/records.ts";
import { changed, namedBy, ownedBy } from "./owned.ts";
import { pageOf, readPageRequest } from "./paging.ts";
import { rfc2822Date, uriList } from "./present.ts";
import { badParameter, conflict, notFound } from "./rest-error.ts";
import { ACCOUNT, created, deleted, ok, type RestContext, type RestRequest, type RestRoute } from "./route.ts";

interface Mapping {
  readonly path: string;
  readonly key: string;
  readonly records: "ipAcls" | "credentialLists";
  readonly field: "ipAclSids" | "credentialListSids";
  readonly parameter: string;
  readonly prefix: "AL" | "CL";
  /** The older generation shows where it is. */
  readonly older: boolean;
}

const ACLS = {
  records: "ipAcls",
  field: "ipAclSids",
  parameter: "IpAccessControlListSid",
  prefix: "AL",
} as const;
const CREDENTIALS = {
  records: "credentialLists",
  field: "credentialListSids",
  parameter: "CredentialListSid",
  prefix: "CL",
} as const;

const MAPPINGS: readonly Mapping[] = [
  { ...ACLS, path: "Auth/Calls/IpAccessControlListMappings", key: "contents", older: false },
  { ...CREDENTIALS, path: "Auth/Calls/CredentialListMappings", key: "contents", older: false },
  { ...ACLS, path: "IpAccessControlListMappings", key: "ip_access_control_list_mappings", older: true },
  { ...CREDENTIALS, path: "CredentialListMappings", key: "credential_list_mappings", older: true },
];

export function domainMappingRoutes(ctx: RestContext): RestRoute[] {
  return [...MAPPINGS.flatMap((mapping) => routesOf(ctx, mapping)), ...registrationRoutes(ctx)];
}

const domainOf = (ctx: RestContext, request: RestRequest): SipDomain =>
  ownedBy(ctx, request, "sipDomains", request.path["domain"]!);

function uriOf(request: RestRequest, domain: SipDomain, path: string): string {
  return `/2010-04-01/Accounts/${request.account.sid}/SIP/Domains/${domain.sid}/${path}`;
}

function routesOf(ctx: RestContext, mapping: Mapping): RestRoute[] {
  const { records, field, parameter, prefix, key } = mapping;
  const path = `${ACCOUNT}/SIP/Domains/:domain/${mapping.path}`;
  const one = `${path}/:list(^[^./]+).json`;
  const show = (request: RestRequest, domain: SipDomain, list: IpAcl | CredentialList): object => ({
    sid: list.sid,
    account_sid: list.accountSid,
    friendly_name: list.friendlyName,
    date_created: rfc2822Date(list.dateCreated),
    date_updated: rfc2822Date(list.dateUpdated),
    ...(mapping.older
      ? { domain_sid: domain.sid, uri: `${uriOf(request, domain, mapping.path)}/${list.sid}.json` }
      : {}),
  });
  const mapped = (request: RestRequest): { domain: SipDomain; list: IpAcl | CredentialList } => {
    const domain = domainOf(ctx, request);
    const list = ownedBy(ctx, request, records, request.path["list"]!);
    if (!domain[field].includes(list.sid)) throw notFound(list.sid);
    return { domain, list };
  };

  return [
    {
      method: "GET",
      path: `${path}.json`,
      handle: (request) => {
        const domain = domainOf(ctx, request);
        const lists = domain[field].flatMap((sid) => ctx.store.get(records, sid) ?? []);
        const page = pageOf<IpAcl | CredentialList>(lists, readPageRequest(request.query));
        const uri = `${uriOf(request, domain, mapping.path)}.json`;
        return ok(uriList(key, uri, page, (list) => show(request, domain, list)));
      },
    },
    {
      method: "POST",
      path: `${path}.json`,
      handle: async (request) => {
        const domain = domainOf(ctx, request);
        request.body.required(parameter);
        const list = namedBy(ctx, request, records, parameter, request.body.sid(parameter, prefix)!);
        if (domain[field].includes(list.sid)) throw conflict(`${list.sid} is mapped to ${domain.sid} already`);
        const put = changed<SipDomain>(ctx, domain, { [field]: [...domain[field], list.sid] });
        await ctx.store.apply([{ kind: "sipDomains", put }]);
        return created(show(request, put, list));
      },
    },
    {
      method: "GET",
      path: one,
      handle: (request) => {
        const { domain, list } = mapped(request);
        return ok(show(request, domain, list));
      },
    },
    {
      method: "DELETE",
      path: one,
      handle: async (request) => {
        const { domain, list } = mapped(request);
        const put = changed<SipDomain>(ctx, domain, { [field]: domain[field].filter((sid) => sid !== list.sid) });
        await ctx.store.apply([{ kind: "sipDomains", put }]);
        return deleted;
      },
    },
  ];
}

function registrationRoutes(ctx: RestContext): RestRoute[] {
  const path = "Auth/Registrations/CredentialListMappings";
  return [
    {
      method: "GET",
      path: `${ACCOUNT}/SIP/Domains/:domain/${path}.json`,
      handle: (request) => {
        const uri = `${uriOf(request, domainOf(ctx, request), path)}.json`;
        const page = pageOf<IpAcl>([], readPageRequest(request.query));
        return ok(uriList("contents", uri, page, () => ({})));
      },
    },
    {
      method: "POST",
      path: `${ACCOUNT}/SIP/Domains/:domain/${path}.json`,
      handle: (request) => {
        domainOf(ctx, request);
        throw badParameter("CredentialListSid", "this gateway is no registrar");
      },
    },
  ];
}
