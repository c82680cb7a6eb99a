/** Origination URIs and connection policy targets as attempts: ordered, planned, with From, To and media policy (R-ORIG, R-BYOC). */

import type { SipResponse } from "../sip/message.ts";
import { nameAddr, parseNameAddrList } from "../sip/name-addr.ts";
import { sipUri } from "../sip/uri.ts";
import { type OriginationCall, type PlannedInvite, planInvite } from "../trunking/origination.ts";
import type { InfoDigits, OriginationTarget } from "../trunking/records.ts";
import { planDiverted, ruleRedirect } from "../trunking/redirect.ts";
import { orderTargets } from "../trunking/target-order.ts";
import { readTargetUri } from "../trunking/target-uri.ts";
import type { CallContext } from "./call-context.ts";
import type { MediaPolicy } from "./negotiation.ts";
import type { OutboundTarget } from "./outbound-leg.ts";
import type { RedirectVerdict } from "./target-hunt.ts";

/** What all attempts of one call share. */
export interface AttemptPlan {
  readonly call: OriginationCall;
  /** User and host of From; an anonymous caller has `hidden`. */
  readonly fromUser: string;
  readonly fromHost: string;
  readonly hidden: boolean;
  readonly maxForwards: number;
  readonly tlsVerify: boolean;
  readonly credentials?: { readonly username: string; readonly password: string };
  readonly symmetricRtp: boolean;
  /** Of the trunk that the far end belongs to (DTMF-7). */
  readonly infoDigits: InfoDigits | undefined;
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
  const from = plan.hidden
    ? nameAddr(sipUri("anonymous", "anonymous.invalid"), "Anonymous")
    : nameAddr(sipUri(plan.fromUser, plan.fromHost));
  return {
    label: labelOf(label),
    uri: planned.requestUri,
    nextHop: planned.nextHop,
    from,
    to: nameAddr({ ...planned.requestUri, port: undefined, params: new Map(), headers: [] }),
    headers: plan.hidden ? [...planned.headers, ["Privacy", "id"]] : planned.headers,
    ...(plan.credentials === undefined ? {} : { credentials: plan.credentials }),
    media: mediaPolicy(ctx, planned.security, plan.symmetricRtp, plan.infoDigits),
    tlsVerify: plan.tlsVerify,
    maxForwards: plan.maxForwards,
  };
}

/** Media rules of a leg. */
export function mediaPolicy(
  ctx: CallContext,
  security: MediaPolicy["security"],
  symmetricRtp: boolean,
  infoDigits: InfoDigits = "off",
): MediaPolicy {
  const { mediaAddress, mediaAnnounce, mediaTimeoutMs, sourcePolicy } = ctx.settings;
  return {
    security,
    infoDigits,
    mediaTimeoutMs,
    sourcePolicy: symmetricRtp ? "latch" : sourcePolicy,
    bindAddress: mediaAddress,
    ...(mediaAnnounce === undefined ? {} : { announceAddress: mediaAnnounce }),
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
      headers: [...from.headers] as [string, string][],
      edge: null,
      security: from.media.security === "required" ? "required" : "none",
      user: plan.call.dialled,
    });
    // Credentials of one target never go to another (SIP-AUTH-7).
    const { credentials: _credentials, ...rest } = plan;
    return {
      follow: { ...outboundTarget(ctx, `sip:${planned.requestUri.host}`, planned, rest), headers: from.headers },
    };
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
