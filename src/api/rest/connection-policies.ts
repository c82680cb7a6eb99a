/** `/v1/ConnectionPolicies` and their `/Targets` (trunking-rest.md 5.2, 5.3; R-BYOC-10). */

import { newSid } from "../../base/ids.ts";
import type { Change } from "../../store/store.ts";
import { TARGETS_MAX, TARGETS_MAX_CODE } from "../../trunking/origination.ts";
import type { ConnectionPolicy, OriginationTarget } from "../../trunking/records.ts";
import { readOptionsSeconds, showOptionsSeconds } from "./link-options.ts";
import { readSipUri } from "./origination-urls.ts";
import { changed, listOf, newBase, ownedBy } from "./owned.ts";
import { pageOf, readPageRequest } from "./paging.ts";
import { isoDate, metaList, orNull } from "./present.ts";
import { conflict, notFound, RestError } from "./rest-error.ts";
import { created, deleted, ok, type RestContext, type RestRequest, type RestRoute } from "./route.ts";

const POLICIES_MAX = 10_000;
const TOO_MANY_POLICIES = 21253;
const PATH = "/v1/ConnectionPolicies";
const TARGETS = `${PATH}/:policy/Targets`;

export function connectionPolicyRoutes(ctx: RestContext): RestRoute[] {
  const show = ({ base }: RestRequest, policy: ConnectionPolicy): object => {
    const url = `${base}${PATH}/${policy.sid}`;
    return {
      sid: policy.sid,
      account_sid: policy.accountSid,
      friendly_name: orNull(policy.friendlyName),
      date_created: isoDate(policy.dateCreated),
      date_updated: isoDate(policy.dateUpdated),
      url,
      links: { targets: `${url}/Targets` },
    };
  };
  const policyOf = (request: RestRequest): ConnectionPolicy =>
    ownedBy(ctx, request, "connectionPolicies", request.path["policy"]!);

  return [
    {
      method: "GET",
      path: PATH,
      handle: (request) => {
        const page = pageOf(listOf(ctx, request, "connectionPolicies"), readPageRequest(request.query));
        return ok(metaList("connection_policies", `${request.base}${PATH}`, page, (policy) => show(request, policy)));
      },
    },
    {
      method: "POST",
      path: PATH,
      handle: async (request) => {
        if (ctx.store.countOf("connectionPolicies", request.account.sid) >= POLICIES_MAX)
          throw new RestError(400, TOO_MANY_POLICIES, `an account has at most ${POLICIES_MAX} connection policies`);
        const friendlyName = request.body.text("FriendlyName", 255) ?? "";
        const policy = { ...newBase(ctx, request, newSid("NY")), friendlyName };
        await ctx.store.apply([{ kind: "connectionPolicies", put: policy }]);
        return created(show(request, policy));
      },
    },
    { method: "GET", path: `${PATH}/:policy`, handle: (request) => ok(show(request, policyOf(request))) },
    {
      method: "POST",
      path: `${PATH}/:policy`,
      handle: async (request) => {
        const policy = changed(ctx, policyOf(request), { friendlyName: request.body.text("FriendlyName", 255) });
        await ctx.store.apply([{ kind: "connectionPolicies", put: policy }]);
        return ok(show(request, policy));
      },
    },
    {
      method: "DELETE",
      path: `${PATH}/:policy`,
      handle: async (request) => {
        const { sid } = policyOf(request);
        const [use] = ctx.store.usesOf(sid);
        if (use !== undefined) throw conflict(`${sid} is still the policy of ${use.record.sid}`);
        const changes: Change[] = [{ kind: "connectionPolicies", remove: sid }];
        for (const target of ctx.store.policyTargets(sid))
          changes.push({ kind: "connectionPolicyTargets", remove: target.sid });
        await ctx.store.apply(changes);
        return deleted;
      },
    },
    ...targetRoutes(ctx, policyOf),
  ];
}

function targetRoutes(ctx: RestContext, policyOf: (request: RestRequest) => ConnectionPolicy): RestRoute[] {
  const show = ({ base }: RestRequest, target: OriginationTarget): object => ({
    sid: target.sid,
    account_sid: target.accountSid,
    connection_policy_sid: target.parentSid,
    friendly_name: orNull(target.friendlyName),
    target: target.sipUrl,
    priority: target.priority,
    weight: target.weight,
    enabled: target.enabled,
    ...showOptionsSeconds(target),
    date_created: isoDate(target.dateCreated),
    date_updated: isoDate(target.dateUpdated),
    url: `${base}${PATH}/${target.parentSid}/Targets/${target.sid}`,
  });
  const read = (request: RestRequest) => ({
    sipUrl: readSipUri(ctx, request, "Target"),
    friendlyName: request.body.text("FriendlyName", 255),
    priority: request.body.integer("Priority", 0, 65_535),
    weight: request.body.integer("Weight", 1, 65_535),
    enabled: request.body.flag("Enabled"),
    optionsSeconds: readOptionsSeconds(request.body),
  });
  const targetOf = (request: RestRequest): OriginationTarget => {
    const policy = policyOf(request);
    const target = ownedBy(ctx, request, "connectionPolicyTargets", request.path["target"]!);
    if (target.parentSid !== policy.sid) throw notFound(target.sid);
    return target;
  };

  return [
    {
      method: "GET",
      path: TARGETS,
      handle: (request) => {
        const { sid } = policyOf(request);
        const page = pageOf(ctx.store.policyTargets(sid), readPageRequest(request.query));
        return ok(
          metaList("targets", `${request.base}${PATH}/${sid}/Targets`, page, (target) => show(request, target)),
        );
      },
    },
    {
      method: "POST",
      path: TARGETS,
      handle: async (request) => {
        const policy = policyOf(request);
        request.body.required("Target");
        const given = read(request);
        if (ctx.store.policyTargets(policy.sid).length >= TARGETS_MAX)
          throw new RestError(
            400,
            TARGETS_MAX_CODE["connection-policy"],
            `a connection policy has at most ${TARGETS_MAX} targets`,
          );
        const base = newBase(ctx, request, newSid("NE"));
        const { sipUrl, friendlyName = "", priority = 10, weight = 10, enabled = true, optionsSeconds = null } = given;
        const target: OriginationTarget = {
          ...base,
          parentSid: policy.sid,
          sipUrl: sipUrl!,
          friendlyName,
          priority,
          weight,
          enabled,
          optionsSeconds,
        };
        await ctx.store.apply([{ kind: "connectionPolicyTargets", put: target }]);
        return created(show(request, target));
      },
    },
    { method: "GET", path: `${TARGETS}/:target`, handle: (request) => ok(show(request, targetOf(request))) },
    {
      method: "POST",
      path: `${TARGETS}/:target`,
      handle: async (request) => {
        const target = changed(ctx, targetOf(request), read(request));
        await ctx.store.apply([{ kind: "connectionPolicyTargets", put: target }]);
        return ok(show(request, target));
      },
    },
    {
      method: "DELETE",
      path: `${TARGETS}/:target`,
      handle: async (request) => {
        await ctx.store.apply([{ kind: "connectionPolicyTargets", remove: targetOf(request).sid }]);
        return deleted;
      },
    },
  ];
}
