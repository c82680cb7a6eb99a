/** `/v1/ByocTrunks` (trunking-rest.md 5.1; R-BYOC-1). */

import { newSid } from "../../base/ids.ts";
import type { ByocTrunk } from "../../trunking/records.ts";
import { readLinkOptions, showLinkOptions } from "./link-options.ts";
import { changed, listOf, namedBy, newBase, ownedBy } from "./owned.ts";
import { pageOf, readPageRequest } from "./paging.ts";
import { isoDate, metaList, orNull } from "./present.ts";
import { conflict } from "./rest-error.ts";
import { created, deleted, ok, type RestContext, type RestRequest, type RestRoute } from "./route.ts";

export function byocTrunkRoutes(ctx: RestContext): RestRoute[] {
  const show = ({ base }: RestRequest, trunk: ByocTrunk): object => ({
    sid: trunk.sid,
    account_sid: trunk.accountSid,
    friendly_name: orNull(trunk.friendlyName),
    voice_url: trunk.voiceUrl,
    voice_method: trunk.voiceMethod,
    voice_fallback_url: trunk.voiceFallbackUrl,
    voice_fallback_method: trunk.voiceFallbackMethod,
    status_callback_url: trunk.statusCallbackUrl,
    status_callback_method: trunk.statusCallbackMethod,
    cnam_lookup_enabled: trunk.cnamLookup,
    connection_policy_sid: trunk.connectionPolicySid,
    from_domain_sid: trunk.fromDomainSid,
    ...showLinkOptions(trunk),
    date_created: isoDate(trunk.dateCreated),
    date_updated: isoDate(trunk.dateUpdated),
    url: `${base}/v1/ByocTrunks/${trunk.sid}`,
  });
  const read = (request: RestRequest) => {
    const { body } = request;
    const connectionPolicySid = body.sid("ConnectionPolicySid", "NY");
    const fromDomainSid = body.sid("FromDomainSid", "SD");
    if (connectionPolicySid) namedBy(ctx, request, "connectionPolicies", "ConnectionPolicySid", connectionPolicySid);
    if (fromDomainSid) namedBy(ctx, request, "sipDomains", "FromDomainSid", fromDomainSid);
    return {
      friendlyName: body.text("FriendlyName", 255),
      voiceUrl: body.url("VoiceUrl"),
      voiceMethod: body.method("VoiceMethod"),
      voiceFallbackUrl: body.url("VoiceFallbackUrl"),
      voiceFallbackMethod: body.method("VoiceFallbackMethod"),
      statusCallbackUrl: body.url("StatusCallbackUrl"),
      statusCallbackMethod: body.method("StatusCallbackMethod"),
      cnamLookup: body.flag("CnamLookupEnabled"),
      connectionPolicySid,
      fromDomainSid,
      ...readLinkOptions(body),
    };
  };
  const trunkOf = (request: RestRequest): ByocTrunk => ownedBy(ctx, request, "byocTrunks", request.path["trunk"]!);

  return [
    {
      method: "GET",
      path: "/v1/ByocTrunks",
      handle: (request) => {
        const page = pageOf(listOf(ctx, request, "byocTrunks"), readPageRequest(request.query));
        return ok(metaList("byoc_trunks", `${request.base}/v1/ByocTrunks`, page, (trunk) => show(request, trunk)));
      },
    },
    {
      method: "POST",
      path: "/v1/ByocTrunks",
      handle: async (request) => {
        const fresh: ByocTrunk = {
          ...newBase(ctx, request, newSid("BY")),
          friendlyName: "",
          voiceUrl: null,
          voiceMethod: "POST",
          voiceFallbackUrl: null,
          voiceFallbackMethod: "POST",
          statusCallbackUrl: null,
          statusCallbackMethod: "POST",
          cnamLookup: false,
          connectionPolicySid: null,
          fromDomainSid: null,
          defaultCarrier: false,
          targetUsername: null,
          targetPassword: null,
          tlsVerify: true,
        };
        const trunk = changed(ctx, fresh, read(request));
        await ctx.store.apply([{ kind: "byocTrunks", put: trunk }]);
        return created(show(request, trunk));
      },
    },
    { method: "GET", path: "/v1/ByocTrunks/:trunk", handle: (request) => ok(show(request, trunkOf(request))) },
    {
      method: "POST",
      path: "/v1/ByocTrunks/:trunk",
      handle: async (request) => {
        const trunk = changed(ctx, trunkOf(request), read(request));
        await ctx.store.apply([{ kind: "byocTrunks", put: trunk }]);
        return ok(show(request, trunk));
      },
    },
    {
      method: "DELETE",
      path: "/v1/ByocTrunks/:trunk",
      handle: async (request) => {
        const { sid } = trunkOf(request);
        const [use] = ctx.store.usesOf(sid);
        if (use !== undefined)
          throw conflict(
            `${sid} is still the ${use.kind === "trunks" ? "carrier link" : "BYOC trunk"} of ${use.record.sid}`,
          );
        await ctx.store.apply([{ kind: "byocTrunks", remove: sid }]);
        return deleted;
      },
    },
  ];
}
