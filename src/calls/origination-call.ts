/**
 * Origination: a carrier delivers a call to a number of a trunk, and the trunk's origination URIs are tried by priority and
 * weight (R-ORIG); when none takes it, the disaster recovery URL does (R-DR).
 */

import type { Trunk } from "../trunking/records.ts";
import type { TerminationDomain } from "../trunking/termination.ts";
import type { AdmittedInvite } from "./admitted-invite.ts";
import type { BridgedOutcome } from "./bridged-call.ts";
import type { CallContext } from "./call-context.ts";
import { endEventOf } from "./call-state.ts";
import { trunkRoute } from "./carrier-link.ts";
import { diversions } from "./identity.ts";
import type { InboundLeg } from "./inbound-leg.ts";
import { lookUpCaller } from "./look-up-caller.ts";
import { callThrough, refusalOf } from "./through-call.ts";
import { partiesOfInvite } from "./voice-parties.ts";
import { VoiceSession } from "./voice-session.ts";

export async function originateCall(
  ctx: CallContext,
  inbound: InboundLeg,
  admitted: AdmittedInvite,
  trunk: Trunk,
): Promise<void> {
  const { verdict } = admitted;
  const { request } = admitted.invite;
  ctx.recordings.watch(inbound, trunk);
  const callerNumber = verdict.caller.number ?? "anonymous";
  const callerName = await lookUpCaller(ctx, trunk, verdict.caller);
  const route = trunkRoute(ctx, trunk, {
    edge: ctx.localEdges.ofCall(inbound.call),
    dialled: verdict.called,
    callerNumber,
    callerName,
    hidden: verdict.caller.hidden,
    maxForwards: Math.min(70, request.maxForwards - 1),
    diversions: diversions(request),
    came: { headers: request.headers, trusted: isTrusted(ctx, verdict.domain) },
  });
  const outcome: BridgedOutcome = route.records.some(({ enabled }) => enabled)
    ? await callThrough(ctx, inbound, route, {
        direction: "trunking-originating",
        dialled: verdict.called,
        callerNumber,
        trunkSid: trunk.sid,
        callerTrunkSid: undefined,
        calleeTrunkSid: trunk.sid,
        mayRedirect: true,
      })
    : { kind: "exhausted", lastStatus: 480, attempts: 0, text: "the trunk has no enabled origination URI" };
  if (outcome.kind === "bridged") return;
  if (outcome.kind === "cancelled") {
    // The far leg may have been ended from outside, while the caller still waits.
    inbound.hangup(480);
    inbound.call.apply("end-canceled");
    return;
  }
  if (outcome.kind === "exhausted") {
    if (outcome.attempts === 0)
      ctx.alerts.raise({
        code: 32010,
        text: outcome.text,
        accountSid: trunk.accountSid,
        callSid: inbound.call.sid,
        sipStatus: 480,
      });
    if (trunk.disasterRecoveryUrl !== null && !inbound.ended) {
      inbound.call.note("routed", `no origination URI took the call (${outcome.text}): disaster recovery`, {
        code: "route.disaster-recovery",
        lastStatus: outcome.lastStatus,
      });
      ctx.usage.count(trunk, "disasterRecoveries");
      await new VoiceSession(
        ctx,
        inbound,
        {
          accountSid: trunk.accountSid,
          source: { url: trunk.disasterRecoveryUrl, method: trunk.disasterRecoveryMethod },
          fallback: undefined,
          extraParameters: [
            ["TrunkSid", trunk.sid],
            ["LastSipResponseCode", String(outcome.lastStatus)],
          ],
        },
        // A trunk's calls are between numbers (twiml.md 4.1).
        {
          ...partiesOfInvite(ctx, admitted),
          from: callerNumber,
          to: verdict.called,
          lookUpName: async () => callerName,
        },
      ).run();
      return;
    }
  }
  const { status, options } =
    outcome.kind === "exhausted" && outcome.attempts === 0 ? { status: 480, options: {} } : refusalOf(outcome);
  inbound.call.note("answer", `nobody answered: ${outcome.text}`, {
    code: outcome.kind === "exhausted" && outcome.attempts === 0 ? "route.no-target" : "hunt.failed",
    status,
  });
  inbound.reject(status, options);
  inbound.call.apply(endEventOf(status));
}

/** A SIP domain is the inbound side of its BYOC trunk. */
function isTrusted({ store }: CallContext, domain: TerminationDomain): boolean {
  if (domain.kind === "trunk") return domain.record.trusted === true;
  const { byocTrunkSid } = domain.record;
  return byocTrunkSid !== null && store.get("byocTrunks", byocTrunkSid)?.trusted === true;
}
