/**
 * One leg of a call once it has a dialog: the dialog, its media and its offer/answer state, kept in step. Used by the
 * inbound and the outbound leg alike. Re-offers (hold, resume, new address, new key) are answered here and stay on this
 * leg (SDP-9); what the far end does to end the call is told to the owner once.
 */

import { messageOf } from "../base/errors.ts";
import type { Log } from "../base/log.ts";
import type { SipRequest } from "../sip/message.ts";
import type { Dialog, DialogEnd, InDialogRequest } from "../sip/user-agent.ts";
import { answerReoffer, sdpBody } from "./answer-reoffer.ts";
import type { Call } from "./call.ts";
import { dtmfOfInfo } from "./dtmf-info.ts";
import type { MediaLeg } from "./media-leg.ts";
import { type LegNegotiation, sdpOf } from "./negotiation.ts";

/** Why a leg ended without being asked to. */
export interface LegEnd {
  readonly cause: "hung-up" | "cancelled" | "media-silent" | "worker-lost" | "error";
  readonly text: string;
}

export { rejection, sdpBody } from "./answer-reoffer.ts";

export class CallLeg {
  readonly call: Call;
  readonly media: MediaLeg;
  readonly negotiation: LegNegotiation;
  readonly #dialog: Dialog;
  readonly #log: Log;
  #ended = false;
  /** Our offer is open: the answer is to come in an ACK (SDP-3). */
  #offerOpen = false;
  readonly #endListeners = new Set<(end: LegEnd) => void>();
  /** REFER and other requests that this leg does not answer itself. */
  onRequest: ((request: InDialogRequest) => void) | undefined;
  /** A key press, by RFC 4733 or INFO. */
  onDtmf: ((digit: string) => void) | undefined;
  /** Their hold began or ended. */
  onHold: ((held: boolean) => void) | undefined;

  constructor(call: Call, media: MediaLeg, negotiation: LegNegotiation, dialog: Dialog, log: Log, offerOpen = false) {
    this.call = call;
    this.media = media;
    this.negotiation = negotiation;
    this.#dialog = dialog;
    this.#log = log;
    this.#offerOpen = offerOpen;
    dialog.onReoffer = (request) => void this.#reoffered(request);
    dialog.onAck = (ack) => void this.#acknowledged(ack);
    dialog.onRequest = (request) => this.#requested(request);
    dialog.onEnded = (end) => this.#end(endOf(end));
    media.listen({
      onLegEvent: (event) => {
        if (event.type === "dtmf") this.onDtmf?.(event.digit);
        else if (event.type === "silent") this.#silent();
        else if (event.type === "srtp-failing")
          call.note("media", "no packet of the last 5 s could be authenticated: the far end uses another key");
      },
      onLegLost: () => this.#end({ cause: "worker-lost", text: "the media worker of this call was lost" }, true),
    });
  }

  get ended(): boolean {
    return this.#ended;
  }

  /** Calls back once when the far end or the network ends the leg, never after `hangup`. Returns what removes the listener. */
  onEnded(listener: (end: LegEnd) => void): () => void {
    this.#endListeners.add(listener);
    return () => this.#endListeners.delete(listener);
  }

  get dialog(): Dialog {
    return this.#dialog;
  }

  /** Ends the leg from our side with BYE and closes its media. */
  hangup(reason?: string): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#dialog.bye(reason === undefined ? undefined : [["Reason", reason]]);
    this.#closeMedia();
  }

  async #reoffered(request: InDialogRequest): Promise<void> {
    if (sdpOf(request.request) !== "") {
      const { call, media, negotiation } = this;
      await answerReoffer({ call, media, negotiation, onHold: (held) => this.onHold?.(held) }, request);
    } else if (request.request.method === "INVITE") {
      // A re-INVITE without SDP asks for our offer (SDP-3).
      this.#offerOpen = true;
      request.respond(200, { body: sdpBody(this.negotiation.makeOffer()) });
    } else request.respond(200);
  }

  async #acknowledged(ack: SipRequest): Promise<void> {
    if (!this.#offerOpen) return;
    this.#offerOpen = false;
    try {
      await this.media.configure(this.negotiation.acceptAnswer(sdpOf(ack)));
    } catch (error) {
      const text = `no usable answer to our offer in the ACK: ${messageOf(error)}`;
      this.call.note("media", text);
      this.#end({ cause: "error", text }, true);
    }
  }

  #requested(request: InDialogRequest): void {
    if (request.request.method === "INFO") {
      const digit = dtmfOfInfo(request.request);
      if (digit === undefined) {
        request.respond(415, { headers: [["Accept", "application/dtmf-relay, application/dtmf"]] });
        return;
      }
      request.respond(200);
      void this.media.signalDtmf(digit).catch(() => undefined);
      this.onDtmf?.(digit);
    } else if (this.onRequest !== undefined) {
      this.onRequest(request);
    } else {
      request.respond(request.request.method === "REFER" ? 403 : 405);
    }
  }

  #closeMedia(): void {
    void this.media.close().then((stats) => {
      this.call.mediaStats = stats;
    });
  }

  #silent(): void {
    if (this.negotiation.heldByRemote) return;
    this.#end({ cause: "media-silent", text: "no media came for the time allowed (RTP-SES-8)" }, true);
  }

  #end(end: LegEnd, sendBye = false): void {
    if (this.#ended) return;
    this.#ended = true;
    if (sendBye) this.#dialog.bye();
    this.#closeMedia();
    this.call.note("ended", end.text);
    this.#log.debug("leg ended", { callSid: this.call.sid, cause: end.cause });
    for (const listener of [...this.#endListeners]) listener(end);
  }
}

function endOf(end: DialogEnd): LegEnd {
  switch (end.by) {
    case "remote":
      return { cause: "hung-up", text: "the far end hung up" };
    case "local":
      return { cause: "hung-up", text: "we hung up" };
    case "error":
      return { cause: "error", text: `the dialog failed: ${end.error.message}` };
  }
}
