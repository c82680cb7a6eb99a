/**
 * An INVITE with Replaces (RFC 3891 §3, SIP-REF-7): the caller takes the place of a party of a call that is up, or takes a call that
 * rings. Who may, is decided like a transfer: the same account, on a trunk that permits transfers.
 */

import type { Replaces } from "../../sip/replaces.ts";
import type { Trunk } from "../../trunking/records.ts";
import type { TerminationDomain } from "../../trunking/termination.ts";
import type { AdmittedInvite } from "../admitted-invite.ts";
import type { Call } from "../call.ts";
import type { CallContext } from "../call-context.ts";
import { InboundLeg } from "../inbound-leg.ts";
import { mediaPolicy } from "../plan-targets.ts";
import type { RingingCall, Seat } from "./conversation-table.ts";

/** The place that is taken, in a call that is up or one that rings, and the trunk of who takes it. */
type Taken = { readonly trunk: Trunk } & ({ readonly seat: Seat } | { readonly ringing: RingingCall });

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
    const ringing = ctx.conversations.findRinging(replaces);
    if (ringing?.accountSid === trunk.accountSid) return { ringing, trunk };
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
export async function takePlace(ctx: CallContext, admitted: AdmittedInvite, call: Call, taken: Taken): Promise<void> {
  const { trunk } = taken;
  const { worker } = "seat" in taken ? taken.seat.exchange.partnerOf(taken.seat.party).leg.media : taken.ringing;
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
    const replaced = "seat" in taken ? taken.seat.party.leg.call.sid : "";
    call.note("transfer", replaced === "" ? "takes a call that rings" : `takes the place of call ${replaced}`, {
      code: "replaces.taken",
      callSid: replaced,
    });
    const leg = await inbound.answer();
    if (leg === undefined) return;
    const number = admitted.verdict.caller.hidden ? undefined : (admitted.verdict.caller.number ?? undefined);
    const newcomer = { leg, number, trunkSid: trunk.sid };
    const isTaken =
      "seat" in taken ? taken.seat.exchange.exchange(taken.seat.party, newcomer) : taken.ringing.take(newcomer);
    // The party may have hung up, or the phone been answered, while the worker was being told.
    if (!isTaken) leg.hangup();
    await leg.gone;
  } finally {
    worker.release(1);
  }
}
