/** Origination URIs and connection policy targets as attempts: ordered, planned, with From, To and media policy (R-ORIG, R-BYOC). */

import type { NameAddr, SipResponse } from "../sip/message.ts";
import { formatNameAddr, nameAddr, parseNameAddrList } from "../sip/name-addr.ts";
import { sipUri } from "../sip/uri.ts";
import { isE164 } from "../trunking/numbers.ts";
import { type OriginationCall, type PlannedInvite, planInvite } from "../trunking/origination.ts";
import type { InfoDigits, OriginationTarget } from "../trunking/records.ts";
import { planDiverted, ruleRedirect } from "../trunking/redirect.ts";
import { orderTargets } from "../trunking/target-order.ts";
import { readTargetUri } from "../trunking/target-uri.ts";
import type { HeaderList } from "../trunking/uri-parts.ts";
import type { CallContext } from "./call-context.ts";
import type { LocalEdge } from "./local-edges.ts";
import type { MediaPolicy } from "./negotiation.ts";
import type { OutboundTarget } from "./outbound-leg.ts";
import type { RedirectVerdict } from "./target-hunt.ts";

/** What all attempts of one call share. */
export interface AttemptPlan {
  /** Edge of the call: legs leave from there unless their target says otherwise (R-ORIG-10). */
  readonly edge: LocalEdge;
  readonly call: OriginationCall;
  /** User and host of From; an anonymous caller has `hidden`. */
  readonly fromUser: string;
  readonly fromHost: string;
  readonly hidden: boolean;
  /** Display name of the caller (R-CNAM-2); never of one who hides. */
  readonly callerName?: string;
  readonly maxForwards: number;
  readonly tlsVerify: boolean;
  readonly credentials?: { readonly username: string; readonly password: string };
  readonly symmetricRtp: boolean;
  /** Of the trunk that the far end belongs to (DTMF-7). */
  readonly infoDigits: InfoDigits | undefined;
  /** The far end is told who calls, even for a caller who hides (SIP-ID-1, SIP-ID-4); default false. */
  readonly trusted?: boolean;
  /** SIP-ID-11; default false. */
  readonly userPhone?: boolean;
  /** Headers of the caller's side (SIP-ID-10). */
  readonly passed?: HeaderList;
}

/**
 * Targets in the order in which they are to be tried; a URI that cannot be read any more is passed over. Those that do not
 * answer OPTIONS or asked to be left alone are left out (R-KEEP-6, SIP-OVL-3), unless that leaves none: a call that may
 * fail is better than none.
 * @param note - told of what is left out and why
 */
export function* plannedTargets(
  ctx: CallContext,
  records: readonly OriginationTarget[],
  plan: AttemptPlan,
  note: (text: string) => void,
): Generator<OutboundTarget, void, void> {
  const { targetHealth, random } = ctx;
  const isUsable = ({ sid }: OriginationTarget): boolean => targetHealth.isUsable(sid);
  const enabled = records.filter((record) => record.enabled);
  const isNoneUsable = enabled.length > 0 && !enabled.some(isUsable);
  for (const record of enabled) {
    const why = targetHealth.whyNot(record.sid);
    if (why !== "")
      note(`${labelOf(record.sipUrl)} is ${isNoneUsable ? "tried all the same, as all are out" : "left out"}: ${why}`);
  }
  for (const record of orderTargets(enabled, random, isNoneUsable ? () => true : isUsable)) {
    const reading = readTargetUri(record.sipUrl, ctx.edges);
    if ("uri" in reading)
      yield { ...outboundTarget(ctx, record.sipUrl, planInvite(reading.uri, plan.call), plan), sid: record.sid };
  }
}

/** The URI without its headers, for people. */
function labelOf(sipUrl: string): string {
  return sipUrl.split("?")[0]!;
}

/** One planned INVITE as an attempt. */
export function outboundTarget(
  ctx: CallContext,
  label: string,
  planned: PlannedInvite,
  plan: AttemptPlan,
): OutboundTarget {
  const phone = (user: string | undefined): Iterable<[string, string]> =>
    plan.userPhone === true && user !== undefined && isE164(user) ? [["user", "phone"]] : [];
  const { requestUri } = planned;
  const egress = ctx.localEdges.egress(planned.edge, plan.edge);
  return {
    edge: egress.edge,
    ...("problem" in egress ? { unusable: egress.problem } : {}),
    label: labelOf(label),
    uri: { ...requestUri, params: new Map([...requestUri.params, ...phone(requestUri.user)]) },
    nextHop: planned.nextHop,
    from: callerOf(plan, phone),
    to: nameAddr({ ...requestUri, port: undefined, params: new Map(phone(requestUri.user)), headers: [] }),
    plannedHeaders: planned.headers,
    headers: [...planned.headers, ...(plan.passed ?? []), ...identityHeaders(plan, phone)],
    ...(plan.credentials === undefined ? {} : { credentials: plan.credentials }),
    media: mediaPolicy(ctx, egress.edge, planned.security, plan.symmetricRtp, plan.infoDigits),
    tlsVerify: plan.tlsVerify,
    maxForwards: plan.maxForwards,
    ...(plan.hidden || plan.callerName === undefined ? {} : { contactName: plan.callerName }),
  };
}

type Phone = (user: string | undefined) => Iterable<[string, string]>;

/** From: a caller who hides is anonymous to all but trusted far ends (R-CID-5). */
function callerOf({ hidden, trusted, fromUser, fromHost, callerName }: AttemptPlan, phone: Phone): NameAddr {
  if (hidden && trusted !== true) return nameAddr(sipUri("anonymous", "anonymous.invalid"), "Anonymous");
  return nameAddr(sipUri(fromUser, fromHost, undefined, phone(fromUser)), hidden ? "" : callerName);
}

/** P-Asserted-Identity goes to trusted far ends only, and is never the one that came (RFC 3325 §5, SIP-ID-1, SIP-ID-2). */
function identityHeaders({ hidden, trusted, fromUser, fromHost, callerName }: AttemptPlan, phone: Phone): HeaderList {
  const headers: HeaderList = [];
  if (trusted === true && isE164(fromUser)) {
    const uri = sipUri(fromUser, fromHost, undefined, phone(fromUser));
    headers.push(["P-Asserted-Identity", formatNameAddr(nameAddr(uri, hidden ? "" : callerName))]);
  }
  if (hidden) headers.push(["Privacy", "id"]);
  return headers;
}

/** The plan towards somebody else than the far end that it was made for: told no more than a stranger, with no credentials. */
export function planForStranger(plan: AttemptPlan): AttemptPlan {
  const { credentials: _credentials, ...rest } = plan;
  return { ...rest, trusted: false, passed: (plan.passed ?? []).filter(([name]) => !/^p-/i.test(name)) };
}

/** Media rules of a leg. */
export function mediaPolicy(
  ctx: CallContext,
  { media }: LocalEdge,
  security: MediaPolicy["security"],
  symmetricRtp: boolean,
  infoDigits: InfoDigits = "off",
): MediaPolicy {
  const { mediaTimeoutMs, sourcePolicy } = ctx.settings;
  return {
    security,
    infoDigits,
    mediaTimeoutMs,
    sourcePolicy: symmetricRtp ? "latch" : sourcePolicy,
    bindAddress: media.address,
    announceAddress: media.announce,
  };
}

/** What a 302 of one of these targets leads to (R-REDIR). The hunt counts redirections itself. */
export function redirectRule(
  ctx: CallContext,
  plan: AttemptPlan,
): (response: SipResponse, from: OutboundTarget) => RedirectVerdict {
  return (response, from) => {
    const contact = firstContact(response);
    const ruling = ruleRedirect({ contact, followed: 0, toRegisteredEndpoint: false }, ctx.divert);
    if (!ruling.allowed) return { refuse: ruling.text };
    const planned = planDiverted(contact!, {
      headers: from.plannedHeaders ?? [],
      // The edge of the INVITE before, whatever the Contact says (R-REDIR-6).
      edge: from.edge.name,
      security: from.media.security === "required" ? "required" : "none",
      user: plan.call.dialled,
    });
    // Credentials of one target never go to another (SIP-AUTH-7), nor does an asserted identity (RFC 3325 §5).
    return { follow: outboundTarget(ctx, `sip:${planned.requestUri.host}`, planned, planForStranger(plan)) };
  };
}

function firstContact(response: SipResponse) {
  const line = response.headers.get("Contact");
  if (line === undefined) return null;
  try {
    return parseNameAddrList(line, "Contact")[0]?.uri ?? null;
  } catch {
    return null;
  }
}
