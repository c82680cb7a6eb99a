/**
 * One transfer under way: the target is called while the party that stays hears it ring; the transferor is told by NOTIFY how it went
 * (R-XFER-3 to R-XFER-5). Media of the party that stays are ours until the attempt is over.
 */

import { messageOf } from "../../base/errors.ts";
import type { ReferSubscription } from "../../sip/dialog/refer-subscription.ts";
import { Call } from "../call.ts";
import type { CallContext } from "../call-context.ts";
import type { CallLeg } from "../call-leg.ts";
import { endEventOf } from "../call-state.ts";
import type { OutboundLeg } from "../outbound-leg.ts";
import { RINGBACK } from "../ringback.ts";
import { statusOfHunt, TargetHunt } from "../target-hunt.ts";
import type { Party } from "./party.ts";
import type { TransferTargets } from "./transfer-targets.ts";

export interface TransferOptions {
  readonly accountSid: string;
  readonly trunkSid: string;
  /** Call SID that the call to the target is a child of. */
  readonly parentSid: string;
  readonly transferee: Party;
  readonly targets: TransferTargets;
  /** Number that the target is shown; undefined for a hidden one. */
  readonly caller: string | undefined;
}

export class TransferAttempt {
  readonly call: Call;
  readonly #options: TransferOptions;
  readonly #hunt: TargetHunt;
  #over = false;
  /** The party that stays was given ringback. */
  #played = false;

  constructor(ctx: CallContext, options: TransferOptions) {
    this.#options = options;
    const { transferee, targets } = options;
    this.call = new Call(
      {
        accountSid: options.accountSid,
        direction: targets.direction,
        from: options.caller ?? "anonymous",
        to: targets.called,
        parentSid: options.parentSid,
        trunkSid: options.trunkSid,
        edge: ctx.localEdges.ofCall(transferee.leg.call).name,
      },
      ctx.clock,
      (error) => ctx.log.error("a call listener threw", { error: messageOf(error) }),
    );
    ctx.calls.add(this.call);
    this.#hunt = new TargetHunt(ctx, {
      call: this.call,
      worker: transferee.leg.media.worker,
      targets: targets.targets,
      ringLimitMs: ctx.settings.ringLimitMs,
      onProgress: (leg, _status, early) => this.#progress(leg, early),
    });
  }

  /**
   * Calls the target and tells the transferor how it went. Never rejects.
   * @returns the answered leg; undefined when nobody answered, or when it was cancelled
   */
  async run(subscription: ReferSubscription): Promise<CallLeg | undefined> {
    const { worker } = this.#options.transferee.leg.media;
    worker.reserve(1);
    const outcome = await this.#hunt.run();
    this.#over = true;
    if (this.#played) await this.#options.transferee.leg.media.stopPlay().catch(() => undefined);
    if (outcome.kind === "answered") {
      this.call.apply("answered");
      void outcome.leg.gone.then(() => worker.release(1));
      subscription.finish(outcome.response.status, outcome.response.reason);
      return outcome.leg;
    }
    worker.release(1);
    const status = statusOfHunt(outcome);
    this.call.sipStatus = status;
    this.call.apply(outcome.kind === "cancelled" ? "end-canceled" : endEventOf(status));
    const response = outcome.kind === "cancelled" ? undefined : outcome.response;
    // Silence has no status line of its own (RFC 3515 §2.4.4 wants one).
    if (response === undefined) subscription.finish(status === 0 ? 408 : status);
    else subscription.finish(response.status, response.reason);
    return undefined;
  }

  /** Ends the attempt; what answers all the same is hung up. */
  cancel(): void {
    this.#hunt.cancel('SIP;cause=487;text="Transfer abandoned"');
  }

  #progress(leg: OutboundLeg, early: boolean): void {
    if (this.#over) return;
    const { media } = this.#options.transferee.leg;
    if (early) {
      void media
        .stopPlay()
        .then(() => media.bridge(leg.media))
        .catch((error) => this.call.note("media", messageOf(error)));
    } else {
      this.#played = true;
      void media.play(RINGBACK).catch((error) => this.call.note("media", messageOf(error)));
    }
  }
}
