/** `…/SIP/IpAccessControlLists/{AL}/IpAddresses` (trunking-rest.md 6.4; R-AUTH-7). */

import { isIP } from "node:net";
import { newSid } from "../../base/ids.ts";
import { aclEntryProblem } from "../../trunking/acl.ts";
import type { IpAcl, IpAclAddress } from "../../trunking/records.ts";
import { changed, ownedBy } from "./owned.ts";
import { pageOf, readPageRequest } from "./paging.ts";
import { rfc2822Date, uriList } from "./present.ts";
import { badParameter, notFound, RestError } from "./rest-error.ts";
import { ACCOUNT, created, deleted, ok, type RestContext, type RestRequest, type RestRoute } from "./route.ts";

const ENTRIES_MAX = 100;
const PATH = `${ACCOUNT}/SIP/IpAccessControlLists/:list/IpAddresses`;

export function ipAddressRoutes(ctx: RestContext): RestRoute[] {
  const uriOf = (request: RestRequest, acl: IpAcl): string =>
    `/2010-04-01/Accounts/${request.account.sid}/SIP/IpAccessControlLists/${acl.sid}/IpAddresses`;
  const show = (request: RestRequest, acl: IpAcl, entry: IpAclAddress): object => ({
    sid: entry.sid,
    account_sid: acl.accountSid,
    friendly_name: entry.friendlyName,
    ip_access_control_list_sid: acl.sid,
    ip_address: entry.ipAddress,
    cidr_prefix_length: entry.prefixLength,
    date_created: rfc2822Date(entry.dateCreated ?? acl.dateCreated),
    date_updated: rfc2822Date(entry.dateUpdated ?? acl.dateUpdated),
    uri: `${uriOf(request, acl)}/${entry.sid}.json`,
  });
  const aclOf = (request: RestRequest): IpAcl => ownedBy(ctx, request, "ipAcls", request.path["list"]!);
  const entryOf = (request: RestRequest): { acl: IpAcl; entry: IpAclAddress } => {
    const acl = aclOf(request);
    const entry = acl.addresses.find(({ sid }) => sid === request.path["address"]);
    if (entry === undefined) throw notFound((request.path["address"] ?? "").slice(0, 40));
    return { acl, entry };
  };
  const read = ({ body }: RestRequest, before: IpAclAddress | undefined) => {
    const ipAddress = body.text("IpAddress", 64) ?? before?.ipAddress ?? "";
    const widest = isIP(ipAddress) === 6 ? 128 : 32;
    const prefixLength = body.integer("CidrPrefixLength", 1, 128) ?? before?.prefixLength ?? widest;
    const problem = aclEntryProblem(ipAddress, prefixLength);
    if (problem !== null)
      throw badParameter(
        body.has("CidrPrefixLength") && isIP(ipAddress) !== 0 ? "CidrPrefixLength" : "IpAddress",
        problem,
      );
    return { friendlyName: body.text("FriendlyName", 255) ?? before?.friendlyName ?? "", ipAddress, prefixLength };
  };
  const store = async (acl: IpAcl, addresses: readonly IpAclAddress[]): Promise<IpAcl> => {
    const put = changed<IpAcl>(ctx, acl, { addresses });
    await ctx.store.apply([{ kind: "ipAcls", put }]);
    return put;
  };
  const now = (): string => ctx.clock.wallTime().toISOString();

  return [
    {
      method: "GET",
      path: `${PATH}.json`,
      handle: (request) => {
        const acl = aclOf(request);
        const rows = acl.addresses.map((entry) => ({ ...entry, dateCreated: entry.dateCreated ?? acl.dateCreated }));
        const page = pageOf(rows, readPageRequest(request.query));
        return ok(uriList("ip_addresses", `${uriOf(request, acl)}.json`, page, (entry) => show(request, acl, entry)));
      },
    },
    {
      method: "POST",
      path: `${PATH}.json`,
      handle: async (request) => {
        const acl = aclOf(request);
        for (const name of ["FriendlyName", "IpAddress"]) request.body.required(name);
        if (acl.addresses.length >= ENTRIES_MAX)
          throw new RestError(400, 20001, `a list has at most ${ENTRIES_MAX} addresses`);
        const date = now();
        const entry = { sid: newSid("IP"), ...read(request, undefined), dateCreated: date, dateUpdated: date };
        return created(show(request, await store(acl, [...acl.addresses, entry]), entry));
      },
    },
    {
      method: "GET",
      path: `${PATH}/:address(^[^./]+).json`,
      handle: (request) => {
        const { acl, entry } = entryOf(request);
        return ok(show(request, acl, entry));
      },
    },
    {
      method: "POST",
      path: `${PATH}/:address(^[^./]+).json`,
      handle: async (request) => {
        const { acl, entry } = entryOf(request);
        const put = { ...entry, ...read(request, entry), dateUpdated: now() };
        const stored = await store(
          acl,
          acl.addresses.map((one) => (one.sid === put.sid ? put : one)),
        );
        return ok(show(request, stored, put));
      },
    },
    {
      method: "DELETE",
      path: `${PATH}/:address(^[^./]+).json`,
      handle: async (request) => {
        const { acl, entry } = entryOf(request);
        await store(
          acl,
          acl.addresses.filter(({ sid }) => sid !== entry.sid),
        );
        return deleted;
      },
    },
  ];
}
