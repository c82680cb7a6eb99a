/**
 * One attempt to reach one target (UAC): its own media leg, offer and INVITE. Exactly one of `onAnswered` and `onFailed`
 * is called, once, unless the attempt is abandoned.
 */

import { type GatewayError, messageOf, TransactionTimeoutError } from "../base/errors.ts";
import type { WorkerHandle } from "../scheduler/worker-handle.ts";
import { lists } from "../sip/header-values.ts";
import type { ExtraHeaders, NameAddr, SipResponse } from "../sip/message.ts";
import type { SipUri } from "../sip/uri.ts";
import type { Dialog, InDialogRequest, OutgoingInvite } from "../sip/user-agent.ts";
import type { HeaderList } from "../trunking/uri-parts.ts";
import { answerReoffer, rejection, sdpBody } from "./answer-reoffer.ts";
import type { Call } from "./call.ts";
import type { CallContext } from "./call-context.ts";
import { CallLeg } from "./call-leg.ts";
import type { LocalEdge } from "./local-edges.ts";
import { MediaLeg } from "./media-leg.ts";
import { LegNegotiation, type MediaPolicy, sdpOf } from "./negotiation.ts";

/** All that one INVITE needs. */
export interface OutboundTarget {
  /** For people: the URI as configured. */
  readonly label: string;
  /** Its record, or undefined for one that has none. */
  readonly sid?: string;
  readonly uri: SipUri;
  readonly nextHop?: SipUri;
  readonly from: NameAddr;
  readonly to: NameAddr;
  readonly headers: ExtraHeaders;
  /** Those of them that the target's URI and the diversion made: a redirection has them again (R-REDIR-13). */
  readonly plannedHeaders?: HeaderList;
  readonly credentials?: { readonly username: string; readonly password: string };
  readonly media: MediaPolicy;
  readonly tlsVerify: boolean;
  readonly maxForwards: number;
  /** Display name of Contact (R-CNAM-2). */
  readonly contactName?: string;
  /** Where the leg leaves from: signalling and media are on the addresses of this edge. */
  readonly edge: LocalEdge;
  /** Why it cannot leave from there; the target is passed over (R-EDGE-12). */
  readonly unusable?: string;
}

/** How an attempt failed; `status` 0 stands for no answer at all. */
export interface AttemptFailure {
  readonly kind: "status" | "silent" | "unreachable" | "media" | "hung-up";
  readonly status: number;
  readonly text: string;
  readonly response?: SipResponse;
  /** Code of the error where there was no answer. */
  readonly cause?: string;
}

export class OutboundLeg {
  readonly call: Call;
  readonly target: OutboundTarget;
  readonly #ctx: CallContext;
  readonly #negotiation: LegNegotiation;
  readonly #invite: OutgoingInvite;
  #media: MediaLeg;
  #done = false;
  /** SDP of the last early answer that was applied; the same text again changes nothing. */
  #appliedAnswer = "";
  /** To tag of the fork whose answer that was. */
  #answeredBy = "";
  /** It came in a reliable provisional answer, and is the only one that counts (RFC 3261 §13.2.1). */
  #isFinalAnswer = false;
  /** That fork made an offer of its own since then, so that what its further answers say of the first one is old. */
  #isReoffered = false;
  onFirstAnswer: (() => void) | undefined;
  /** A provisional answer of this early dialog came, the first or a further one. */
  onEarlyDialog: ((dialog: { callId: string; localTag: string; remoteTag: string }) => void) | undefined;
  /** 101 to 199; `early` when it brought SDP, which has been applied. */
  onProgress: ((status: number, early: boolean) => void) | undefined;
  onAnswered: ((leg: CallLeg, response: SipResponse) => void) | undefined;
  onFailed: ((failure: AttemptFailure) => void) | undefined;

  private constructor(ctx: CallContext, call: Call, target: OutboundTarget, media: MediaLeg) {
    this.#ctx = ctx;
    this.call = call;
    this.target = target;
    this.#media = media;
    this.#negotiation = new LegNegotiation(target.media, media.ports);
    this.#invite = ctx.stack.invite({
      uri: target.uri,
      ...(target.nextHop === undefined ? {} : { nextHop: target.nextHop }),
      from: target.from,
      to: target.to,
      headers: target.headers,
      body: sdpBody(this.#negotiation.makeOffer()),
      maxForwards: target.maxForwards,
      ...(target.edge.sendFrom === undefined ? {} : { localAddresses: target.edge.sendFrom }),
      ...(target.credentials === undefined ? {} : { credentials: target.credentials }),
      tlsVerify: target.tlsVerify,
      ...(target.contactName === undefined ? {} : { contactName: target.contactName }),
      noAnswerMs: ctx.settings.noAnswerMs,
    });
    call.sipCallId = this.#invite.callId;
    const parent = call.details.parentSid === undefined ? undefined : ctx.calls.bySid(call.details.parentSid);
    ctx.loops.sent(this.#invite.callId, parent?.details.path ?? []);
    this.#tellOfAddresses();
    this.#invite.onFirstAnswer = () => this.onFirstAnswer?.();
    this.#invite.onProgress = (response) => this.#described(response, (sdp) => void this.#progress(response, sdp));
    this.#invite.onReoffer = (request) => void this.#reoffered(request);
    this.#invite.onAccepted = (response, dialog) => this.#accepted(response, dialog);
    this.#invite.onRejected = (response) =>
      this.#fail({ kind: "status", status: response.status, text: `${response.status} ${response.reason}`, response });
    this.#invite.onFailed = (error) => this.#fail(failureOf(error));
    media.listen({ onLegLost: () => this.#lost() });
  }

  /** Where the target is, and which of several addresses failed; what happens to the last one is the attempt's own result. */
  #tellOfAddresses(): void {
    const { callId } = this.#invite;
    const target = this.target.label;
    let left = 0;
    this.#invite.onLocated = (addresses) => {
      left = addresses.length;
      const where = addresses.map(({ transport, address, port }) => `${transport} ${address}:${port}`).join(", ");
      const isPlain = addresses.length === 1 && target.includes(addresses[0]!.address);
      this.call.note("attempt", `INVITE to ${target}${isPlain ? "" : `, that is ${where || "nowhere"}`}`, {
        code: "target.tried",
        target,
        addresses: where,
        callId,
        security: this.target.media.security,
        tlsVerify: this.target.tlsVerify,
      });
    };
    this.#invite.onAddressFailed = ({ transport, address, port }, error) => {
      if (--left <= 0) return;
      const where = `${transport} ${address}:${port}`;
      this.call.note("attempt", error.message.startsWith(where) ? error.message : `${where}: ${error.message}`, {
        code: "address.failed",
        target,
        address: where,
        error: error.code,
      });
    };
  }

  /** @throws MediaError when no port or slot is free */
  static async start(ctx: CallContext, call: Call, worker: WorkerHandle, target: OutboundTarget): Promise<OutboundLeg> {
    const media = await MediaLeg.open(worker, target.media.bindAddress, {});
    return new OutboundLeg(ctx, call, target, media);
  }

  get media(): MediaLeg {
    return this.#media;
  }

  /** CANCEL; `onFailed` follows. */
  cancel(reason?: string): void {
    if (!this.#done) this.#invite.cancel(reason);
  }

  /** Gives up at once without a callback. */
  abandon(): void {
    if (this.#done) return;
    this.#done = true;
    this.#invite.abandon();
    void this.#media.close();
  }

  /** Goes on at once where the description names no host: answers that come together stay in order. */
  #described(response: SipResponse, goOn: (sdp: string) => void): void {
    const sdp = this.#ctx.names.numeric(sdpOf(response), this.#negotiation.bindAddress);
    if (typeof sdp === "string") goOn(sdp);
    else void sdp.then(goOn);
  }

  async #progress(response: SipResponse, sdp: string): Promise<void> {
    // 199 ends one branch of a fork and rings nowhere (RFC 6228 §4).
    if (this.#done || response.status === 199) return;
    this.call.apply("rang");
    const remoteTag = response.to.params.get("tag") ?? "";
    const localTag = response.from.params.get("tag") ?? "";
    if (remoteTag !== "") this.onEarlyDialog?.({ callId: this.#invite.callId, localTag, remoteTag });
    let early = false;
    try {
      const applied = this.#applyAnswer(response, sdp);
      early = applied !== undefined;
      await applied;
    } catch (error) {
      // SDP of an unreliable provisional answer that is no use: wait for the final one.
      this.call.note("media", `SDP of ${response.status} not usable: ${messageOf(error)}`, { code: "early.unusable" });
    }
    if (!this.#done) this.onProgress?.(response.status, early);
  }

  #accepted(response: SipResponse, dialog: Dialog): void {
    if (this.#done) {
      dialog.bye();
      return;
    }
    this.#done = true;
    // The leg listens from now on, so that a BYE which comes while the worker is being told is not missed.
    const leg = new CallLeg(this.#ctx, this.call, this.#media, this.#negotiation, dialog);
    this.#described(response, (sdp) => this.#take(leg, response, sdp));
  }

  #take(leg: CallLeg, response: SipResponse, sdp: string): void {
    try {
      if (sdp === "" && this.#appliedAnswer === "") throw new Error("the 200 carries no SDP");
      // Not waited for: the caller is to be answered, and the worker takes requests in order.
      this.#applyAnswer(response, sdp)?.catch((error) =>
        leg.lose(`the media could not be set up: ${messageOf(error)}`),
      );
    } catch (error) {
      // SDP-21: a bad answer is acknowledged, then the call is ended.
      const text = `answer not usable: ${messageOf(error)}`;
      this.call.note("media", text, { code: "answer.unusable" });
      leg.hangup('SIP;cause=488;text="Not Acceptable Here"');
      this.onFailed?.({ kind: "media", status: 488, text });
      return;
    }
    if (leg.ended) {
      this.onFailed?.({ kind: "hung-up", status: 480, text: "the far end hung up while it was answering" });
      return;
    }
    this.call.sipStatus = response.status;
    const { offered, summary } = this.#negotiation;
    this.call.note("media", `answered with ${offered}; taken ${summary}`, { code: "sdp.chosen", offered });
    this.onAnswered?.(leg, response);
  }

  /**
   * @returns undefined without a description, else what the worker makes of it
   * @throws SdpError when it does not fit the offer
   */
  #applyAnswer(response: SipResponse, answer: string): Promise<void> | undefined {
    if (answer === "") return undefined;
    const fork = response.to.params.get("tag") ?? "";
    const isOld = (this.#isReoffered || this.#isFinalAnswer) && fork === this.#answeredBy;
    if (answer === this.#appliedAnswer || isOld) return Promise.resolve();
    const options = this.#negotiation.acceptAnswer(answer, this.#isReoffered);
    this.#appliedAnswer = answer;
    this.#answeredBy = fork;
    this.#isFinalAnswer = response.status < 200 && lists(response.headers, "Require", "100rel");
    this.#isReoffered = false;
    return this.#media.configure(options);
  }

  /** UPDATE with an offer before the answer (SIP-UPD-1). The media are those of one fork: others have to wait for theirs. */
  async #reoffered(request: InDialogRequest): Promise<void> {
    if (this.#done || request.request.from.params.get("tag") !== this.#answeredBy) {
      request.respond(488, rejection("the media are those of another early dialog"));
      return;
    }
    const { call, media } = this;
    const { names } = this.#ctx;
    this.#isReoffered = true;
    await answerReoffer({ call, media, negotiation: this.#negotiation, names }, request);
  }

  #lost(): void {
    if (this.#done) return;
    this.#invite.abandon();
    this.#fail({ kind: "media", status: 500, text: "the media worker of this call was lost" });
  }

  #fail(failure: AttemptFailure): void {
    if (this.#done) return;
    this.#done = true;
    void this.#media.close();
    this.onFailed?.(failure);
  }
}

function failureOf(error: GatewayError): AttemptFailure {
  return error instanceof TransactionTimeoutError
    ? { kind: "silent", status: 0, text: error.message, cause: error.code }
    : { kind: "unreachable", status: 0, text: error.message, cause: error.code };
}
