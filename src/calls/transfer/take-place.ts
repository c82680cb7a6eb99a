/**
 * An INVITE with Replaces (RFC 3891 §3, SIP-REF-7): the caller takes the place of a party of a call that is up. Who may, is decided like
 * a transfer: the same account, on a trunk that permits transfers.
 */

import type { Replaces } from "../../sip/replaces.ts";
import type { Trunk } from "../../trunking/records.ts";
import type { TerminationDomain } from "../../trunking/termination.ts";
import type { AdmittedInvite } from "../admitted-invite.ts";
import type { Call } from "../call.ts";
import type { CallContext } from "../call-context.ts";
import { InboundLeg } from "../inbound-leg.ts";
import { mediaPolicy } from "../plan-targets.ts";
import type { Seat } from "./conversation-table.ts";

/** The place that is taken, and the trunk of who takes it. */
interface Taken {
  readonly seat: Seat;
  readonly trunk: Trunk;
}

/** Which party the INVITE may replace, or the answer to it. */
export function judgeReplaces(
  ctx: CallContext,
  domain: TerminationDomain,
  replaces: Replaces,
): Taken | { readonly status: number; readonly text: string } {
  if (domain.kind !== "trunk") return { status: 403, text: "calls of a SIP domain replace none" };
  const trunk = domain.record;
  if (trunk.transferMode === "disable-all") return { status: 403, text: "transfers are switched off on this trunk" };
  const seat = ctx.conversations.find(replaces);
  if (seat === undefined) {
    if (ctx.conversations.hasEnded(replaces)) return { status: 603, text: "the dialog of Replaces has ended" };
    return { status: 481, text: "Replaces names no dialog that is up" };
  }
  // The same answer as for no dialog: whoever guesses shall not learn which dialogs there are.
  if (seat.exchange.accountSid !== trunk.accountSid || seat.party.trunkSid === undefined)
    return { status: 481, text: "Replaces names no dialog of this account" };
  if (replaces.earlyOnly) return { status: 486, text: "the dialog of Replaces is no longer early" };
  if (!seat.exchange.open) return { status: 491, text: "a transfer of this call is under way" };
  return { seat, trunk };
}

/**
 * Answers the INVITE and exchanges the parties; resolves when the new leg has ended.
 * @throws SdpError, MediaError before anything was answered
 */
export async function takePlace(
  ctx: CallContext,
  admitted: AdmittedInvite,
  call: Call,
  { seat: { exchange, party }, trunk }: Taken,
): Promise<void> {
  const { worker } = exchange.partnerOf(party).leg.media;
  const policy = mediaPolicy(
    ctx,
    ctx.localEdges.ofCall(call),
    trunk.secure ? "required" : ctx.settings.srtpOptional ? "optional" : "none",
    trunk.symmetricRtp,
    trunk.infoDigits,
  );
  worker.reserve(1);
  try {
    const inbound = await InboundLeg.open(ctx, admitted.invite, call, worker, policy);
    call.note("transfer", `takes the place of call ${party.leg.call.sid}`, {
      code: "replaces.taken",
      callSid: party.leg.call.sid,
    });
    const leg = await inbound.answer();
    if (leg === undefined) return;
    const number = admitted.verdict.caller.hidden ? undefined : (admitted.verdict.caller.number ?? undefined);
    // The party may have hung up while the worker was being told.
    if (!exchange.exchange(party, { leg, number, trunkSid: trunk.sid })) leg.hangup();
    await leg.gone;
  } finally {
    worker.release(1);
  }
}
