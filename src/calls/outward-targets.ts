/** A number or a SIP URI that a call of ours goes to, as attempts: of a `<Dial>` noun or of a call created by REST (twiml.md 2.2, 2.3). */

import { sipUri } from "../sip/uri.ts";
import { planInvite } from "../trunking/origination.ts";
import { readTargetUri } from "../trunking/target-uri.ts";
import type { Call } from "./call.ts";
import type { CallContext } from "./call-context.ts";
import { byocRoute } from "./carrier-link.ts";
import type { OutboundTarget } from "./outbound-leg.ts";
import { outboundTarget, plannedTargets } from "./plan-targets.ts";

export type Destination =
  /** Through this BYOC trunk, or null for the default carrier. */
  | { readonly kind: "number"; readonly number: string; readonly byoc: string | null }
  /** Straight to the host of the URI; credentials where it asks for them. */
  | {
      readonly kind: "sip";
      readonly uri: string;
      readonly credentials: { readonly username: string; readonly password: string } | undefined;
    };

export interface OutwardCall {
  readonly accountSid: string;
  /** Told of what is left out. */
  readonly call: Call;
  /** User of From. */
  readonly callerNumber: string;
  /** Absent or "": none is known. */
  readonly callerName?: string;
  readonly maxForwards: number;
}

/** Attempts, or the alert that says why there are none. */
export type OutwardTargets =
  | { readonly targets: Iterable<OutboundTarget> }
  | { readonly alert: { readonly code: number; readonly text: string } };

const NO_ROUTE = 32010;
const BAD_URI = 13243;

export function outwardTargets(ctx: CallContext, destination: Destination, outward: OutwardCall): OutwardTargets {
  return destination.kind === "number" ? ofNumber(ctx, destination, outward) : ofUri(ctx, destination, outward);
}

function ofNumber(
  ctx: CallContext,
  { number, byoc }: Extract<Destination, { kind: "number" }>,
  { accountSid, call, callerNumber, callerName = "", maxForwards }: OutwardCall,
): OutwardTargets {
  const trunk = byoc === null ? ctx.store.defaultCarrier(accountSid) : ctx.store.get("byocTrunks", byoc);
  if (trunk === undefined || trunk.accountSid !== accountSid) {
    const what =
      byoc === null ? "no BYOC trunk is the default carrier" : `BYOC trunk ${byoc.slice(0, 40)} does not exist`;
    return { alert: { code: NO_ROUTE, text: `${number}: ${what}` } };
  }
  const edge = ctx.localEdges.ofCall(call);
  const request = { edge, dialled: number, callerNumber, callerName, hidden: false, maxForwards, diversions: [] };
  const route = byocRoute(ctx, trunk, request);
  if (route.records.every(({ enabled }) => !enabled))
    return { alert: { code: NO_ROUTE, text: `${number}: ${route.name} has no enabled target` } };
  const leftOut = (text: string): void => call.note("routed", text, { code: "route.left-out" });
  return { targets: plannedTargets(ctx, route.records, route.plan, leftOut) };
}

function ofUri(
  ctx: CallContext,
  destination: Extract<Destination, { kind: "sip" }>,
  { accountSid, call, callerNumber, callerName = "", maxForwards }: OutwardCall,
): OutwardTargets {
  const reading = readTargetUri(destination.uri, ctx.edges);
  if ("problem" in reading) return { alert: { code: BAD_URI, text: reading.problem } };
  const { credentials } = destination;
  const plan = {
    edge: ctx.localEdges.ofCall(call),
    call: { dialled: reading.uri.user ?? callerNumber, kind: "byoc", secure: false, diversionHost: null } as const,
    fromUser: callerNumber,
    fromHost: `sip.${ctx.settings.baseDomain}`,
    hidden: false,
    ...(callerName === "" ? {} : { callerName }),
    maxForwards,
    tlsVerify: true,
    ...(credentials === undefined ? {} : { credentials }),
    symmetricRtp: ctx.settings.sourcePolicy === "latch",
    infoDigits: undefined,
  };
  const target = outboundTarget(ctx, destination.uri, planInvite(reading.uri, plan.call), plan);
  const tracing: [string, string][] = [
    ["X-Twilio-AccountSid", accountSid],
    ["X-Twilio-CallSid", call.sid],
  ];
  // Without a user part the URI stays as it was written.
  const uri =
    reading.uri.user === undefined
      ? sipUri(undefined, target.uri.host, target.uri.port, target.uri.params)
      : target.uri;
  return { targets: [{ ...target, uri, headers: [...target.headers, ...tracing] }] };
}
