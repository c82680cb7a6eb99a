/**
 * A call that rings at a customer's phone may be taken by another of the customer's (RFC 3891 §1, SIP-REF-7): an INVITE with Replaces
 * names one of the early dialogs that ring. This is what the hunt offers while it lasts.
 */

import type { CallContext } from "../call-context.ts";
import type { InboundLeg } from "../inbound-leg.ts";
import type { DialogId, RingingCall } from "./conversation-table.ts";
import type { Party } from "./party.ts";

/** Phones that ring at once for one INVITE of ours. */
const FORKS_MAX = 32;

export class PickUp {
  readonly #ctx: CallContext;
  readonly #caller: InboundLeg;
  readonly #trunkSid: string | undefined;
  /** By remote tag and Call-ID: each provisional answer names its dialog once more. */
  readonly #offered = new Map<string, DialogId>();
  #newcomer: Party | undefined;
  /** The newcomer is there: nobody else is to be called. */
  onTaken: (() => void) | undefined;

  /** @param trunkSid - whose customer is called; calls to a carrier cannot be picked up */
  constructor(ctx: CallContext, caller: InboundLeg, trunkSid: string | undefined) {
    this.#ctx = ctx;
    this.#caller = caller;
    this.#trunkSid = trunkSid;
  }

  /** Who took the call. */
  get newcomer(): Party | undefined {
    return this.#newcomer;
  }

  /** The phone of this early dialog rings. */
  offer(dialog: DialogId): void {
    const key = `${dialog.callId} ${dialog.remoteTag}`;
    if (this.#trunkSid === undefined || this.#offered.has(key) || this.#offered.size >= FORKS_MAX) return;
    const ringing: RingingCall = {
      accountSid: this.#caller.call.details.accountSid,
      trunkSid: this.#trunkSid,
      worker: this.#caller.media.worker,
      take: (newcomer) => this.#take(newcomer),
    };
    this.#offered.set(key, dialog);
    this.#ctx.conversations.addRinging(dialog, ringing);
  }

  /** None of them rings any more. */
  withdraw(): void {
    for (const dialog of this.#offered.values()) this.#ctx.conversations.removeRinging(dialog);
    this.#offered.clear();
  }

  #take(newcomer: Party): boolean {
    // Withdrawn, so that somebody else has answered, or given up.
    if (this.#offered.size === 0 || this.#newcomer !== undefined) return false;
    this.#newcomer = newcomer;
    this.onTaken?.();
    return true;
  }
}
