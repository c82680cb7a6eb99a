/**
 * An INVITE that may come in, to its end: which kind of call it is (R-TERM, R-ORIG, R-BYOC, Replaces), where it is anchored, and
 * the media leg that it needs.
 */

import { messageOf, SdpError } from "../base/errors.ts";
import type { WorkerHandle } from "../scheduler/worker-handle.ts";
import { SdpRefusal } from "../sdp/refusal.ts";
import type { Replaces } from "../sip/replaces.ts";
import type { IncomingInvite } from "../sip/user-agent.ts";
import { isE164 } from "../trunking/numbers.ts";
import type { InfoDigits, SipDomain, Trunk } from "../trunking/records.ts";
import type { AdmittedInvite } from "./admitted-invite.ts";
import { anchor, noteOtherEdge } from "./anchor.ts";
import { rejection } from "./answer-reoffer.ts";
import { beginCall, isActiveAccount, retrySeconds, turnedAway } from "./begin-call.ts";
import type { Call, CallDetails } from "./call.ts";
import type { CallContext } from "./call-context.ts";
import { InboundLeg } from "./inbound-leg.ts";
import { lookUpCaller } from "./look-up-caller.ts";
import { originateCall } from "./origination-call.ts";
import { mediaPolicy } from "./plan-targets.ts";
import { terminateCall } from "./termination-call.ts";
import { judgeReplaces, takePlace } from "./transfer/take-place.ts";
import { applicationFor, sipSideOf } from "./voice-application.ts";
import { partiesOfInvite } from "./voice-parties.ts";
import { VoiceSession } from "./voice-session.ts";

export class CallRouting {
  readonly #ctx: CallContext;

  constructor(ctx: CallContext) {
    this.#ctx = ctx;
  }

  /** Runs the call until its end. */
  async route(admitted: AdmittedInvite): Promise<void> {
    const { domain } = admitted.verdict;
    if (domain.kind === "trunk") {
      await this.#open(admitted, "trunking-terminating", domain.record, async (leg) =>
        terminateCall(this.#ctx, leg, admitted, domain.record),
      );
      return;
    }
    const { store } = this.#ctx;
    const called = isE164(admitted.verdict.called) ? store.phoneNumber(admitted.verdict.called) : undefined;
    const number = called !== undefined && isActiveAccount(store, called.accountSid) ? called : undefined;
    // A number of ours that the carrier delivers: its trunk takes the call (R-NUM-1, R-NUM-7).
    if (number?.trunkSid != null) {
      const trunk = store.get("trunks", number.trunkSid);
      if (trunk !== undefined) {
        await this.#open(admitted, "trunking-originating", domain.record, (leg) =>
          originateCall(this.#ctx, leg, admitted, trunk),
        );
        return;
      }
    }
    const application = applicationFor(store, domain.record, number);
    const byoc = domain.record.byocTrunkSid === null ? undefined : store.get("byocTrunks", domain.record.byocTrunkSid);
    if (application === undefined) {
      this.#ctx.alerts.raise({
        code: 11100,
        text: `no voice URL for ${admitted.to}: neither the number, nor the BYOC trunk, nor the SIP domain has one`,
        accountSid: domain.record.accountSid,
        remote: `${admitted.invite.flow.remoteAddress}:${admitted.invite.flow.remotePort}`,
        sipStatus: 404,
      });
      turnedAway(this.#ctx, admitted.invite, domain, ...admitted.notes, {
        step: "routed",
        text: `no voice URL for ${admitted.to}: neither the number, nor the BYOC trunk, nor the SIP domain has one`,
        fields: { code: "route.no-voice-url", status: 404, alert: 11100, domain: domain.record.friendlyName },
      });
      admitted.invite.reject(404);
      return;
    }
    await this.#open(admitted, "inbound", domain.record, (leg) => {
      this.#ctx.recordings.watch(leg, undefined);
      return new VoiceSession(this.#ctx, leg, application, {
        ...partiesOfInvite(this.#ctx, admitted, sipSideOf(domain.record)),
        lookUpName: async () => (byoc === undefined ? "" : lookUpCaller(this.#ctx, byoc, admitted.verdict.caller)),
      }).run();
    });
  }

  /** RFC 3891 §3: the new call is joined with the partner of an old one instead of being routed. */
  async replace(admitted: AdmittedInvite, replaces: Replaces): Promise<void> {
    const { invite, verdict } = admitted;
    const judged = judgeReplaces(this.#ctx, verdict.domain, replaces);
    const call = beginCall(this.#ctx, invite, verdict.domain, admitted.from, admitted.to, "trunking-terminating");
    for (const { step, text, fields } of admitted.notes) call.note(step, text, fields);
    if ("status" in judged) {
      const { status, text } = judged;
      call.sipStatus = status;
      call.note("transfer", `Replaces refused with ${status}: ${text}`, { code: "replaces.refused", status });
      invite.reject(status, rejection(text));
    } else {
      try {
        await takePlace(this.#ctx, admitted, call, judged);
      } catch (error) {
        this.#failed(invite, call, error);
      }
    }
    if (!call.ended) call.apply(call.answeredAt === undefined ? "end-failed" : "hung-up");
  }

  /** Takes the media leg and runs the call; a bad offer is refused with its reason before anything rings. */
  async #open(
    admitted: AdmittedInvite,
    direction: CallDetails["direction"],
    record: Trunk | SipDomain,
    run: (leg: InboundLeg) => Promise<void>,
  ): Promise<void> {
    const { invite, verdict } = admitted;
    noteOtherEdge(this.#ctx, invite.request.uri.host, invite.flow);
    const anchored = anchor(this.#ctx, invite.flow, verdict);
    const call = beginCall(this.#ctx, invite, verdict.domain, admitted.from, admitted.to, direction, anchored.edge);
    for (const { step, text, fields } of admitted.notes) call.note(step, text, fields);
    if ("problem" in anchored) {
      call.note("routed", anchored.problem, { code: "route.edge", status: 503 });
      call.sipStatus = 503;
      invite.reject(503, { headers: [["Retry-After", String(retrySeconds(this.#ctx.random))]] });
      call.apply("end-failed");
      return;
    }
    let worker: WorkerHandle | undefined;
    try {
      worker = this.#ctx.scheduler.place(2);
      worker.reserve(2);
      const security = record.secure ? "required" : this.#ctx.settings.srtpOptional ? "optional" : "none";
      const leg = await InboundLeg.open(
        this.#ctx,
        invite,
        call,
        worker,
        mediaPolicy(this.#ctx, anchored.edge, security, record.symmetricRtp, this.#infoDigitsOf(record)),
      );
      await run(leg);
    } catch (error) {
      this.#failed(invite, call, error);
    } finally {
      worker?.release(2);
      if (!call.ended) call.apply(call.answeredAt === undefined ? "end-failed" : "hung-up");
    }
  }

  /** What the far end's trunk says (DTMF-7); a SIP domain is the inbound side of its BYOC trunk. */
  #infoDigitsOf(record: Trunk | SipDomain): InfoDigits | undefined {
    if (!("byocTrunkSid" in record)) return record.infoDigits;
    return record.byocTrunkSid === null
      ? undefined
      : this.#ctx.store.get("byocTrunks", record.byocTrunkSid)?.infoDigits;
  }

  #failed(invite: IncomingInvite, call: Call, error: unknown): void {
    const text = messageOf(error);
    const status = error instanceof SdpError ? error.status : 503;
    call.sipStatus = status;
    const alert = error instanceof SdpRefusal ? error.alertCode : error instanceof SdpError ? 32102 : 12400;
    call.note("media", text, {
      code:
        error instanceof SdpRefusal ? `sdp.${error.reason}` : error instanceof SdpError ? "sdp.unusable" : "media.none",
      status,
      alert,
    });
    this.#ctx.alerts.raise({
      code: alert,
      text,
      accountSid: call.details.accountSid,
      callSid: call.sid,
      remote: call.details.remote ?? "",
      sipStatus: status,
    });
    if (!(error instanceof SdpError))
      this.#ctx.log.error("a call could not be taken", { callSid: call.sid, error: text });
    invite.reject(status, rejection(text));
  }
}
