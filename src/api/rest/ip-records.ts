/** `/v1/IpRecords` (trunking-rest.md 5.4; R-NET-6, R-NET-7). Only the name of a record can be changed. */

import { isIPv4 } from "node:net";
import { newSid } from "../../base/ids.ts";
import { addressInRange, parseRange } from "../../trunking/acl.ts";
import type { IpRecord } from "../../trunking/records.ts";
import { changed, listOf, newBase, ownedBy } from "./owned.ts";
import { pageOf, readPageRequest } from "./paging.ts";
import { isoDate, metaList, orNull } from "./present.ts";
import { badParameter, conflict } from "./rest-error.ts";
import { created, deleted, ok, type RestContext, type RestRequest, type RestRoute } from "./route.ts";

export function ipRecordRoutes(ctx: RestContext): RestRoute[] {
  const show = ({ base }: RestRequest, record: IpRecord): object => ({
    sid: record.sid,
    account_sid: record.accountSid,
    friendly_name: orNull(record.friendlyName),
    ip_address: record.ipAddress,
    cidr_prefix_length: record.prefixLength,
    date_created: isoDate(record.dateCreated),
    date_updated: isoDate(record.dateUpdated),
    url: `${base}/v1/IpRecords/${record.sid}`,
  });
  const recordOf = (request: RestRequest): IpRecord => ownedBy(ctx, request, "ipRecords", request.path["record"]!);

  return [
    {
      method: "GET",
      path: "/v1/IpRecords",
      handle: (request) => {
        const page = pageOf(listOf(ctx, request, "ipRecords"), readPageRequest(request.query));
        return ok(metaList("ip_records", `${request.base}/v1/IpRecords`, page, (record) => show(request, record)));
      },
    },
    {
      method: "POST",
      path: "/v1/IpRecords",
      handle: async (request) => {
        const ipAddress = request.body.required("IpAddress");
        if (!isIPv4(ipAddress)) throw badParameter("IpAddress", "a whole IPv4 address");
        const record: IpRecord = {
          ...newBase(ctx, request, newSid("IL")),
          friendlyName: request.body.text("FriendlyName", 255) ?? "",
          ipAddress,
          prefixLength: request.body.integer("CidrPrefixLength", 1, 32) ?? 32,
        };
        if (!isInside(record, ctx))
          throw badParameter(
            "IpAddress",
            "it has to lie inside the ranges of an interconnect connection (staticIp.ranges)",
          );
        await ctx.store.apply([{ kind: "ipRecords", put: record }]);
        return created(show(request, record));
      },
    },
    { method: "GET", path: "/v1/IpRecords/:record", handle: (request) => ok(show(request, recordOf(request))) },
    {
      method: "POST",
      path: "/v1/IpRecords/:record",
      handle: async (request) => {
        const record = changed(ctx, recordOf(request), { friendlyName: request.body.text("FriendlyName", 255) });
        await ctx.store.apply([{ kind: "ipRecords", put: record }]);
        return ok(show(request, record));
      },
    },
    {
      method: "DELETE",
      path: "/v1/IpRecords/:record",
      handle: async (request) => {
        const { sid } = recordOf(request);
        const mapping = ctx.store.usesOf(sid)[0];
        if (mapping !== undefined) throw conflict(`${sid} is still mapped by ${mapping.record.sid}`);
        await ctx.store.apply([{ kind: "ipRecords", remove: sid }]);
        return deleted;
      },
    },
  ];
}

/** R-NET-7: the whole range lies in one of an interconnect connection. */
function isInside(record: IpRecord, { staticIp }: RestContext): boolean {
  return (
    staticIp.anywhere ||
    staticIp.ranges.some((text) => {
      const range = parseRange(text);
      return (
        range !== null &&
        record.prefixLength >= range.prefixLength &&
        addressInRange(record.ipAddress, range.ipAddress, range.prefixLength)
      );
    })
  );
}
