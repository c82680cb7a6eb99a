/**
 * Which trunk or SIP domain a request is for: the one that the host of its Request-URI names; where that is our own address, the
 * one that the request's user, dialog or source stands for (SIP-REG-3, RFC 3891 §3, R-NET-6).
 */

import { SipParseError } from "../base/errors.ts";
import type { Flow, SipRequest } from "../sip/message.ts";
import { readReplaces } from "../sip/replaces.ts";
import { servedHost } from "../trunking/domains.ts";
import type { TerminationDomain } from "../trunking/termination.ts";
import type { CallContext } from "./call-context.ts";

export interface Addressed {
  readonly domain: TerminationDomain | undefined;
  /** Who is called there. */
  readonly user: string | undefined;
}

type Needed = Pick<
  CallContext,
  "store" | "settings" | "edges" | "localEdges" | "registrations" | "conversations" | "staticIpEdges"
>;

/** The trunk or SIP domain that a host names. */
export function domainOfHost({ store, settings, edges }: Needed, host: string): TerminationDomain | undefined {
  const served = servedHost(host, settings.baseDomain, edges);
  if (served === null) return undefined;
  if (served.kind === "pstn") {
    const record = store.trunkByDomain(served.label);
    return record === undefined ? undefined : { kind: "trunk", record };
  }
  const record = store.sipDomainByName(served.label);
  return record === undefined ? undefined : { kind: "sip-domain", record };
}

export function addressed(ctx: Needed, request: SipRequest, flow: Flow): Addressed {
  const { store, registrations } = ctx;
  const named = domainOfHost(ctx, request.uri.host);
  const registered = registrations.domainOfUser(request.uri.user);
  // Where the user says who we are, To says who is called (RFC 3261 §8.1.1.2).
  if (registered !== undefined)
    return { domain: named ?? { kind: "sip-domain", record: registered }, user: request.to.uri.user };
  const { user } = request.uri;
  if (named !== undefined || request.method !== "INVITE") return { domain: named, user };
  const trunkSid = request.headers.has("Replaces") ? trunkOfReplaced(ctx, request) : undefined;
  const record = trunkSid === undefined ? undefined : store.get("trunks", trunkSid);
  return { domain: record === undefined ? bySource(ctx, request, flow) : { kind: "trunk", record }, user };
}

/** Whose customer the party is that an INVITE with Replaces names. */
function trunkOfReplaced({ conversations }: Needed, request: SipRequest): string | undefined {
  try {
    const replaces = readReplaces(request.headers);
    if (replaces === undefined) return undefined;
    return conversations.find(replaces)?.party.trunkSid ?? conversations.findRinging(replaces)?.trunkSid;
  } catch (error) {
    if (error instanceof SipParseError) return undefined;
    throw error;
  }
}

/** R-NET-6: the carrier calls us by our address, and is known by its own. */
function bySource(ctx: Needed, request: SipRequest, flow: Flow): TerminationDomain | undefined {
  const { localEdges, staticIpEdges, store } = ctx;
  if (!localEdges.ownsAddress(request.uri.host)) return undefined;
  // R-NET-9.
  const edge = localEdges.at(flow.localAddress);
  const isOffered = staticIpEdges.length === 0 ? edge === localEdges.default : staticIpEdges.includes(edge.name);
  const record = isOffered ? store.domainBySource(flow.remoteAddress) : undefined;
  return record === undefined ? undefined : { kind: "sip-domain", record, bySource: true };
}
