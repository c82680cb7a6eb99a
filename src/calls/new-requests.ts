/**
 * What happens to a request outside of dialogs before anything is kept for it (SIP-OVL-1 to SIP-OVL-4, requirements 0.1,
 * R-AUTH-15): blocked addresses and unknown hosts get nothing; sources that nobody has vouched for are held to a rate; while
 * the gateway is overloaded, all get 503. An INVITE that is only to be challenged is challenged here, so that a forged one
 * costs one answer and no transaction (hardening R18). Requests in dialogs and repeats never come here.
 */

import type { Flow, SipRequest } from "../sip/message.ts";
import type { Admission } from "../sip/sip-stack.ts";
import { matchingAclEntry } from "../trunking/acl.ts";
import { TokenBuckets } from "../trunking/limits.ts";
import { guardsSources, listedSource } from "../trunking/listed-source.ts";
import { isBySource, type TerminationDomain } from "../trunking/termination.ts";
import { addressed } from "./addressing.ts";
import type { CallContext } from "./call-context.ts";
import type { IncomingCalls } from "./incoming-call.ts";
import type { Overload } from "./overload.ts";

/** Random within these, so that those who were refused together don't come back together (SIP-OVL-1). */
const RETRY_AFTER_SECONDS = { min: 1, max: 10 } as const;

export interface NewRequestRules {
  /** Requests of one stranger at once, and how often one more. */
  readonly strangerBurst: number;
  readonly strangerRefillMs: number;
}

export class NewRequests {
  readonly #ctx: CallContext;
  readonly #incoming: IncomingCalls;
  readonly #overload: Overload;
  readonly #strangers: TokenBuckets;
  readonly counters = { overloaded: 0, strangers: 0, challenged: 0 };

  constructor(ctx: CallContext, incoming: IncomingCalls, overload: Overload, rules: NewRequestRules) {
    this.#ctx = ctx;
    this.#incoming = incoming;
    this.#overload = overload;
    this.#strangers = new TokenBuckets(rules.strangerBurst, rules.strangerRefillMs);
  }

  judge(request: SipRequest, flow: Flow): Admission {
    if (this.#incoming.isBlocked(flow.remoteAddress)) {
      this.#tell(
        request,
        undefined,
        "refused.blocked",
        `${flow.remoteAddress} is blocked for a while: wrong passwords`,
      );
      return "drop";
    }
    const domain = addressed(this.#ctx, request, flow).domain;
    // OPTIONS to the gateway itself are pings of peers that know its address.
    const isPing = request.method === "OPTIONS" && this.#ctx.localEdges.ownsAddress(request.uri.host);
    if (domain === undefined && !isPing) return this.#unknown(request, flow);
    if (!this.#isVouchedFor(domain, flow) && !this.#strangers.take(flow.remoteAddress, this.#ctx.clock.nowMs())) {
      this.counters.strangers++;
      const text = `more requests from ${flow.remoteAddress} than strangers may send: no answer`;
      this.#tell(request, domain, "refused.stranger-rate", text);
      return "drop";
    }
    if (request.method === "INVITE" && this.#ctx.loops.isLoop(request)) {
      this.#tell(request, domain, "refused.loop", "the call was here before: a link leads back to its own trunk", 482);
      return { status: 482 };
    }
    if (this.#isFull(request)) {
      this.counters.overloaded++;
      const reason = this.#overload.reason;
      this.#tell(request, domain, "overload", reason === "" ? "media.maxCalls is reached" : reason, 503);
      return { status: 503, headers: [["Retry-After", String(this.#retryAfterSeconds())]] };
    }
    return this.#challenge(request, flow, domain) ?? "accept";
  }

  /** An address of any list, or one that was let in with a password: a trunk, for which connections are kept (hardening R16). */
  isKnownPeer(address: string): boolean {
    const { store } = this.#ctx;
    if (store.domainBySource(address) !== undefined) return true;
    return this.#incoming.isKnown(address) || matchingAclEntry(store.list("ipAcls"), address) !== undefined;
  }

  #unknown(request: SipRequest, flow: Flow): Admission {
    const { log, settings } = this.#ctx;
    log.debug("request for an unknown domain", {
      method: request.method,
      host: request.uri.host,
      remote: flow.remoteAddress,
    });
    const isDropped = settings.unknownDomain === "drop";
    const text = `no trunk or SIP domain has the name ${JSON.stringify(request.uri.host.slice(0, 100))}`;
    this.#tell(request, undefined, "refused.domain", text, isDropped ? 0 : 404);
    if (isDropped) return "drop";
    return this.#strangers.take(flow.remoteAddress, this.#ctx.clock.nowMs()) ? { status: 404 } : "drop";
  }

  /** For `tandem explain`: there is no call yet, so it is told of under the Call-ID. */
  #tell(
    request: SipRequest,
    domain: TerminationDomain | undefined,
    code: string,
    text: string,
    status = 0,
    realm = "",
  ): void {
    const { trace, settings } = this.#ctx;
    if (domain !== undefined) trace.assign(request.callId, domain.record.accountSid);
    const fields = {
      code,
      status,
      realm,
      outcome: status === 0 ? "drop" : "reject",
      host: request.uri.host.slice(0, 253),
      base: settings.baseDomain,
      domain: domain?.record.friendlyName ?? "",
    };
    trace.note(request.callId, { step: "admission", text, fields });
  }

  /** In a list of the domain, or let in with a password within the last hour. */
  #isVouchedFor(domain: TerminationDomain | undefined, flow: Flow): boolean {
    if (this.#incoming.isKnown(flow.remoteAddress)) return true;
    return domain !== undefined && (isBySource(domain) || this.#isListed(domain, flow));
  }

  #isListed({ record }: TerminationDomain, flow: Flow): boolean {
    if (!guardsSources(record)) return false;
    const acls = record.ipAclSids.flatMap((sid) => this.#ctx.store.get("ipAcls", sid) ?? []);
    return listedSource(record, acls, flow) !== undefined;
  }

  #isFull({ method }: SipRequest): boolean {
    if (this.#overload.reason !== "") return true;
    return method === "INVITE" && this.#ctx.calls.liveCount >= this.#ctx.settings.callsMax;
  }

  #retryAfterSeconds(): number {
    const { min, max } = RETRY_AFTER_SECONDS;
    return min + Math.floor(this.#ctx.random() * (max - min + 1));
  }

  /** 407 where the rules of `termination.ts` would come to it anyway: a listed source, and no credentials at all. */
  #challenge(request: SipRequest, flow: Flow, domain: TerminationDomain | undefined): Admission | undefined {
    if (request.method !== "INVITE" || domain === undefined || this.#incoming.isDraining(flow)) return undefined;
    if (domain.record.credentialListSids.length === 0 || request.headers.has("Proxy-Authorization")) return undefined;
    const asksList = guardsSources(domain.record) && !isBySource(domain);
    if (asksList && !this.#isListed(domain, flow)) return undefined;
    this.counters.challenged++;
    const realm = this.#incoming.realmOf(domain);
    this.#tell(
      request,
      domain,
      "challenged",
      `no credentials were sent: asked for those of realm ${realm}`,
      407,
      realm,
    );
    return {
      status: 407,
      headers: this.#ctx.authenticator.challenge(realm, flow.remoteAddress, false),
    };
  }
}
