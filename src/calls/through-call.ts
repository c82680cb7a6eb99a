/** A call that passes through: the inbound leg joined with the first target that answers. Shared by both trunk directions. */

import type { AnswerOptions } from "../sip/user-agent.ts";
import type { AlertDetails } from "./alert-log.ts";
import { BridgedCall, type BridgedOutcome } from "./bridged-call.ts";
import { Call, type CallDirection, listenerFaults } from "./call.ts";
import type { CallContext } from "./call-context.ts";
import type { Route } from "./carrier-link.ts";
import type { InboundLeg } from "./inbound-leg.ts";
import type { OutboundTarget } from "./outbound-leg.ts";
import { reasonHeader } from "./passed-reason.ts";
import { plannedTargets, redirectRule } from "./plan-targets.ts";

export interface ThroughOptions {
  readonly direction: CallDirection;
  readonly dialled: string;
  readonly callerNumber: string;
  readonly trunkSid: string;
  /** The trunk whose customer the caller, or the called side, is (R-XFER-1). */
  readonly callerTrunkSid: string | undefined;
  readonly calleeTrunkSid: string | undefined;
  /** A 302 of a target may be followed (R-REDIR-1). */
  readonly mayRedirect: boolean;
}

/** Hunts over a route and bridges; resolves when the call is over or nobody answered. */
export async function callThrough(
  ctx: CallContext,
  inbound: InboundLeg,
  route: Route,
  options: ThroughOptions,
): Promise<BridgedOutcome> {
  const call = new Call(
    {
      accountSid: inbound.call.details.accountSid,
      direction: options.direction,
      from: options.callerNumber,
      to: options.dialled,
      parentSid: inbound.call.sid,
      trunkSid: options.trunkSid,
      edge: ctx.localEdges.ofCall(inbound.call).name,
    },
    ctx.clock,
    listenerFaults(ctx.log),
  );
  ctx.calls.add(call);
  inbound.call.note("routed", `to ${route.name}`, {
    code: "route.through",
    childCallSid: call.sid,
    route: route.name,
  });
  const raise = (target: OutboundTarget, alert: Pick<AlertDetails, "code" | "level" | "text" | "sipStatus">): void => {
    ctx.alerts.raise({
      ...alert,
      accountSid: call.details.accountSid,
      callSid: inbound.call.sid,
      remote: target.label,
    });
  };
  const bridged = new BridgedCall(ctx, inbound, call, {
    targets: plannedTargets(ctx, route.records, route.plan, (text) =>
      call.note("routed", text, { code: "route.left-out" }),
    ),
    ringLimitMs: ctx.settings.ringLimitMs,
    caller: { number: shownNumber(route, options.callerNumber), trunkSid: options.callerTrunkSid },
    callee: { number: options.dialled, trunkSid: options.calleeTrunkSid },
    ...(options.mayRedirect ? { redirect: redirectRule(ctx, route.plan) } : {}),
    onAttemptFailed: (target, failure) =>
      raise(target, {
        code: 32011,
        level: "warning",
        text: `${target.label} did not take the call: ${failure.text}`,
        sipStatus: failure.status,
      }),
    onRedirectRefused: (target, text) =>
      raise(target, { code: 32219, text: `redirect refused: ${text}`, sipStatus: 302 }),
  });
  return await bridged.run();
}

function shownNumber({ plan }: Route, callerNumber: string): string | undefined {
  return plan.hidden || callerNumber === "anonymous" ? undefined : callerNumber;
}

/** What the caller is answered when nobody took the call, with the reason that the far side gave (SIP-INV-4). */
export function refusalOf(outcome: Extract<BridgedOutcome, { kind: "refused" | "exhausted" }>): {
  readonly status: number;
  readonly options: AnswerOptions;
} {
  const far = outcome.kind === "refused" ? outcome.status : outcome.lastStatus;
  return { status: mappedStatus(far), options: { headers: reasonHeader(outcome.response) } };
}

/** The status of the far side in the eyes of the caller. */
function mappedStatus(status: number): number {
  if (status === 401 || status === 407) return 403;
  // 503 would make the customer take the gateway itself out of use.
  if (status === 503) return 500;
  // No answer at all.
  if (status === 0) return 408;
  // 487 answers a CANCEL, and the caller has sent none.
  return status < 400 || status === 487 ? 480 : status;
}
