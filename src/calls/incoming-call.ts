/**
 * An INVITE that makes a new call: which domain it names, and whether it may come in. The order of checks and their answers
 * are the rules of `trunking/termination.ts`; what is decided is written into the call's story. What comes in is
 * `call-routing.ts`'s.
 */

import { messageOf, SipParseError } from "../base/errors.ts";
import { readCallerIdentity } from "../sip/identity.ts";
import type { Flow } from "../sip/message.ts";
import { NO_PARAMS } from "../sip/params.ts";
import { type Replaces, readReplaces } from "../sip/replaces.ts";
import { formatUri } from "../sip/uri.ts";
import type { IncomingInvite } from "../sip/user-agent.ts";
import { TRUNKING_ALERTS } from "../trunking/alerts.ts";
import { domainNameOf } from "../trunking/domains.ts";
import { AuthFailures, KnownSources } from "../trunking/limits.ts";
import {
  judgeTermination,
  type TerminationAccepted,
  type TerminationCheck,
  type TerminationDomain,
  type TerminationRefused,
} from "../trunking/termination.ts";
import { addressed } from "./addressing.ts";
import { admissionNotes, type Note } from "./admission-notes.ts";
import { beginCall, isActiveAccount, retrySeconds, turnedAway } from "./begin-call.ts";
import type { Call } from "./call.ts";
import type { CallContext } from "./call-context.ts";
import { CallRouting } from "./call-routing.ts";

/** Who fails one of these may be anybody, under any address (SIP-OVL-4). */
const BEFORE_TRUST: readonly TerminationCheck[] = ["authentication-mapped", "access-control-list", "credentials"];

/** An address that sent a right password is no stranger for so long. */
const KNOWN_MS = 3_600_000;

export class IncomingCalls {
  readonly #ctx: CallContext;
  readonly #failures: AuthFailures;
  readonly #known = new KnownSources(KNOWN_MS);
  readonly #routing: CallRouting;

  constructor(ctx: CallContext, failuresPerMinuteMax: number, blockMs: number) {
    this.#ctx = ctx;
    this.#routing = new CallRouting(ctx);
    this.#failures = new AuthFailures(failuresPerMinuteMax, 60_000, blockMs);
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
      turnedAway(this.#ctx, invite, domain, {
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
      await this.#routing.replace({ invite, verdict, notes, ...shown(invite, verdict) }, replaces);
    else await this.#routing.route({ invite, verdict, notes, ...shown(invite, verdict) });
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
    if (verdict.alertCode === null) turnedAway(this.#ctx, invite, domain, ...notes);
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
    return beginCall(this.#ctx, invite, domain, formatUri(from.uri), to, "inbound");
  }

  #overloaded(invite: IncomingInvite, why: string): void {
    this.#ctx.log.info("call refused: overload", { why });
    const { domain } = addressed(this.#ctx, invite.request, invite.flow);
    turnedAway(this.#ctx, invite, domain, { step: "admission", text: why, fields: { code: "overload", status: 503 } });
    invite.reject(503, { headers: [["Retry-After", String(retrySeconds(this.#ctx.random))]] });
  }
}

/** E.164 numbers on trunks; SIP URIs on SIP domains (twiml.md 4.1). */
function shown(invite: IncomingInvite, verdict: TerminationAccepted): { from: string; to: string } {
  const { request } = invite;
  if (verdict.domain.kind === "trunk") return { from: verdict.caller.number ?? "anonymous", to: verdict.called };
  return {
    from: formatUri({ ...request.from.uri, params: NO_PARAMS, headers: [] }),
    to: formatUri({ ...request.uri, params: NO_PARAMS, headers: [] }),
  };
}
