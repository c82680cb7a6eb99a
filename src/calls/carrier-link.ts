/** Where a call to a number leaves the gateway: a BYOC trunk's connection policy, or another trunk's origination URIs (R-GEN-6, R-BYOC-12). */

import { domainNameOf } from "../trunking/domains.ts";
import { passedHeaders } from "../trunking/passed-headers.ts";
import type { ByocTrunk, LinkOptions, OriginationTarget, Trunk } from "../trunking/records.ts";
import type { CallContext } from "./call-context.ts";
import type { LocalEdge } from "./local-edges.ts";
import type { AttemptPlan } from "./plan-targets.ts";

/** Targets and how to call them. */
export interface Route {
  readonly records: readonly OriginationTarget[];
  readonly plan: AttemptPlan;
  /** For the call's story. */
  readonly name: string;
}

/** What the caller's side gives. */
export interface RouteRequest {
  /** Of the call; `localEdges.default` for one that began here. */
  readonly edge: LocalEdge;
  readonly dialled: string;
  readonly callerNumber: string;
  readonly hidden: boolean;
  /** Absent or "": none is known. */
  readonly callerName?: string;
  readonly maxForwards: number;
  readonly diversions: readonly string[];
  /** Headers of the INVITE that came, and whether its side is trusted; absent for calls that began here. */
  readonly came?: CameWith;
}

export interface CameWith {
  readonly headers: Iterable<readonly [name: string, value: string]>;
  readonly trusted: boolean;
}

/** Through a BYOC trunk; its secure-media switch is that of each target (R-BYOC-16, R-BYOC-17). */
export function byocRoute(ctx: CallContext, trunk: ByocTrunk, request: RouteRequest): Route {
  const { store, settings } = ctx;
  const fromDomain = trunk.fromDomainSid === null ? undefined : store.get("sipDomains", trunk.fromDomainSid);
  const { targetUsername, targetPassword } = trunk;
  return {
    records: trunk.connectionPolicySid === null ? [] : store.policyTargets(trunk.connectionPolicySid),
    name: `BYOC trunk ${trunk.friendlyName}`,
    plan: {
      edge: request.edge,
      call: {
        dialled: request.dialled,
        kind: "byoc",
        secure: false,
        diversionHost: null,
        diversions: request.diversions,
      },
      fromUser: request.callerNumber,
      fromHost:
        fromDomain === undefined
          ? `sip.${settings.baseDomain}`
          : domainNameOf(fromDomain.domainName, "sip", settings.baseDomain),
      hidden: request.hidden,
      maxForwards: request.maxForwards,
      tlsVerify: trunk.tlsVerify,
      ...(targetUsername === null || targetPassword === null
        ? {}
        : { credentials: { username: targetUsername, password: targetPassword } }),
      symmetricRtp: settings.sourcePolicy === "latch",
      infoDigits: trunk.infoDigits,
      ...onward(trunk, request),
    },
  };
}

/** Through the origination URIs of a trunk, with Diversion (R-ORIG-5). */
export function trunkRoute(ctx: CallContext, trunk: Trunk, request: RouteRequest): Route {
  const host = `pstn.${ctx.settings.baseDomain}`;
  return {
    records: ctx.store.originationUrls(trunk.sid),
    name: `trunk ${trunk.friendlyName}`,
    plan: {
      edge: request.edge,
      call: {
        dialled: request.dialled,
        kind: "trunk",
        secure: trunk.secure,
        diversionHost:
          trunk.domainName === null ? host : domainNameOf(trunk.domainName, "pstn", ctx.settings.baseDomain),
        diversions: request.diversions,
      },
      fromUser: request.callerNumber,
      fromHost: host,
      hidden: request.hidden,
      maxForwards: request.maxForwards,
      tlsVerify: trunk.tlsVerify,
      symmetricRtp: trunk.symmetricRtp,
      infoDigits: trunk.infoDigits,
      ...onward(trunk, request),
    },
  };
}

/** Where calls of this trunk to numbers leave; undefined when it has no carrier, or an application instead of one. */
export function carrierRoute(ctx: CallContext, trunk: Trunk, request: RouteRequest): Route | undefined {
  const link = trunk.carrierLink;
  if (link?.kind === "trunk") {
    const other = ctx.store.get("trunks", link.trunkSid);
    return other === undefined ? undefined : trunkRoute(ctx, other, request);
  }
  const byoc =
    link?.kind === "byoc" ? ctx.store.get("byocTrunks", link.byocTrunkSid) : ctx.store.defaultCarrier(trunk.accountSid);
  return byoc === undefined ? undefined : byocRoute(ctx, byoc, request);
}

/** What the far end of this trunk is told of the caller's side. */
function onward(
  trunk: LinkOptions,
  { came, callerName = "" }: RouteRequest,
): Pick<AttemptPlan, "trusted" | "userPhone" | "passed" | "callerName"> {
  const { trusted = false, userPhone = false, passHeaders = [] } = trunk;
  const passed = came === undefined ? [] : passedHeaders(came.headers, passHeaders, trusted && came.trusted);
  return { trusted, userPhone, passed, ...(callerName === "" ? {} : { callerName }) };
}
