/** `…/LocalizedUris` of a trunk and of a SIP domain: all its host names and the addresses behind each (R-EDGE-3); an extension. */

import type { LocalizedUri } from "../../trunking/localized-uris.ts";
import { ownedBy } from "./owned.ts";
import { notFound } from "./rest-error.ts";
import { ACCOUNT, ok, type RestContext, type RestReply, type RestRoute } from "./route.ts";

export function localizedUriRoutes(ctx: RestContext): RestRoute[] {
  return [
    {
      method: "GET",
      path: "/v1/Trunks/:trunk/LocalizedUris",
      handle: (request) => {
        const { sid, domainName } = ownedBy(ctx, request, "trunks", request.path["trunk"]!);
        if (domainName === null) throw notFound(`/Trunks/${sid}/LocalizedUris`);
        return shown(ctx.edgeDirectory.localized(domainName, "pstn"));
      },
    },
    {
      method: "GET",
      path: `${ACCOUNT}/SIP/Domains/:domain/LocalizedUris.json`,
      handle: (request) => {
        const { domainName } = ownedBy(ctx, request, "sipDomains", request.path["domain"]!);
        return shown(ctx.edgeDirectory.localized(domainName, "sip"));
      },
    },
  ];
}

function shown(uris: readonly LocalizedUri[]): RestReply {
  return ok({ localized_uris: uris });
}
