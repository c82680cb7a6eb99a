/** `/v1/Trunks/{TK}/OriginationUrls` (trunking-rest.md 4.2; R-ORIG-1, R-ORIG-12, R-ORIG-13). */

import { newSid } from "../../base/ids.ts";
import { TARGETS_MAX, TARGETS_MAX_CODE } from "../../trunking/origination.ts";
import type { OriginationTarget } from "../../trunking/records.ts";
import { readTargetUri } from "../../trunking/target-uri.ts";
import { readOptionsSeconds, showOptionsSeconds } from "./link-options.ts";
import { changed, newBase, ownedBy } from "./owned.ts";
import { pageOf, readPageRequest } from "./paging.ts";
import { isoDate, metaList } from "./present.ts";
import { badParameter, notFound, RestError } from "./rest-error.ts";
import { created, deleted, ok, type RestContext, type RestRequest, type RestRoute } from "./route.ts";

const URI_LENGTH_MAX = 2048;
const REQUIRED = ["Weight", "Priority", "Enabled", "FriendlyName", "SipUrl"] as const;
const PATH = "/v1/Trunks/:trunk/OriginationUrls";

/** @throws RestError 400 with the code of what is wrong */
export function readSipUri(ctx: RestContext, request: RestRequest, name: string): string | undefined {
  const given = request.body.text(name, URI_LENGTH_MAX);
  if (given === undefined) return undefined;
  // The odd form of the published examples.
  const uri = given.replace(/^(sips?):\/\//i, "$1:");
  const reading = readTargetUri(uri, ctx.edges);
  if ("problem" in reading) throw badParameter(name, reading.problem, reading.restCode);
  return uri;
}

export function originationUrlRoutes(ctx: RestContext): RestRoute[] {
  const show = ({ base }: RestRequest, target: OriginationTarget): object => ({
    sid: target.sid,
    account_sid: target.accountSid,
    trunk_sid: target.parentSid,
    weight: target.weight,
    priority: target.priority,
    enabled: target.enabled,
    friendly_name: target.friendlyName,
    sip_url: target.sipUrl,
    ...showOptionsSeconds(target),
    date_created: isoDate(target.dateCreated),
    date_updated: isoDate(target.dateUpdated),
    url: `${base}/v1/Trunks/${target.parentSid}/OriginationUrls/${target.sid}`,
  });
  const read = (request: RestRequest) => ({
    weight: request.body.integer("Weight", 0, 65_535),
    priority: request.body.integer("Priority", 0, 65_535),
    enabled: request.body.flag("Enabled"),
    friendlyName: request.body.text("FriendlyName", 64),
    sipUrl: readSipUri(ctx, request, "SipUrl"),
    optionsSeconds: readOptionsSeconds(request.body),
  });
  const trunkOf = (request: RestRequest) => ownedBy(ctx, request, "trunks", request.path["trunk"]!);
  const targetOf = (request: RestRequest): OriginationTarget => {
    const trunk = trunkOf(request);
    const target = ownedBy(ctx, request, "originationUrls", request.path["url"]!);
    if (target.parentSid !== trunk.sid) throw notFound(target.sid);
    return target;
  };

  return [
    {
      method: "GET",
      path: PATH,
      handle: (request) => {
        const { sid } = trunkOf(request);
        const page = pageOf(ctx.store.originationUrls(sid), readPageRequest(request.query));
        const url = `${request.base}/v1/Trunks/${sid}/OriginationUrls`;
        return ok(metaList("origination_urls", url, page, (target) => show(request, target)));
      },
    },
    {
      method: "POST",
      path: PATH,
      handle: async (request) => {
        const trunk = trunkOf(request);
        for (const name of REQUIRED) request.body.required(name);
        const { weight, priority, enabled, friendlyName, sipUrl, optionsSeconds = null } = read(request);
        if (ctx.store.originationUrls(trunk.sid).length >= TARGETS_MAX)
          throw new RestError(400, TARGETS_MAX_CODE.trunk, `a trunk has at most ${TARGETS_MAX} origination URLs`);
        const target: OriginationTarget = {
          ...newBase(ctx, request, newSid("OU")),
          parentSid: trunk.sid,
          weight: weight!,
          priority: priority!,
          enabled: enabled!,
          friendlyName: friendlyName!,
          sipUrl: sipUrl!,
          optionsSeconds,
        };
        await ctx.store.apply([{ kind: "originationUrls", put: target }]);
        return created(show(request, target));
      },
    },
    { method: "GET", path: `${PATH}/:url`, handle: (request) => ok(show(request, targetOf(request))) },
    {
      method: "POST",
      path: `${PATH}/:url`,
      handle: async (request) => {
        const target = changed(ctx, targetOf(request), read(request));
        await ctx.store.apply([{ kind: "originationUrls", put: target }]);
        return ok(show(request, target));
      },
    },
    {
      method: "DELETE",
      path: `${PATH}/:url`,
      handle: async (request) => {
        await ctx.store.apply([{ kind: "originationUrls", remove: targetOf(request).sid }]);
        return deleted;
      },
    },
  ];
}
