/** What a REFER of a trunk's customer asks for, and whether the trunk permits it (R-XFER-2, R-XFER-11, SIP-REF-1 to SIP-REF-9). */

import { messageOf, SipParseError } from "../../base/errors.ts";
import type { ExtraHeaders, SipRequest } from "../../sip/message.ts";
import { formatNameAddr, parseNameAddr, parseNameAddrList } from "../../sip/name-addr.ts";
import { parseReplaces, type Replaces } from "../../sip/replaces.ts";
import type { SipUri } from "../../sip/uri.ts";
import type { Trunk } from "../../trunking/records.ts";
import { ruleTransfer, type TransferRuling, transferProblem } from "../../trunking/redirect.ts";
import type { CallContext } from "../call-context.ts";
import type { Seat } from "./conversation-table.ts";

export type ReferJudgement =
  | { readonly kind: "refused"; readonly status: number; readonly text: string }
  /** A new call is to be made. */
  | { readonly kind: "call"; readonly to: PermittedTarget; readonly headers: ExtraHeaders }
  /** Attended: the other call of the transferor is one of ours, and the two are joined inside (SIP-REF-6). */
  | { readonly kind: "join"; readonly seat: Seat };

export type PermittedTarget = Extract<TransferRuling, { allowed: true }>;

/**
 * @param trunk - whose customer sent the REFER; undefined for a carrier, which may not
 * @param underWay - another transfer of this call is not over
 */
export function judgeRefer(
  ctx: CallContext,
  trunk: Trunk | undefined,
  request: SipRequest,
  underWay: boolean,
): ReferJudgement {
  if (trunk === undefined) return refused(403, "only the customer's side of a trunk may transfer");
  if (ctx.admission.draining) return refused(503, "the gateway is about to stop and begins no call");
  let referTo: SipUri[];
  let replaces: Replaces | undefined;
  try {
    referTo = request.headers
      .all("Refer-To")
      .flatMap((line) => parseNameAddrList(line, "Refer-To"))
      .map(({ uri }) => uri);
    replaces = replacesOf(referTo[0]);
  } catch (error) {
    if (!(error instanceof SipParseError)) throw error;
    return refused(error.status, messageOf(error));
  }
  const problem = transferProblem({ referTo, underWay }, trunk);
  if (problem !== null) return refused(problem.status, problem.text);
  // Where the other call is known the host of Refer-To is our own Contact: nothing is to be sent anywhere.
  const seat = replaces === undefined ? undefined : ctx.conversations.find(replaces);
  if (seat?.exchange.accountSid === trunk.accountSid && seat.party.trunkSid !== undefined)
    return { kind: "join", seat };
  const ruling = ruleTransfer({ referTo, underWay }, trunk, ctx.divert);
  if (!ruling.allowed) return refused(ruling.status, ruling.text);
  const method = referTo[0]!.params.get("method");
  if (method !== undefined && method.toUpperCase() !== "INVITE")
    return refused(403, "a REFER can ask for an INVITE only");
  const limits = ctx.admission.limits(trunk);
  if (!limits.admitted) return refused(503, `the limit of ${limits.max} ${limits.limit} is reached`);
  return {
    kind: "call",
    to: ruling,
    headers: [
      ...ruling.headers,
      ...referredBy(request),
      ...(replaces === undefined ? [] : replacesHeader(referTo[0]!)),
    ],
  };
}

function refused(status: number, text: string): ReferJudgement {
  return { kind: "refused", status, text };
}

function replacesHeader(uri: SipUri): ExtraHeaders {
  return uri.headers.filter(([name]) => name.toLowerCase() === "replaces").map(([, value]) => ["Replaces", value]);
}

function replacesOf(uri: SipUri | undefined): Replaces | undefined {
  const values = uri?.headers.filter(([name]) => name.toLowerCase() === "replaces") ?? [];
  if (values.length > 1) throw new SipParseError("Refer-To holds two Replaces");
  return values[0] === undefined ? undefined : parseReplaces(values[0][1]);
}

/** RFC 3892 §2.1: handed on as it is understood; one that cannot be read is left out. */
function referredBy(request: SipRequest): ExtraHeaders {
  const line = request.headers.get("Referred-By");
  if (line === undefined) return [];
  try {
    const { displayName, uri } = parseNameAddr(line, "Referred-By");
    return [["Referred-By", formatNameAddr({ displayName, uri, params: new Map() })]];
  } catch {
    return [];
  }
}
