/** What every INVITE becomes, taken or not: a call with its record, or a note under its Call-ID. */

import type { IncomingInvite } from "../sip/user-agent.ts";
import type { Store } from "../store/store.ts";
import type { TerminationDomain } from "../trunking/termination.ts";
import type { Note } from "./admission-notes.ts";
import { Call, type CallDetails, listenerFaults } from "./call.ts";
import type { CallContext } from "./call-context.ts";

/** The call of an INVITE, in the table of calls from now on. */
export function beginCall(
  ctx: CallContext,
  invite: Pick<IncomingInvite, "request" | "flow">,
  domain: TerminationDomain | undefined,
  from: string,
  to: string,
  direction: CallDetails["direction"],
  edge = ctx.localEdges.at(invite.flow.localAddress),
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
      path: ctx.loops.pathOf(request),
      edge: edge.name,
      remote: `${flow.remoteAddress}:${flow.remotePort}`,
      ...(trunkSid === undefined ? {} : { trunkSid }),
      ...(byocTrunkSid === undefined ? {} : { byocTrunkSid }),
    },
    ctx.clock,
    listenerFaults(ctx.log),
  );
  ctx.calls.add(call);
  return call;
}

/** An INVITE that gets no call is told of under its Call-ID. */
export function turnedAway(
  ctx: CallContext,
  invite: IncomingInvite,
  domain: TerminationDomain | undefined,
  ...notes: readonly Note[]
): void {
  const { trace } = ctx;
  const { callId } = invite.request;
  if (domain !== undefined) trace.assign(callId, domain.record.accountSid);
  for (const note of notes) trace.note(callId, note);
}

/** For Retry-After. Random, so that peers that were refused together don't come back together. */
export function retrySeconds(random: () => number): number {
  return 5 + Math.floor(random() * 25);
}

/** An account that is suspended or closed neither makes nor takes calls. */
export function isActiveAccount(store: Store, accountSid: string): boolean {
  return (store.get("accounts", accountSid)?.status ?? "active") === "active";
}
