/**
 * A leg that came to us (UAS): from the INVITE to the answer. Reads the offer before it takes a port, answers it, rings,
 * passes early media, and becomes a `CallLeg` when it is answered.
 */

import { messageOf } from "../base/errors.ts";
import type { WorkerHandle } from "../scheduler/worker-handle.ts";
import type { SipRequest } from "../sip/message.ts";
import type { AnswerOptions, IncomingInvite, InDialogRequest } from "../sip/user-agent.ts";
import { answerReoffer, rejection, sdpBody } from "./answer-reoffer.ts";
import type { Call } from "./call.ts";
import type { CallContext } from "./call-context.ts";
import { CallLeg, type LegEnd } from "./call-leg.ts";
import { MediaLeg } from "./media-leg.ts";
import { LegNegotiation, type MediaPolicy, sdpOf } from "./negotiation.ts";
import { passedReason } from "./passed-reason.ts";

export class InboundLeg {
  readonly call: Call;
  readonly media: MediaLeg;
  readonly invite: IncomingInvite;
  readonly #ctx: CallContext;
  readonly #negotiation: LegNegotiation;
  /** Our SDP for 183 and 200: the answer, or the offer when the INVITE had none. */
  #body: string;
  readonly #delayedOffer: boolean;
  /** With a delayed offer: ours went out in a reliable 183, and its PRACK brings the answer. */
  #offeredEarly = false;
  #state: "offered" | "answered" | "ended" = "offered";
  #leg: CallLeg | undefined;
  /** CANCEL before the answer, BYE or a fault after it; once, and never after our own `reject` or `hangup`. */
  onEnded: ((end: LegEnd) => void) | undefined;

  private constructor(
    ctx: CallContext,
    invite: IncomingInvite,
    call: Call,
    media: MediaLeg,
    negotiation: LegNegotiation,
    body: string,
    delayedOffer: boolean,
  ) {
    this.#ctx = ctx;
    this.invite = invite;
    this.call = call;
    this.media = media;
    this.#negotiation = negotiation;
    this.#body = body;
    this.#delayedOffer = delayedOffer;
    invite.onCancelled = (text, request) => this.#end({ cause: "cancelled", text, reason: passedReason(request) });
    invite.onReoffer = (request) => void this.#reoffered(request);
    invite.onEarlyAnswer = (prack) => void this.#earlyAnswered(prack);
    call.control.end = (text) => {
      if (this.#state !== "offered") return;
      invite.reject(480);
      this.#end({ cause: "cancelled", text });
    };
    media.listen({
      onLegLost: () => {
        if (this.#state !== "offered") return;
        invite.reject(500, rejection("media worker lost"));
        this.#end({ cause: "worker-lost", text: "the media worker of this call was lost" });
      },
    });
  }

  /**
   * Reads the offer, takes a port pair in `worker` and prepares the answer. Nothing has been sent yet.
   * @throws SdpError when the offer cannot be used; MediaError when no port or slot is free
   */
  static async open(
    ctx: CallContext,
    invite: IncomingInvite,
    call: Call,
    worker: WorkerHandle,
    policy: MediaPolicy,
  ): Promise<InboundLeg> {
    const described = ctx.names.numeric(sdpOf(invite.request), policy.bindAddress);
    const offer = typeof described === "string" ? described : await described;
    if (offer === "") {
      const media = await MediaLeg.open(worker, policy.bindAddress, {});
      const negotiation = new LegNegotiation(policy, media.ports);
      return new InboundLeg(ctx, invite, call, media, negotiation, negotiation.makeOffer(), true);
    }
    const negotiation = LegNegotiation.unplaced(policy);
    const { options } = negotiation.acceptOffer(offer);
    const { offered, summary } = negotiation;
    call.note("media", `offered ${offered}; taken ${summary}`, {
      code: "sdp.chosen",
      offered,
      codec: options.codec ?? "",
    });
    // Sending begins when the answer goes out; what the caller sends long before is thrown away with what comes for free ports.
    const media = await MediaLeg.open(worker, policy.bindAddress, { ...options, sending: false });
    return new InboundLeg(ctx, invite, call, media, negotiation, negotiation.placeAt(media.ports), false);
  }

  get ended(): boolean {
    return this.#state === "ended";
  }

  get answered(): boolean {
    return this.#state === "answered";
  }

  /** The dialog side once answered. */
  get leg(): CallLeg | undefined {
    return this.#leg;
  }

  /** 180 without a body. */
  ring(): void {
    if (this.#state !== "offered") return;
    this.invite.progress(180);
    this.call.apply("rang");
  }

  /**
   * 183 with our SDP: from now on the caller hears what the leg plays (R-MEDIA-12). With a delayed offer that takes a caller
   * with 100rel; its PRACK has the answer (SDP-3).
   */
  async early(): Promise<void> {
    if (this.#state !== "offered") return;
    this.call.apply("rang");
    if (this.#delayedOffer) {
      if (this.#offeredEarly || !this.invite.takesEarlyOffer) this.invite.progress(180);
      else {
        this.#offeredEarly = true;
        this.invite.progress(183, { body: sdpBody(this.#body) });
      }
      return;
    }
    await this.#startSending();
    if (this.#state === "offered") this.invite.progress(183, { body: sdpBody(this.#body) });
  }

  /** 200 with our SDP. Returns the answered leg, or undefined when the caller was faster to hang up. */
  async answer(): Promise<CallLeg | undefined> {
    if (this.#leg !== undefined) return this.#leg;
    if (this.#state !== "offered") return undefined;
    // The worker takes requests in order: whatever is asked of these media from now on comes behind it.
    if (!this.#delayedOffer) void this.#startSending();
    this.#state = "answered";
    // A second description would be another offer (RFC 6337 §2.2).
    const dialog = this.invite.accept(this.#offeredEarly ? {} : { body: sdpBody(this.#body) });
    const isOfferOpen = this.#delayedOffer && !this.#offeredEarly;
    this.#leg = new CallLeg(this.#ctx, this.call, this.media, this.#negotiation, dialog, isOfferOpen);
    this.#leg.onEnded((end) => this.#end(end));
    this.call.sipStatus = 200;
    this.call.apply("answered");
    return this.#leg;
  }

  /** Final answer 300 to 699 before the call was answered. */
  reject(status: number, options?: AnswerOptions): void {
    if (this.#state !== "offered") return;
    this.#state = "ended";
    this.call.sipStatus = status;
    this.invite.reject(status, options);
    void this.media.close(this.#offeredEarly);
  }

  /** Ends the leg in whatever state it is. `status` is used when it was not answered. */
  hangup(status = 480, reason?: string): void {
    if (this.#state === "offered") this.reject(status);
    else if (this.#state === "answered") {
      this.#state = "ended";
      this.#leg?.hangup(reason);
    }
  }

  /** A further offer before the answer, in UPDATE or PRACK (SIP-UPD-1, SIP-PRK-5). */
  async #reoffered(request: InDialogRequest): Promise<void> {
    const { call, media } = this;
    const { names } = this.#ctx;
    this.#body = (await answerReoffer({ call, media, negotiation: this.#negotiation, names }, request)) ?? this.#body;
  }

  /** The answer to the offer of our 183. One that is no use ends the call, whatever it has become meanwhile (SDP-21). */
  async #earlyAnswered(prack: SipRequest): Promise<void> {
    try {
      const described = this.#ctx.names.numeric(sdpOf(prack), this.#negotiation.bindAddress);
      const answer = typeof described === "string" ? described : await described;
      await this.media.configure(this.#negotiation.acceptAnswer(answer));
      this.call.note("media", this.#negotiation.summary, { code: "sdp.chosen" });
    } catch (error) {
      const text = `no usable answer to our offer in the PRACK: ${messageOf(error)}`;
      this.call.note("media", text, { code: "answer.unusable" });
      if (this.#state === "answered") this.#leg?.hangup('SIP;cause=488;text="Not Acceptable Here"');
      else if (this.#state === "offered") this.invite.reject(488, rejection(text));
      this.#end({ cause: "error", text });
    }
  }

  async #startSending(): Promise<void> {
    try {
      await this.media.configure({ sending: this.#negotiation.sending });
    } catch (error) {
      this.call.note("media", `media could not be started: ${messageOf(error)}`, { code: "media.none" });
    }
  }

  #end(end: LegEnd): void {
    if (this.#state === "ended") return;
    const wasOffered = this.#state === "offered";
    this.#state = "ended";
    if (wasOffered) {
      this.call.sipStatus = 487;
      this.call.note("ended", end.text, { code: `ended.${end.cause}` });
      void this.media.close(this.#offeredEarly);
    }
    this.onEnded?.(end);
  }
}
