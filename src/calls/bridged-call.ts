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

/** How the whole call ended. */
export type BridgedOutcome =
  | { readonly kind: "bridged" }
  /** Not answered: the hunt's result, for the caller to act on; the inbound leg is still waiting. */
  | Exclude<HuntOutcome, { kind: "answered" }>;

export interface BridgeOptions extends Omit<HuntOptions, "call" | "worker" | "onProgress"> {
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
    const hunt = new TargetHunt(this.#ctx, {
      ...this.#options,
      call: this.#outboundCall,
      worker: this.#inbound.media.worker,
      onProgress: (leg, status, early) => void this.#progress(leg, status, early),
    });
    this.#inbound.onEnded = (end) => hunt.cancel(end.reason);
    if (this.#inbound.ended) hunt.cancel();
    const outcome = await hunt.run();
    if (outcome.kind !== "answered") {
      const status = statusOfHunt(outcome);
      this.#outboundCall.sipStatus = status;
      this.#outboundCall.apply(outcome.kind === "cancelled" ? "end-canceled" : endEventOf(status));
      return outcome;
    }
    const outbound = outcome.leg;
    this.#outboundCall.apply("answered");
    const inbound = await this.#inbound.answer();
    if (inbound === undefined) {
      outbound.hangup();
      this.#outboundCall.apply("hung-up");
      return { kind: "cancelled" };
    }
    const { caller, callee } = this.#options;
    const parties: [Party, Party] = [
      { ...caller, leg: inbound },
      { ...callee, leg: outbound },
    ];
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
