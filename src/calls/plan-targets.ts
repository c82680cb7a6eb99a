/** Origination URIs and connection policy targets as attempts: ordered, planned, with From, To and media policy (R-ORIG, R-BYOC). */

import type { SipResponse } from "../sip/message.ts";
import { nameAddr, parseNameAddrList } from "../sip/name-addr.ts";
import { sipUri } from "../sip/uri.ts";
import { type OriginationCall, type PlannedInvite, planInvite } from "../trunking/origination.ts";
import type { OriginationTarget } from "../trunking/records.ts";
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
}

/** Targets in the order in which they are to be tried; a URI that cannot be read any more is passed over. */
export function* plannedTargets(
  ctx: CallContext,
  records: readonly OriginationTarget[],
  plan: AttemptPlan,
): Generator<OutboundTarget, void, void> {
  for (const record of orderTargets(records, ctx.random)) {
    const reading = readTargetUri(record.sipUrl, ctx.edges);
    if ("uri" in reading) yield outboundTarget(ctx, record.sipUrl, planInvite(reading.uri, plan.call), plan);
  }
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
    label: label.split("?")[0]!,
    uri: planned.requestUri,
    nextHop: planned.nextHop,
    from,
    to: nameAddr({ ...planned.requestUri, port: undefined, params: new Map(), headers: [] }),
    headers: plan.hidden ? [...planned.headers, ["Privacy", "id"]] : planned.headers,
    ...(plan.credentials === undefined ? {} : { credentials: plan.credentials }),
    media: mediaPolicy(ctx, planned.security, plan.symmetricRtp),
    tlsVerify: plan.tlsVerify,
    maxForwards: plan.maxForwards,
  };
}

/** Media rules of a leg. */
export function mediaPolicy(ctx: CallContext, security: MediaPolicy["security"], symmetricRtp: boolean): MediaPolicy {
  const { mediaAddress, mediaAnnounce, mediaTimeoutMs, sourcePolicy } = ctx.settings;
  return {
    security,
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
    if (!ruling.allowed) {
      ctx.alerts.raise({ code: ruling.alertCode, text: `redirect refused: ${ruling.text}`, sipStatus: 302 });
      return { refuse: ruling.text };
    }
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
