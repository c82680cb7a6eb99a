/** `…/SIP/IpAccessControlLists/{AL}/IpAddresses` (trunking-rest.md 6.4; R-AUTH-7). */

import { isIP } from "node:net";
import { aclEntryProblem } from "../../trunking/acl.ts";
import type { IpAclAddress } from "../../trunking/records.ts";
import { entryRoutes } from "./list-entries.ts";
import { badParameter } from "./rest-error.ts";
import type { RestContext, RestRoute } from "./route.ts";

const ENTRIES_MAX = 100;

export function ipAddressRoutes(ctx: RestContext): RestRoute[] {
  return entryRoutes<"ipAcls", IpAclAddress>(ctx, {
    list: "ipAcls",
    listPath: "IpAccessControlLists",
    listKey: "ip_access_control_list_sid",
    path: "IpAddresses",
    key: "ip_addresses",
    sidPrefix: "IP",
    countMax: ENTRIES_MAX,
    entriesOf: ({ addresses }) => addresses,
    changesOf: (addresses) => ({ addresses }),
    read: ({ body }, _list, _sid, before) => {
      if (before === undefined) for (const name of ["FriendlyName", "IpAddress"]) body.required(name);
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
    },
    show: ({ friendlyName, ipAddress, prefixLength }) => ({
      friendly_name: friendlyName,
      ip_address: ipAddress,
      cidr_prefix_length: prefixLength,
    }),
  });
}
