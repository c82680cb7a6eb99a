/**
 * A simulated party with a SIP stack and media of its own: a carrier, a PBX or a telephone. Takes calls by a script
 * (answer, busy, ring out, silent, early media, any status) and places calls. Real SIP, real RTP and SRTP.
 */

import { randomBytes, randomInt } from "node:crypto";
import type { Clock } from "../base/clock.ts";
import { messageOf } from "../base/errors.ts";
import type { Log } from "../base/log.ts";
import { mediaOptionsOf } from "../sdp/media-options.ts";
import {
  type Agreed,
  answerOffer,
  applyAnswer,
  createOffer,
  type LocalMedia,
  type Negotiated,
  type Security,
} from "../sdp/offer-answer.ts";
import { formatSession, parseSession } from "../sdp/session.ts";
import { SipStack, type SipStackOptions } from "../sip/sip-stack.ts";
import { parseUri } from "../sip/uri.ts";
import type { Dialog, IncomingInvite, OutgoingInviteOptions } from "../sip/user-agent.ts";
import { type PartyLeg, PartyMedia } from "./party-media.ts";

/** What a party does with a call that comes in. */
export type CallScript =
  | {
      readonly kind: "answer";
      readonly afterMs?: number;
      readonly early?: boolean;
      readonly play?: Uint8Array;
      readonly loop?: boolean;
      /** Default true: what is heard is kept. */
      readonly record?: boolean;
      /** What is heard is sent back. */
      readonly echo?: boolean;
      /** BYE that long after the answer. */
      readonly hangUpAfterMs?: number;
      /** Keys pressed a second after the answer. */
      readonly digits?: string;
      /** A second after the answer a re-INVITE holds the call, and that much later another one takes it back. */
      readonly holdMs?: number;
    }
  | { readonly kind: "reject"; readonly status: number; readonly reason?: string }
  | { readonly kind: "redirect"; readonly contact: string }
  /** Rings until the caller gives up. */
  | { readonly kind: "ring" }
  /** Sends no answer at all. */
  | { readonly kind: "silent" };

export interface PartyOptions {
  readonly name: string;
  readonly clock: Clock;
  readonly log: Log;
  readonly address: string;
  readonly listen: SipStackOptions["listen"];
  readonly tls?: NonNullable<SipStackOptions["tls"]>;
  readonly security?: Security;
  /** Calls at one time; default 64. */
  readonly callCountMax?: number;
  /** Chosen for each call that comes in; default: answer at once and say nothing. */
  readonly script?: (invite: IncomingInvite) => CallScript;
  /** A call that came in and had media is over. */
  readonly onEnded?: (call: PartyCall) => void;
}

/** From the answer to the keys or the hold of a script. */
const SETTLE_MS = 1000;
const KEY_GAP_MS = 200;

export interface PlaceOptions {
  readonly from: string;
  /** Where the packets go, when it is not the host of `to`. */
  readonly nextHop?: string;
  readonly credentials?: { readonly username: string; readonly password: string };
  readonly play?: Uint8Array;
  readonly loop?: boolean;
  /** Default true: what is heard is kept. */
  readonly record?: boolean;
  readonly headers?: OutgoingInviteOptions["headers"];
  readonly codecs?: LocalMedia["codecs"];
  readonly tlsVerify?: boolean;
}

/** One call of a party. */
export class PartyCall {
  readonly leg: PartyLeg;
  /** Of a call that came in: the INVITE as it was received. */
  readonly invite: IncomingInvite | undefined;
  dialog: Dialog | undefined;
  negotiated: Negotiated | undefined;
  /** Final SIP status, 0 before. */
  status = 0;
  /** Statuses of provisional answers that were received. */
  readonly progress: number[] = [];
  readonly placedMs: number;
  answeredMs = 0;
  /** Ends a call that was placed and is not answered yet (CANCEL). */
  withdraw: (() => void) | undefined;
  /** What both sides have described, once they have. */
  agreed: Agreed | undefined;
  readonly #ended = Promise.withResolvers<void>();
  readonly #answered = Promise.withResolvers<boolean>();

  constructor(leg: PartyLeg, placedMs: number, invite?: IncomingInvite) {
    this.leg = leg;
    this.placedMs = placedMs;
    this.invite = invite;
  }

  /** Resolves with true when the call was answered, false when it failed. */
  get answered(): Promise<boolean> {
    return this.#answered.promise;
  }

  /** Resolves when the call is over and its media closed. */
  get ended(): Promise<void> {
    return this.#ended.promise;
  }

  hangup(): void {
    if (this.dialog === undefined) this.withdraw?.();
    else this.dialog.bye();
    this.finish();
  }

  /** Used by the party. */
  up(dialog: Dialog, nowMs: number): void {
    this.dialog = dialog;
    this.status = 200;
    this.answeredMs = nowMs;
    dialog.onEnded = () => this.finish();
    this.#answered.resolve(true);
  }

  /** Used by the party. */
  finish(): void {
    this.leg.close();
    this.#answered.resolve(false);
    this.#ended.resolve();
  }
}

export class Party {
  readonly stack: SipStack;
  readonly media: PartyMedia;
  /** Calls that came in, oldest first. */
  readonly received: PartyCall[] = [];
  readonly #options: PartyOptions;

  private constructor(options: PartyOptions) {
    this.#options = options;
    this.media = new PartyMedia(options.clock, options.address, options.callCountMax);
    this.stack = new SipStack({
      listen: options.listen,
      ...(options.tls === undefined ? {} : { tls: options.tls }),
      clock: options.clock,
      log: options.log,
      userAgentName: options.name,
    });
    this.stack.onInvite = (invite) => void this.#incoming(invite);
    this.stack.onRequest = (request) => request.respond(request.request.method === "OPTIONS" ? 200 : 405);
  }

  static async start(options: PartyOptions): Promise<Party> {
    const party = new Party(options);
    await party.stack.start();
    return party;
  }

  async stop(): Promise<void> {
    for (const call of this.received) call.dialog?.bye();
    await this.stack.stop();
    this.media.stop();
  }

  /** Places a call; the result is there when the final answer is. */
  async call(to: string, options: PlaceOptions): Promise<PartyCall> {
    const leg = await this.media.openLeg();
    const local = this.#local(leg, options.codecs);
    const offer = createOffer(local, { randomBytes });
    const call = new PartyCall(leg, this.#options.clock.nowMs());
    leg.recording = options.record ?? true;
    if (options.play !== undefined) leg.play(options.play, options.loop);
    const invite = this.stack.invite({
      uri: parseUri(to),
      ...(options.nextHop === undefined ? {} : { nextHop: parseUri(options.nextHop) }),
      from: { displayName: "", uri: parseUri(options.from), params: new Map() },
      to: { displayName: "", uri: parseUri(to), params: new Map() },
      body: { contentType: "application/sdp", content: formatSession(offer) },
      ...(options.credentials === undefined ? {} : { credentials: options.credentials }),
      ...(options.headers === undefined ? {} : { headers: options.headers }),
      tlsVerify: options.tlsVerify ?? true,
    });
    call.withdraw = () => invite.cancel();
    const apply = (body: Uint8Array): void => {
      if (body.length === 0) return;
      const remote = parseSession(new TextDecoder().decode(body));
      call.negotiated = applyAnswer(offer, remote, local);
      call.agreed = { local: offer, remote };
      leg.configure(mediaOptionsOf(call.negotiated));
    };
    invite.onProgress = (response) => {
      call.progress.push(response.status);
      apply(response.body);
    };
    invite.onAccepted = (response, dialog) => {
      apply(response.body);
      this.#answerReoffers(call, dialog, local);
      call.up(dialog, this.#options.clock.nowMs());
    };
    invite.onRejected = (response) => {
      call.status = response.status;
      call.finish();
    };
    invite.onFailed = () => {
      call.status = 408;
      call.finish();
    };
    return call;
  }

  async #incoming(invite: IncomingInvite): Promise<void> {
    const script = this.#options.script?.(invite) ?? { kind: "answer" };
    if (script.kind === "silent") {
      invite.drop();
      return;
    }
    if (script.kind === "reject" || script.kind === "redirect") {
      if (script.kind === "redirect") invite.reject(302, { headers: [["Contact", `<${script.contact}>`]] });
      else invite.reject(script.status, script.reason === undefined ? {} : { reason: script.reason });
      return;
    }
    const leg = await this.media.openLeg();
    const call = new PartyCall(leg, this.#options.clock.nowMs(), invite);
    this.received.push(call);
    const { onEnded } = this.#options;
    if (onEnded !== undefined) void call.ended.then(() => onEnded(call));
    invite.onCancelled = () => {
      call.status = 487;
      call.finish();
    };
    const local = this.#local(leg);
    try {
      const remote = parseSession(new TextDecoder().decode(invite.request.body));
      const { answer, negotiated } = answerOffer(remote, local, { randomBytes });
      call.negotiated = negotiated;
      call.agreed = { local: answer, remote };
      this.#take(call, invite, script, formatSession(answer), local);
    } catch {
      call.status = 488;
      invite.reject(488);
      call.finish();
    }
  }

  #take(
    call: PartyCall,
    invite: IncomingInvite,
    script: CallScript & { kind: "answer" | "ring" },
    answer: string,
    local: LocalMedia,
  ): void {
    const body = { contentType: "application/sdp", content: answer };
    if (script.kind === "ring") {
      invite.progress(180);
      return;
    }
    call.leg.recording = script.record ?? true;
    const start = (): void => {
      call.leg.configure(mediaOptionsOf(call.negotiated!));
      call.leg.echo = script.echo === true;
      if (script.play !== undefined) call.leg.play(script.play, script.loop);
    };
    const accept = (): void => {
      if (call.status !== 0) return;
      if (script.early !== true) start();
      const dialog = invite.accept({ body });
      this.#answerReoffers(call, dialog, local);
      call.up(dialog, this.#options.clock.nowMs());
      this.#follow(call, script, local);
    };
    if (script.early === true) {
      start();
      invite.progress(183, { body });
    } else if (script.afterMs !== undefined) invite.progress(180);
    if (script.afterMs === undefined) accept();
    else this.#options.clock.after(script.afterMs, accept);
  }

  /** What a script does after the answer, as long as the call lasts. */
  #follow(call: PartyCall, script: CallScript & { kind: "answer" }, local: LocalMedia): void {
    const { clock } = this.#options;
    const later = (ms: number, act: () => void): void => {
      clock.after(ms, () => {
        if (call.dialog?.ended === false) act();
      });
    };
    if (script.hangUpAfterMs !== undefined) later(script.hangUpAfterMs, () => call.hangup());
    for (const [index, digit] of [...(script.digits ?? "")].entries())
      later(SETTLE_MS + index * KEY_GAP_MS, () => call.leg.sendDigit(digit));
    if (script.holdMs !== undefined) {
      later(SETTLE_MS, () => void this.reoffer(call, { ...local, direction: { sending: true, receiving: false } }));
      later(SETTLE_MS + script.holdMs, () => void this.reoffer(call, local));
    }
  }

  /** A re-INVITE that describes the media anew; one that is refused or lost changes nothing. */
  async reoffer(call: PartyCall, local: LocalMedia): Promise<void> {
    const { dialog, agreed } = call;
    if (dialog === undefined || agreed === undefined) return;
    const offer = createOffer(local, { randomBytes, previous: agreed });
    try {
      const response = await dialog.reoffer("INVITE", {
        contentType: "application/sdp",
        content: formatSession(offer),
      });
      if (response.status !== 200) return;
      const remote = parseSession(new TextDecoder().decode(response.body));
      call.negotiated = applyAnswer(offer, remote, local);
      call.agreed = { local: offer, remote };
      call.leg.configure(mediaOptionsOf(call.negotiated));
    } catch (error) {
      this.#options.log.warn("a re-INVITE of a simulated party failed", { error: messageOf(error) });
    }
  }

  #answerReoffers(call: PartyCall, dialog: Dialog, local: LocalMedia): void {
    dialog.onReoffer = (request) => {
      const remote = parseSession(new TextDecoder().decode(request.request.body));
      const { answer, negotiated } = answerOffer(remote, local, { randomBytes });
      call.agreed = { local: answer, remote };
      call.negotiated = negotiated;
      call.leg.configure(mediaOptionsOf(negotiated));
      request.respond(200, { body: { contentType: "application/sdp", content: formatSession(answer) } });
    };
  }

  #local(leg: PartyLeg, codecs?: LocalMedia["codecs"]): LocalMedia {
    return {
      address: this.#options.address,
      rtpPort: leg.rtpPort,
      rtcpPort: leg.rtcpPort,
      security: this.#options.security ?? "none",
      sessionId: String(randomInt(1, 2 ** 31)),
      ...(codecs === undefined ? {} : { codecs }),
    };
  }
}
