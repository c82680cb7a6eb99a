/** `/v1/SourceIpMappings` (trunking-rest.md 5.5; R-NET-6, R-NET-8): which SIP domain the addresses of an IP record call. */

import { StoreError } from "../../base/errors.ts";
import { newSid } from "../../base/ids.ts";
import type { SourceIpMapping } from "../../trunking/records.ts";
import { changed, listOf, namedBy, newBase, ownedBy } from "./owned.ts";
import { pageOf, readPageRequest } from "./paging.ts";
import { isoDate, metaList } from "./present.ts";
import { badParameter } from "./rest-error.ts";
import { created, deleted, ok, type RestContext, type RestRequest, type RestRoute } from "./route.ts";

const PATH = "/v1/SourceIpMappings";

export function sourceIpMappingRoutes(ctx: RestContext): RestRoute[] {
  const show = ({ base }: RestRequest, mapping: SourceIpMapping): object => ({
    sid: mapping.sid,
    ip_record_sid: mapping.ipRecordSid,
    sip_domain_sid: mapping.sipDomainSid,
    date_created: isoDate(mapping.dateCreated),
    date_updated: isoDate(mapping.dateUpdated),
    url: `${base}${PATH}/${mapping.sid}`,
  });
  const mappingOf = (request: RestRequest): SourceIpMapping =>
    ownedBy(ctx, request, "sourceIpMappings", request.path["mapping"]!);
  const domainSid = (request: RestRequest): string => {
    request.body.required("SipDomainSid");
    return namedBy(ctx, request, "sipDomains", "SipDomainSid", request.body.sid("SipDomainSid", "SD")!).sid;
  };

  return [
    {
      method: "GET",
      path: PATH,
      handle: (request) => {
        const page = pageOf(listOf(ctx, request, "sourceIpMappings"), readPageRequest(request.query));
        return ok(metaList("source_ip_mappings", `${request.base}${PATH}`, page, (mapping) => show(request, mapping)));
      },
    },
    {
      method: "POST",
      path: PATH,
      handle: async (request) => {
        request.body.required("IpRecordSid");
        const record = namedBy(ctx, request, "ipRecords", "IpRecordSid", request.body.sid("IpRecordSid", "IL")!);
        const mapping: SourceIpMapping = {
          ...newBase(ctx, request, newSid("IB")),
          ipRecordSid: record.sid,
          sipDomainSid: domainSid(request),
        };
        await apart(() => ctx.store.apply([{ kind: "sourceIpMappings", put: mapping }]));
        return created(show(request, mapping));
      },
    },
    { method: "GET", path: `${PATH}/:mapping`, handle: (request) => ok(show(request, mappingOf(request))) },
    {
      method: "POST",
      path: `${PATH}/:mapping`,
      handle: async (request) => {
        const mapping = changed(ctx, mappingOf(request), { sipDomainSid: domainSid(request) });
        await ctx.store.apply([{ kind: "sourceIpMappings", put: mapping }]);
        return ok(show(request, mapping));
      },
    },
    {
      method: "DELETE",
      path: `${PATH}/:mapping`,
      handle: async (request) => {
        await ctx.store.apply([{ kind: "sourceIpMappings", remove: mappingOf(request).sid }]);
        return deleted;
      },
    },
  ];
}

/** The store refuses ranges that overlap, those of other accounts too: one source never leads to two domains. */
async function apart(write: () => Promise<void>): Promise<void> {
  try {
    await write();
  } catch (error) {
    if (!(error instanceof StoreError) || error.code !== "STORE_CONFLICT") throw error;
    throw badParameter("IpRecordSid", "its addresses overlap with those of another mapping");
  }
}
