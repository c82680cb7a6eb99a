/** `/v1/Trunks/{sid}/Usage` and `/v1/ByocTrunks/{sid}/Usage`: what a trunk was used for since the start (R-GEN-11). Of the gateway's own. */

import type { TrunkUsage } from "../../calls/usage.ts";
import { ownedBy } from "./owned.ts";
import { ok, type RestContext, type RestRequest, type RestRoute } from "./route.ts";

export function usageRoutes(ctx: RestContext): RestRoute[] {
  const show = (request: RestRequest, sid: string): object => usageView(sid, request.account.sid, ctx.usage.of(sid));
  return [
    {
      method: "GET",
      path: "/v1/Trunks/:trunk/Usage",
      handle: (request) => ok(show(request, ownedBy(ctx, request, "trunks", request.path["trunk"]!).sid)),
    },
    {
      method: "GET",
      path: "/v1/ByocTrunks/:trunk/Usage",
      handle: (request) => ok(show(request, ownedBy(ctx, request, "byocTrunks", request.path["trunk"]!).sid)),
    },
  ];
}

function usageView(trunkSid: string, accountSid: string, usage: TrunkUsage | undefined): object {
  return {
    trunk_sid: trunkSid,
    account_sid: accountSid,
    calls: usage?.calls ?? 0,
    answered: usage?.answered ?? 0,
    minutes: Math.ceil((usage?.seconds ?? 0) / 60),
    seconds: usage?.seconds ?? 0,
    lookups: usage?.lookups ?? 0,
    recordings: usage?.recordings ?? 0,
    transfers: usage?.transfers ?? 0,
    disaster_recoveries: usage?.disasterRecoveries ?? 0,
  };
}
