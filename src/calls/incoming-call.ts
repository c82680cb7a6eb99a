/**
 * An INVITE that makes a new call: which domain it names, whether it may come in, and which kind of call it is. The order of
 * checks and their answers are the rules of `trunking/termination.ts`; what is decided is written into the call's story.
 */

import { messageOf, SdpError, SipParseError } from "../base/errors.ts";
import type { WorkerHandle } from "../scheduler/worker-handle.ts";
import { SdpRefusal } from "../sdp/refusal.ts";
import { readCallerIdentity } from "../sip/identity.ts";
import type { Flow } from "../sip/message.ts";
import { NO_PARAMS } from "../sip/params.ts";
import { type Replaces, readReplaces } from "../sip/replaces.ts";
import { formatUri } from "../sip/uri.ts";
import type { IncomingInvite } from "../sip/user-agent.ts";
import type { Store } from "../store/store.ts";
import { TRUNKING_ALERTS } from "../trunking/alerts.ts";
import { domainNameOf } from "../trunking/domains.ts";
import { AuthFailures, KnownSources } from "../trunking/limits.ts";
import { isE164 } from "../trunking/numbers.ts";
import type { InfoDigits, SipDomain, Trunk } from "../trunking/records.ts";
import {
  judgeTermination,
  type TerminationAccepted,
  type TerminationCheck,
  type TerminationDomain,
  type TerminationRefused,
} from "../trunking/termination.ts";
import { addressed } from "./addressing.ts";
import { admissionNotes, type Note } from "./admission-notes.ts";
import type { AdmittedInvite } from "./admitted-invite.ts";
import { anchor, noteOtherEdge } from "./anchor.ts";
import { rejection } from "./answer-reoffer.ts";
import { Call, type CallDetails, listenerFaults } from "./call.ts";
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

/** Who fails one of these may be anybody, under any address (SIP-OVL-4). */
const BEFORE_TRUST: readonly TerminationCheck[] = ["authentication-mapped", "access-control-list", "credentials"];

/** An address that sent a right password is no stranger for so long. */
const KNOWN_MS = 3_600_000;

export class IncomingCalls {
  readonly #ctx: CallContext;
  readonly #failures: AuthFailures;
  readonly #known = new KnownSources(KNOWN_MS);

  constructor(ctx: CallContext, failuresPerMinuteMax: number, blockMs: number) {
    this.#ctx = ctx;
    this.#failures = new AuthFailures(failuresPerMinuteMax, 60_000, blockMs);
  }

  /** Random, so that peers that were refused together don't come back together. */
  retryAfterSeconds(): number {
    return 5 + Math.floor(this.#ctx.random() * 25);
  }

  /** True while requests of this address are dropped (R-AUTH-15). */
  isBlocked(address: string): boolean {
    return this.#failures.isBlocked(address, this.#ctx.clock.nowMs());
  }

  /** True for an address that has sent a right password in the last hour. */
  isKnown(address: string): boolean {
    return this.#known.has(address, this.#ctx.clock.nowMs());
  }

  /** True when no new call is taken at the address that the request came to: of the gateway, or of its edge (R-EDGE-6). */
  isDraining({ localAddress }: Pick<Flow, "localAddress">): boolean {
    return this.#ctx.admission.draining || this.#ctx.localEdges.at(localAddress).draining;
  }

  /** Takes one INVITE; never rejects. */
  async take(invite: IncomingInvite): Promise<void> {
    try {
      await this.#take(invite);
    } catch (error) {
      this.#ctx.log.error("a call failed inside", { error: messageOf(error), callId: invite.request.callId });
      invite.reject(500);
    }
  }

  async #take(invite: IncomingInvite): Promise<void> {
    const { request, flow } = invite;
    if (this.isDraining(flow)) {
      this.#overloaded(invite, "draining");
      return;
    }
    const { domain, user } = addressed(this.#ctx, request, flow);
    const realm = this.realmOf(domain);
    const { store, settings } = this.#ctx;
    const lists = domain?.record.credentialListSids.flatMap((sid) => store.get("credentialLists", sid) ?? []) ?? [];
    const acls = domain?.record.ipAclSids.flatMap((sid) => store.get("ipAcls", sid) ?? []) ?? [];
    let verdict: TerminationAccepted | TerminationRefused;
    let replaces: Replaces | undefined;
    try {
      replaces = readReplaces(request.headers);
      verdict = judgeTermination(
        {
          host: request.uri.host,
          user,
          transport: flow.transport,
          source: flow,
          identity: readCallerIdentity(request),
          takesPlace: replaces !== undefined,
        },
        domain,
        {
          acls,
          shortCodes: settings.shortCodes,
          unknownDomain: settings.unknownDomain,
          isActive: (accountSid) => isActiveAccount(store, accountSid),
          ownsCallerId: (accountSid, number) => store.ownsCallerId(accountSid, number),
          ask: {
            credentials: () => this.#ctx.authenticator.judge(request, realm, flow.remoteAddress, lists),
            limits: (trunk) => this.#ctx.admission.limits(trunk),
          },
        },
      );
    } catch (error) {
      if (!(error instanceof SipParseError)) throw error;
      this.#turnedAway(invite, domain, {
        step: "checked",
        text: error.message,
        fields: { code: "unreadable", status: 400 },
      });
      invite.reject(400, { reason: error.message.slice(0, 100) });
      return;
    }
    if (verdict.outcome === "accept" && verdict.username !== null)
      this.#known.add(flow.remoteAddress, this.#ctx.clock.nowMs());
    const notes = admissionNotes({ request, flow, domain, realm, acls, lists, verdict });
    if (verdict.outcome !== "accept") this.#refused(invite, verdict, domain, realm, notes);
    else if (this.#ctx.calls.liveCount >= settings.callsMax) this.#overloaded(invite, "media.maxCalls is reached");
    else if (replaces !== undefined)
      await this.#replace({ invite, verdict, notes, ...this.#shown(invite, verdict) }, replaces);
    else await this.#route({ invite, verdict, notes, ...this.#shown(invite, verdict) });
  }

  /** Realm of its challenges (R-AUTH-10). */
  realmOf(domain: TerminationDomain | undefined): string {
    const { settings } = this.#ctx;
    if (settings.realm !== undefined || domain === undefined) return settings.realm ?? settings.baseDomain;
    if (domain.kind === "trunk") return domainNameOf(domain.record.domainName ?? "", "pstn", settings.baseDomain);
    return domainNameOf(domain.record.domainName, "sip", settings.baseDomain);
  }

  #refused(
    invite: IncomingInvite,
    verdict: TerminationRefused,
    domain: TerminationDomain | undefined,
    realm: string,
    notes: readonly Note[],
  ): void {
    const { flow } = invite;
    const remote = `${flow.remoteAddress}:${flow.remotePort}`;
    this.#ctx.log.debug("invite refused", { check: verdict.check, status: verdict.status, remote });
    if (verdict.alertCode === null) this.#turnedAway(invite, domain, ...notes);
    if (verdict.outcome === "drop") {
      invite.drop();
      return;
    }
    if (verdict.outcome === "challenge") {
      invite.reject(verdict.status, {
        reason: verdict.reason,
        onlyWhenAsked: true,
        headers: this.#ctx.authenticator.challenge(realm, flow.remoteAddress, verdict.stale),
      });
      return;
    }
    if (verdict.alertCode === 32202) this.#failures.failed(flow.remoteAddress, this.#ctx.clock.nowMs());
    if (verdict.alertCode !== null) {
      const call = this.#refusedCall(invite, domain);
      for (const { step, text, fields } of notes) call.note(step, text, fields);
      call.sipStatus = verdict.status;
      this.#ctx.alerts.raise({
        code: verdict.alertCode,
        text: `${TRUNKING_ALERTS[verdict.alertCode]}: ${verdict.text}`,
        accountSid: domain?.record.accountSid ?? "",
        callSid: call.sid,
        remote,
        sipStatus: verdict.status,
      });
      call.apply("end-failed");
    }
    const retry: [string, string][] = verdict.status === 503 ? [["Retry-After", "1"]] : [];
    const onlyWhenAsked = BEFORE_TRUST.includes(verdict.check);
    invite.reject(verdict.status, { reason: verdict.reason, headers: retry, onlyWhenAsked });
  }

  /** An INVITE that the stack has answered 483: a call that failed, with its alert (requirements 0.1). */
  outOfHops({ request, flow }: Pick<IncomingInvite, "request" | "flow">): void {
    if (request.method !== "INVITE") return;
    const { domain } = addressed(this.#ctx, request, flow);
    const call = this.#refusedCall({ request, flow }, domain);
    const text = "Max-Forwards is 0: the call has come too far, or goes round";
    call.note("checked", text, { code: "refused.hops", status: 483, alert: 32006 });
    call.sipStatus = 483;
    this.#ctx.alerts.raise({
      code: 32006,
      text,
      accountSid: domain?.record.accountSid ?? "",
      callSid: call.sid,
      remote: `${flow.remoteAddress}:${flow.remotePort}`,
      sipStatus: 483,
    });
    call.apply("end-failed");
  }

  /** A refused call is a call: it has a SID, a record and an alert (R-GEN-8). */
  #refusedCall(invite: Pick<IncomingInvite, "request" | "flow">, domain: TerminationDomain | undefined): Call {
    const { from, uri } = invite.request;
    const to = formatUri({ ...uri, params: NO_PARAMS, headers: [] });
    return this.#newCall(invite, domain, formatUri(from.uri), to, "inbound");
  }

  /** An INVITE that gets no call is told of under its Call-ID. */
  #turnedAway(invite: IncomingInvite, domain: TerminationDomain | undefined, ...notes: readonly Note[]): void {
    const { trace } = this.#ctx;
    const { callId } = invite.request;
    if (domain !== undefined) trace.assign(callId, domain.record.accountSid);
    for (const note of notes) trace.note(callId, note);
  }

  #overloaded(invite: IncomingInvite, why: string): void {
    this.#ctx.log.info("call refused: overload", { why });
    const { domain } = addressed(this.#ctx, invite.request, invite.flow);
    this.#turnedAway(invite, domain, { step: "admission", text: why, fields: { code: "overload", status: 503 } });
    invite.reject(503, { headers: [["Retry-After", String(this.retryAfterSeconds())]] });
  }

  /** E.164 numbers on trunks; SIP URIs on SIP domains (twiml.md 4.1). */
  #shown(invite: IncomingInvite, verdict: TerminationAccepted): { from: string; to: string } {
    const { request } = invite;
    if (verdict.domain.kind === "trunk") return { from: verdict.caller.number ?? "anonymous", to: verdict.called };
    return {
      from: formatUri({ ...request.from.uri, params: NO_PARAMS, headers: [] }),
      to: formatUri({ ...request.uri, params: NO_PARAMS, headers: [] }),
    };
  }

  async #route(admitted: AdmittedInvite): Promise<void> {
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
      this.#turnedAway(admitted.invite, domain, ...admitted.notes, {
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
  async #replace(admitted: AdmittedInvite, replaces: Replaces): Promise<void> {
    const { invite, verdict } = admitted;
    const judged = judgeReplaces(this.#ctx, verdict.domain, replaces);
    const call = this.#newCall(invite, verdict.domain, admitted.from, admitted.to, "trunking-terminating");
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

  #newCall(
    invite: Pick<IncomingInvite, "request" | "flow">,
    domain: TerminationDomain | undefined,
    from: string,
    to: string,
    direction: CallDetails["direction"],
    edge = this.#ctx.localEdges.at(invite.flow.localAddress),
  ): Call {
    const { flow, request } = invite;
    const trunkSid = domain?.kind === "trunk" ? domain.record.sid : undefined;
    const byocTrunkSid = domain?.kind === "sip-domain" ? (domain.record.byocTrunkSid ?? undefined) : undefined;
    const call = new Call(
      {
        accountSid: domain?.record.accountSid ?? "",
        direction,
        from,
        to,
        sipCallId: request.callId,
        path: this.#ctx.loops.pathOf(request),
        edge: edge.name,
        remote: `${flow.remoteAddress}:${flow.remotePort}`,
        ...(trunkSid === undefined ? {} : { trunkSid }),
        ...(byocTrunkSid === undefined ? {} : { byocTrunkSid }),
      },
      this.#ctx.clock,
      listenerFaults(this.#ctx.log),
    );
    this.#ctx.calls.add(call);
    return call;
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
    const call = this.#newCall(invite, verdict.domain, admitted.from, admitted.to, direction, anchored.edge);
    for (const { step, text, fields } of admitted.notes) call.note(step, text, fields);
    if ("problem" in anchored) {
      call.note("routed", anchored.problem, { code: "route.edge", status: 503 });
      call.sipStatus = 503;
      invite.reject(503, { headers: [["Retry-After", String(this.retryAfterSeconds())]] });
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

/** An account that is suspended or closed neither makes nor takes calls. */
function isActiveAccount(store: Store, accountSid: string): boolean {
  return (store.get("accounts", accountSid)?.status ?? "active") === "active";
}
