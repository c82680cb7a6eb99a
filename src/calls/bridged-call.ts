/**
 * A call through the gateway: one leg came in, targets are hunted for the other, and the two are joined (R-TERM, R-ORIG).
 * Progress and early media are passed back, the result of the hunt becomes the answer to the caller, and whoever hangs up
 * first ends both. What a failed hunt means is decided by the caller of `run`.
 */

import { messageOf } from "../base/errors.ts";
import type { Call } from "./call.ts";
import type { CallContext } from "./call-context.ts";
import { endEventOf } from "./call-state.ts";
import type { InboundLeg } from "./inbound-leg.ts";
import type { OutboundLeg } from "./outbound-leg.ts";
import { type HuntOptions, type HuntOutcome, statusOfHunt, TargetHunt } from "./target-hunt.ts";
import { Conversation } from "./transfer/conversation.ts";
import type { Party } from "./transfer/party.ts";
import { PickUp } from "./transfer/pick-up.ts";

/** RFC 3326 §3.1: the phone that stops ringing shows no missed call. */
const COMPLETED_ELSEWHERE = 'SIP;cause=200;text="Call completed elsewhere"';

/** How the whole call ended. */
export type BridgedOutcome =
  | { readonly kind: "bridged" }
  /** Not answered: the hunt's result, for the caller to act on; the inbound leg is still waiting. */
  | Exclude<HuntOutcome, { kind: "answered" }>;

export interface BridgeOptions
  extends Omit<HuntOptions, "call" | "worker" | "onProgress" | "onEarlyDialog" | "onAttemptOver"> {
  /** Who the two sides are once they are joined. */
  readonly caller: Omit<Party, "leg">;
  readonly callee: Omit<Party, "leg">;
}

export class BridgedCall {
  readonly #ctx: CallContext;
  readonly #inbound: InboundLeg;
  readonly #outboundCall: Call;
  readonly #options: BridgeOptions;

  constructor(ctx: CallContext, inbound: InboundLeg, outboundCall: Call, options: BridgeOptions) {
    this.#ctx = ctx;
    this.#inbound = inbound;
    this.#outboundCall = outboundCall;
    this.#options = options;
  }

  /**
   * Hunts, joins, and resolves when the call is over, or at once when no target answered.
   * The outbound call has its final status afterwards.
   */
  async run(): Promise<BridgedOutcome> {
    const pickUp = new PickUp(this.#ctx, this.#inbound, this.#options.callee.trunkSid);
    const hunt = new TargetHunt(this.#ctx, {
      ...this.#options,
      call: this.#outboundCall,
      worker: this.#inbound.media.worker,
      onProgress: (leg, status, early) => void this.#progress(leg, status, early),
      onEarlyDialog: (dialog) => pickUp.offer(dialog),
      onAttemptOver: () => pickUp.withdraw(),
    });
    this.#inbound.onEnded = (end) => hunt.cancel(end.reason);
    pickUp.onTaken = () => hunt.cancel(COMPLETED_ELSEWHERE);
    if (this.#inbound.ended) hunt.cancel();
    const outcome = await hunt.run();
    if (pickUp.newcomer !== undefined) {
      this.#outboundCall.sipStatus = 487;
      this.#outboundCall.apply("end-canceled");
      return this.#together(pickUp.newcomer);
    }
    if (outcome.kind !== "answered") {
      const status = statusOfHunt(outcome);
      this.#outboundCall.sipStatus = status;
      this.#outboundCall.apply(outcome.kind === "cancelled" ? "end-canceled" : endEventOf(status));
      return outcome;
    }
    this.#outboundCall.apply("answered");
    return this.#together({ ...this.#options.callee, leg: outcome.leg });
  }

  /** Answers the caller and joins the two until the call is over. */
  async #together(callee: Party): Promise<BridgedOutcome> {
    const inbound = await this.#inbound.answer();
    if (inbound === undefined) {
      callee.leg.hangup();
      callee.leg.call.apply("hung-up");
      return { kind: "cancelled" };
    }
    const parties: [Party, Party] = [{ ...this.#options.caller, leg: inbound }, callee];
    await new Conversation(this.#ctx, parties, {
      accountSid: inbound.call.details.accountSid,
      callSid: inbound.call.sid,
      recording: this.#ctx.recordings.of(inbound.call.sid),
      limitMs: this.#ctx.settings.callDurationMaxMs,
    }).run();
    return { kind: "bridged" };
  }

  async #progress(leg: OutboundLeg, _status: number, early: boolean): Promise<void> {
    if (!early) {
      this.#inbound.ring();
      return;
    }
    await this.#inbound.early();
    await this.#inbound.media
      .bridge(leg.media)
      .catch((error) => this.#inbound.call.note("media", messageOf(error), { code: "media.unjoined" }));
  }
}
