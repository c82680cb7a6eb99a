/** Termination: a customer's PBX calls a number through its trunk, and the call leaves by the trunk's carrier link (R-TERM, R-GEN-6). */

import type { Trunk } from "../trunking/records.ts";
import type { AdmittedInvite } from "./admitted-invite.ts";
import type { CallContext } from "./call-context.ts";
import { endEventOf } from "./call-state.ts";
import { carrierRoute } from "./carrier-link.ts";
import { diversions } from "./identity.ts";
import type { InboundLeg } from "./inbound-leg.ts";
import { callThrough, refusalOf } from "./through-call.ts";
import { partiesOfInvite } from "./voice-parties.ts";
import { VoiceSession } from "./voice-session.ts";

export async function terminateCall(
  ctx: CallContext,
  inbound: InboundLeg,
  admitted: AdmittedInvite,
  trunk: Trunk,
): Promise<void> {
  const { verdict } = admitted;
  const { request } = admitted.invite;
  ctx.recordings.watch(inbound, trunk);
  const link = trunk.carrierLink;
  if (link?.kind === "twiml") {
    await new VoiceSession(
      ctx,
      inbound,
      {
        accountSid: trunk.accountSid,
        source: { url: link.url, method: link.method },
        fallback: undefined,
        extraParameters: [["TrunkSid", trunk.sid]],
      },
      partiesOfInvite(ctx, admitted),
    ).run();
    return;
  }
  const route = carrierRoute(ctx, trunk, {
    edge: ctx.localEdges.ofCall(inbound.call),
    dialled: verdict.called,
    callerNumber: verdict.caller.number ?? "anonymous",
    hidden: verdict.caller.hidden,
    maxForwards: Math.min(70, request.maxForwards - 1),
    diversions: diversions(request),
    // A customer is of no carrier's trust domain (SIP-ID-7).
    came: { headers: request.headers, trusted: false },
  });
  if (route === undefined || route.records.every(({ enabled }) => !enabled)) {
    const text =
      route === undefined
        ? "no carrier link is configured for the trunk, and no BYOC trunk is the default carrier"
        : `${route.name} has no enabled target`;
    ctx.alerts.raise({
      code: 32010,
      text,
      accountSid: trunk.accountSid,
      callSid: inbound.call.sid,
      remote: inbound.call.details.remote ?? "",
      sipStatus: 503,
    });
    inbound.reject(503, { headers: [["Retry-After", "30"]] });
    inbound.call.note("routed", text, {
      code: route === undefined ? "route.none" : "route.no-target",
      status: 503,
      alert: 32010,
    });
    inbound.call.apply("end-failed");
    return;
  }
  const outcome = await callThrough(ctx, inbound, route, {
    direction: "trunking-terminating",
    dialled: verdict.called,
    callerNumber: verdict.caller.number ?? "anonymous",
    trunkSid: trunk.sid,
    callerTrunkSid: trunk.sid,
    calleeTrunkSid: link?.kind === "trunk" ? link.trunkSid : undefined,
    mayRedirect: false,
  });
  if (outcome.kind === "bridged") return;
  if (outcome.kind === "cancelled") {
    // The far leg may have been ended from outside, while the caller still waits.
    inbound.hangup(480);
    inbound.call.apply("end-canceled");
    return;
  }
  const { status, options } = refusalOf(outcome);
  inbound.call.note("answer", `nobody answered: ${outcome.text}`, { code: "hunt.failed", status });
  inbound.reject(status, options);
  inbound.call.apply(endEventOf(status));
}
