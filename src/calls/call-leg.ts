/**
 * One leg of a call once it has a dialog: the dialog, its media and its offer/answer state, kept in step. Used by the
 * inbound and the outbound leg alike. Re-offers (hold, resume, new address, new key) are answered here and stay on this
 * leg (SDP-9); what the far end does to end the call is told to the owner once.
 */

import type { Clock } from "../base/clock.ts";
import { messageOf } from "../base/errors.ts";
import type { Log } from "../base/log.ts";
import type { LegOptions } from "../media/leg-options.ts";
import type { WorkerHandle } from "../scheduler/worker-handle.ts";
import type { SipRequest, SipResponse } from "../sip/message.ts";
import type { Dialog, DialogEnd, InDialogRequest } from "../sip/user-agent.ts";
import type { AlertLog } from "./alert-log.ts";
import { answerReoffer, sdpBody } from "./answer-reoffer.ts";
import type { Call } from "./call.ts";
import { InfoDigits, readInfo } from "./dtmf-info.ts";
import { KeyLifetime } from "./key-lifetime.ts";
import { MediaLeg } from "./media-leg.ts";
import type { MediaNames } from "./media-names.ts";
import { mediaFields, mediaSummary } from "./media-summary.ts";
import { type Hold, type LegNegotiation, sdpOf } from "./negotiation.ts";
import { passedReason } from "./passed-reason.ts";
import { retireMedia } from "./retire-media.ts";

/** Why a leg ended without being asked to. */
export interface LegEnd {
  readonly cause: "hung-up" | "cancelled" | "media-silent" | "worker-lost" | "error";
  readonly text: string;
  /** What the far end gave as the reason, for the other side (SIP-CAN-4); undefined when it gave none. */
  readonly reason?: string | undefined;
}

export type DigitListener = (digit: string, by: "event" | "info") => void;

/** What a leg needs besides its own parts. */
export interface LegNeeds {
  readonly clock: Clock;
  readonly log: Log;
  readonly alerts: AlertLog;
  readonly names: MediaNames;
}

export class CallLeg {
  readonly call: Call;
  readonly negotiation: LegNegotiation;
  readonly #dialog: Dialog;
  readonly #ctx: LegNeeds;
  #media: MediaLeg;
  #stopListening: () => void;
  #ended = false;
  /** The media have moved, and are being told where to send. */
  #moving: Promise<void> | undefined;
  /** Our offer is open: the answer is to come in an ACK (SDP-3). */
  #offerOpen = false;
  readonly #gone = Promise.withResolvers<void>();
  readonly #infoDigits: InfoDigits;
  readonly #keyLifetime: KeyLifetime;
  readonly #digitListeners = new Set<DigitListener>();
  readonly #endListeners = new Set<(end: LegEnd) => void>();
  /** REFER and other requests that this leg does not answer itself. */
  onRequest: ((request: InDialogRequest) => void) | undefined;
  /** A key press, by RFC 4733 or INFO. */
  onDtmf: ((digit: string) => void) | undefined;
  /** Their hold began, changed or ended. */
  onHold: ((hold: Hold) => void) | undefined;

  constructor(
    ctx: LegNeeds,
    call: Call,
    media: MediaLeg,
    negotiation: LegNegotiation,
    dialog: Dialog,
    offerOpen = false,
  ) {
    this.call = call;
    this.#media = media;
    this.negotiation = negotiation;
    this.#dialog = dialog;
    this.#ctx = ctx;
    this.#offerOpen = offerOpen;
    this.#infoDigits = new InfoDigits(dialog, ctx.log);
    this.#keyLifetime = new KeyLifetime(
      ctx.clock,
      async () => (await this.#media.stats()).packetsReceived,
      () => this.#keyWornOut(),
    );
    negotiation.onNegotiated = ({ srtp }) => {
      if (!this.#ended) this.#keyLifetime.follow(srtp);
    };
    dialog.onReoffer = (request) => void this.#reoffered(request);
    dialog.onRefreshed = (response) => void this.#refreshed(response);
    dialog.onAck = (ack) => void this.#acknowledged(ack);
    dialog.onRequest = (request) => this.#requested(request);
    dialog.onEnded = (end) => this.#end(endOf(end));
    this.#stopListening = this.#listen(media);
    call.control.end = (text) => this.lose(text);
  }

  get media(): MediaLeg {
    return this.#media;
  }

  get ended(): boolean {
    return this.#ended;
  }

  /** Calls back once when the far end or the network ends the leg, never after `hangup`. Returns what removes the listener. */
  onEnded(listener: (end: LegEnd) => void): () => void {
    this.#endListeners.add(listener);
    return () => this.#endListeners.delete(listener);
  }

  /** Resolves when the leg has ended, whoever ended it. */
  get gone(): Promise<void> {
    return this.#gone.promise;
  }

  /** Called with every key press, and how it came. Returns what removes the listener. */
  onDigit(listener: DigitListener): () => void {
    this.#digitListeners.add(listener);
    return () => this.#digitListeners.delete(listener);
  }

  /** Brings a key to the far end by what it takes (DTMF-5, DTMF-7). One that finds too many before it is lost. */
  sendDigit(digit: string): void {
    if (this.#ended) return;
    if (this.negotiation.digitsByInfo) this.#infoDigits.send(digit);
    else void this.#media.sendDigits(digit).catch(() => undefined);
  }

  get dialog(): Dialog {
    return this.#dialog;
  }

  /** Ends the leg with BYE for a reason that its owner is told. */
  lose(text: string): void {
    this.#end({ cause: "error", text }, true);
  }

  /** Ends the leg from our side with BYE and closes its media. */
  hangup(reason?: string): void {
    if (this.#ended) return;
    this.#ended = true;
    this.call.note("ended", "the gateway hung up", { code: "ended.local", reason: reason ?? "" });
    this.#dialog.bye(reason === undefined ? undefined : [["Reason", reason]]);
    this.#closeMedia();
    this.#gone.resolve();
  }

  /**
   * Takes the media to another worker by a re-INVITE, so that it can be bridged with a leg there; does nothing when it is there.
   * @throws GatewayError or Error when the far end does not take it, or ended; the media stay where they were
   */
  async moveTo(worker: WorkerHandle): Promise<void> {
    if (this.#media.worker === worker) return;
    const media = await MediaLeg.open(worker, this.negotiation.bindAddress, {});
    const { offer, undo } = this.negotiation.offerFrom(media.ports);
    const keyBefore = this.negotiation.receiveKeySalt;
    let options: LegOptions;
    try {
      const response = await this.#dialog.reoffer("INVITE", sdpBody(offer));
      if (response.status >= 300) throw new Error(`the re-INVITE from another port was answered ${response.status}`);
      const answer = await this.#numeric(response);
      if (this.#ended) throw new Error("the far end hung up");
      options = this.negotiation.acceptAnswer(answer);
    } catch (error) {
      undo();
      void media.close();
      throw error;
    }
    const before = this.#media;
    void this.#keyLifetime.look();
    this.#stopListening();
    this.#media = media;
    this.#stopListening = this.#listen(media);
    // What the call reserved where it began stays so until the call ends.
    worker.reserve(1);
    void this.gone.then(() => worker.release(1));
    // The far end's key stays, and with it its rollover counter, which cannot be known anew (SDP-SEC-6).
    const isSameKey = keyBefore !== undefined && isSame(keyBefore, options.srtpReceive?.keySalt);
    this.#moving = this.#beginAt(media, options, isSameKey ? before : undefined);
    retireMedia(this.#ctx.clock, before, media, this.gone);
    await this.#moving;
    this.call.note("media", "moved to another worker by a re-INVITE", { code: "media.moved" });
  }

  /** Their description, with addresses where it had names. */
  #numeric(message: SipRequest | SipResponse): string | Promise<string> {
    return this.#ctx.names.numeric(sdpOf(message), this.negotiation.bindAddress);
  }

  /** @param before - whose SRTP goes on here */
  async #beginAt(media: MediaLeg, options: LegOptions, before: MediaLeg | undefined): Promise<void> {
    const stats = await before?.stats().catch(() => undefined);
    await media.configure(stats === undefined ? options : { ...options, srtpResume: stats.srtpReceiveState });
  }

  #listen(media: MediaLeg): () => void {
    return media.listen({
      onLegEvent: (event) => {
        if (event.type === "dtmf") this.#pressed(event.digit, "event");
        else if (event.type === "silent") this.#silent();
        else if (event.type === "srtp-failing") this.#unauthenticated();
      },
      onLegLost: () => this.#end({ cause: "worker-lost", text: "the media worker of this call was lost" }, true),
    });
  }

  async #reoffered(request: InDialogRequest): Promise<void> {
    // What they offer now is newer than what the media are just being told.
    await this.#moving?.catch(() => undefined);
    if (sdpOf(request.request) !== "") {
      const { call, media, negotiation } = this;
      const { names } = this.#ctx;
      await answerReoffer({ call, media, negotiation, names, onHold: (hold) => this.onHold?.(hold) }, request);
    } else if (request.request.method === "INVITE") {
      // A re-INVITE without SDP asks for our offer (SDP-3).
      this.#offerOpen = true;
      request.respond(200, { body: sdpBody(this.negotiation.makeOffer()) });
    } else request.respond(200);
  }

  /** Our description was offered again to refresh the session; the answer may say something new. */
  async #refreshed(response: SipResponse): Promise<void> {
    if (sdpOf(response) === "") return;
    try {
      const answer = await this.#numeric(response);
      if (this.negotiation.isKnownRemote(answer)) return;
      await this.media.configure(this.negotiation.acceptAnswer(answer));
      this.call.note("media", `changed by a refresh: ${this.negotiation.summary}`, { code: "sdp.chosen" });
    } catch (error) {
      this.call.note("media", `answer to a refresh not usable: ${messageOf(error)}`);
    }
  }

  async #acknowledged(ack: SipRequest): Promise<void> {
    if (!this.#offerOpen) return;
    this.#offerOpen = false;
    try {
      await this.#media.configure(this.negotiation.acceptAnswer(await this.#numeric(ack)));
    } catch (error) {
      const text = `no usable answer to our offer in the ACK: ${messageOf(error)}`;
      this.call.note("media", text, { code: "answer.unusable" });
      this.#end({ cause: "error", text }, true);
    }
  }

  #requested(request: InDialogRequest): void {
    if (request.request.method === "INFO") {
      const info = readInfo(request.request);
      if (info.kind === "unknown") {
        request.respond(415, { headers: [["Accept", "application/dtmf-relay, application/dtmf"]] });
        return;
      }
      request.respond(200);
      if (info.kind === "nothing") return;
      void this.#media.signalDtmf(info.digit).catch(() => undefined);
      this.#pressed(info.digit, "info");
    } else if (this.onRequest !== undefined) {
      this.onRequest(request);
    } else {
      request.respond(request.request.method === "REFER" ? 403 : 405);
    }
  }

  #pressed(digit: string, by: "event" | "info"): void {
    this.onDtmf?.(digit);
    for (const listener of [...this.#digitListeners]) listener(digit, by);
  }

  /** SDP-SEC-3: whoever names a lifetime changes the key in time, or has nothing more to say. */
  #keyWornOut(): void {
    const text = "the lifetime of the far end's SRTP key is over, and it sent no new one";
    this.call.note("media", text, { code: "srtp.lifetime" });
    this.#end({ cause: "error", text }, true);
  }

  #closeMedia(): void {
    this.call.audio.media = this.negotiation.facts(this.#media.ports) ?? this.call.audio.media;
    this.#keyLifetime.stop();
    void this.#media.close().then((stats) => {
      this.call.mediaStats = stats;
      if (stats !== undefined) this.call.note("media", mediaSummary(stats), mediaFields(stats));
    });
  }

  /** SRTP-6: told once, and the call goes on, since the far end may yet use its right key. */
  #unauthenticated(): void {
    const text = "no packet of the last 5 s could be authenticated: the far end uses another key";
    this.call.note("media", text, { code: "srtp.failing" });
    const { accountSid, remote = "" } = this.call.details;
    this.#ctx.alerts.raise({ code: 32014, level: "warning", text, accountSid, callSid: this.call.sid, remote });
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
    this.call.note("ended", end.text, { code: `ended.${end.cause}` });
    this.#ctx.log.debug("leg ended", { callSid: this.call.sid, cause: end.cause });
    this.#gone.resolve();
    for (const listener of [...this.#endListeners]) listener(end);
  }
}

/** RFC 3326. */
function reasonOf(bye: SipRequest): string {
  const reason = bye.headers.get("Reason");
  return reason === undefined ? "" : ` (Reason: ${reason.slice(0, 100)})`;
}

function isSame(a: Uint8Array, b: Uint8Array | undefined): boolean {
  return b !== undefined && Buffer.compare(a, b) === 0;
}

function endOf(end: DialogEnd): LegEnd {
  switch (end.by) {
    case "remote":
      return {
        cause: "hung-up",
        text: `the far end hung up${reasonOf(end.request)}`,
        reason: passedReason(end.request),
      };
    case "local":
      return { cause: "hung-up", text: "we hung up" };
    case "error":
      return { cause: "error", text: `the dialog failed: ${end.error.message}` };
  }
}
