/**
 * An INVITE that makes a new call here (RFC 3261 §13.3): 100, provisional answers, reliable where that is wanted
 * (RFC 3262), one final answer, CANCEL, Expires.
 */

import type { Timer } from "../../base/clock.ts";
import { TransportError } from "../../base/errors.ts";
import { createResponse } from "../build.ts";
import { lists } from "../header-values.ts";
import type { HeldRequest } from "../held-request.ts";
import type { ExtraHeaders, Flow, SipBody, SipRequest } from "../message.ts";
import { withTag } from "../name-addr.ts";
import { parseDecimal } from "../tokens.ts";
import type { ServerTransaction, ServerUser } from "../transaction/server-transaction.ts";
import type { SipUri } from "../uri.ts";
import type { AnswerOptions, Dialog, IncomingInvite, InDialogRequest } from "../user-agent.ts";
import { ConfirmedDialog } from "./confirmed-dialog.ts";
import { contactFor, type SipCore, server } from "./core.ts";
import { isFromPeer } from "./dialog-peer.ts";
import type { DialogEndpoint } from "./dialog-table.ts";
import { supported, unknownExtensions } from "./extensions.ts";
import { OfferExchange, retryAfter } from "./offer-exchange.ts";
import { ReliableAnswers } from "./reliable-answers.ts";
import { contactOf, recordRoutes } from "./route-set.ts";
import { answerSession } from "./session-timer.ts";

/** An answer that is not there yet is announced by 100 well inside the 200 ms of SIP-TXN-5. */
const TRYING_AFTER_MS = 100;
/** RFC 3261 §13.3.1.1: a provisional answer is repeated each minute, so that proxies keep the transaction. */
const KEEP_PROVISIONAL_MS = 60_000;

export class UasInvite implements IncomingInvite, DialogEndpoint, ServerUser {
  readonly flow: Flow;
  readonly localTag: string;
  onReoffer: ((request: InDialogRequest) => void) | undefined;
  onEarlyAnswer: ((prack: SipRequest) => void) | undefined;

  readonly #core: SipCore;
  readonly #transaction: ServerTransaction;
  readonly #held: HeldRequest;
  /** Most have none. */
  #reliable: ReliableAnswers | undefined;
  /** Accepted, but the 2xx waits for a PRACK. */
  #heldBack: ConfirmedDialog | undefined;
  /** Offers from the INVITE on; a caller that made none is owed one. */
  readonly #exchange: OfferExchange;
  /** The offer of the INVITE has its answer, or ours (in a reliable answer) has. */
  #agreed = false;
  /** Of their last UPDATE. */
  #refreshedTarget: SipUri | undefined;
  /** What we said about the session last. */
  #localBody: SipBody | undefined;
  #final = false;
  #remoteSequence: number;
  #onCancelled: IncomingInvite["onCancelled"];
  /** The caller gave up before anybody listened. */
  #gaveUp: { readonly reason: string; readonly request: SipRequest | undefined } | undefined;
  #trying: Timer | undefined;
  #expires: Timer | undefined;
  #keep: Timer | undefined;

  constructor(core: SipCore, transaction: ServerTransaction) {
    this.#core = core;
    this.#transaction = transaction;
    this.#held = transaction.held;
    const { request } = this;
    this.localTag = transaction.localTag;
    this.flow = transaction.flow;
    this.#remoteSequence = request.cseq.number;
    this.#exchange = new OfferExchange(request.body.length > 0 ? "them" : "us");
    core.dialogs.addEarly(request.callId, this.localTag, this);
    this.#trying = core.clock.after(TRYING_AFTER_MS, () => transaction.respond(createResponse(this.request, 100)));
    const expiresSeconds = parseDecimal(request.headers.get("Expires")?.trim() ?? "", 2 ** 31);
    if (expiresSeconds !== undefined && expiresSeconds > 0)
      this.#expires = core.clock.after(Math.min(expiresSeconds * 1000, 2 ** 31 - 1), () =>
        this.#cancelled("the INVITE expired"),
      );
    transaction.user = this;
  }

  get request(): SipRequest {
    return this.#held.request;
  }

  /** Where the early dialog has its other end. */
  get #remoteTarget(): SipUri | undefined {
    return this.#refreshedTarget ?? contactOf(this.request.headers);
  }

  get #bodyIsPending(): boolean {
    return this.#reliable?.bodyIsPending === true;
  }

  /** Called by the transaction. */
  cancelled(cancel: SipRequest): void {
    this.#cancelled(cancel.headers.get("Reason") ?? "", cancel);
  }

  /** Called by the transaction. */
  failed(reason: string): void {
    this.#unreachable(reason);
  }

  get onCancelled(): IncomingInvite["onCancelled"] {
    return this.#onCancelled;
  }

  set onCancelled(listener: IncomingInvite["onCancelled"]) {
    this.#onCancelled = listener;
    const gaveUp = this.#gaveUp;
    if (listener === undefined || gaveUp === undefined) return;
    this.#gaveUp = undefined;
    listener(gaveUp.reason, gaveUp.request);
  }

  get takesEarlyOffer(): boolean {
    const { headers } = this.request;
    return this.#core.reliable && (lists(headers, "Require", "100rel") || lists(headers, "Supported", "100rel"));
  }

  progress(status: number, options: AnswerOptions = {}): void {
    if (status <= 100 || status >= 200) throw new RangeError(`status: 101 to 199, not ${status}`);
    if (this.#final) return;
    if (this.#reliable === undefined) this.#progress(status, options);
    else this.#reliable.whenFree(() => this.#progress(status, options));
  }

  #progress(status: number, options: AnswerOptions): void {
    if (this.#final) return;
    const { request } = this;
    const isRequired = lists(request.headers, "Require", "100rel");
    // Offer and answer are over once they went reliably; a further description would mean nothing (RFC 6337 §2.2).
    const { body, ...rest } = options;
    const described = this.#agreed || body === undefined ? rest : { ...rest, body };
    const hasBody = "body" in described;
    // The first reliable answer to an INVITE without an offer has to make one (RFC 3261 §13.2.1); 100 says enough.
    if (isRequired && !hasBody && request.body.length === 0 && this.#localBody === undefined) return;
    this.#keep?.cancel();
    // One with a session description is worth a PRACK, ringing is not (SIP-PRK-1).
    if (isRequired ? this.#core.reliable : hasBody && this.takesEarlyOffer) {
      if (hasBody) this.#describes(body!);
      this.#reliable ??= new ReliableAnswers(this.#core, request.cseq.number, () => this.#unacknowledged());
      this.#reliable.send(hasBody, (extra) => this.#provisional(status, described, extra));
    } else {
      this.#provisional(status, described, []);
      this.#remindLater();
    }
  }

  /** A reliable answer answers the offer of the INVITE; without one it makes ours, which its PRACK answers. */
  #describes(body: SipBody): void {
    this.#localBody = body;
    if (this.#agreed || this.request.body.length === 0) return;
    this.#agreed = true;
    this.#exchange.theirs = false;
  }

  accept(options: AnswerOptions): Dialog {
    if (this.#final) throw new TypeError("accept: the INVITE has a final answer already");
    const answerInAck = this.request.body.length === 0 && !this.#agreed && !this.#bodyIsPending;
    // The 2xx is the answer at the latest.
    if (this.request.body.length > 0 && !this.#agreed) this.#exchange.theirs = false;
    this.#localBody = options.body ?? this.#localBody;
    const { request, flow } = this;
    this.#finish();
    const settings = this.#core.sessionTimer;
    const session = settings === undefined ? undefined : answerSession(request, settings);
    const dialog = new ConfirmedDialog(this.#core, {
      role: "uas",
      callId: request.callId,
      local: withTag(request.to, this.localTag),
      remote: request.from,
      localTag: this.localTag,
      remoteTag: request.from.params.get("tag") ?? "",
      localSequence: Math.floor(this.#core.random() * 2 ** 16) + 1,
      inviteSequence: 0,
      remoteSequence: this.#remoteSequence,
      // A peer without Contact is reached where it sent from.
      remoteTarget: this.#remoteTarget ?? {
        ...request.from.uri,
        host: flow.remoteAddress,
        port: flow.remotePort,
        headers: [],
      },
      routes: recordRoutes(request.headers),
      flow,
      tlsVerify: false,
      session: session?.interval,
      remoteTakesUpdate: lists(request.headers, "Allow", "update"),
      ...(this.#localBody === undefined ? {} : { localBody: this.#localBody }),
      exchange: this.#exchange,
      answerInAck,
      onPrack: (transaction) => this.#prack(transaction),
    });
    const headers = [
      ...(options.headers ?? []),
      ...(session?.headers ?? []),
      ["Supported", supported(this.#core)] as const,
    ];
    const send = (): void => this.#respond(200, { ...options, headers }, true);
    const begin = (): void => {
      if (!dialog.ended) send();
      dialog.answered(send);
    };
    // No 2xx before the PRACK of a session description (RFC 3262 §3); any other PRACK may come later.
    if (this.#bodyIsPending) {
      this.#heldBack = dialog;
      this.#reliable!.whenFree(() => {
        this.#heldBack = undefined;
        begin();
      });
    } else {
      this.#reliable?.stop();
      begin();
    }
    return dialog;
  }

  reject(status: number, options: AnswerOptions = {}): void {
    if (status < 300 || status > 699) throw new RangeError(`status: 300 to 699, not ${status}`);
    if (this.#final) return;
    this.#finish();
    this.#reliable?.stop();
    this.#transaction.onlyWhenAsked = options.onlyWhenAsked === true;
    this.#respond(status, options, false);
  }

  drop(): void {
    if (this.#final) return;
    this.#finish();
    this.#reliable?.stop();
    this.#transaction.drop();
  }

  /** Requests on the early dialog: PRACK, UPDATE, and BYE, by which the caller gives up (RFC 3261 §15). */
  receive(transaction: ServerTransaction): void {
    const { request, flow } = transaction;
    const respond = (status: number, headers: ExtraHeaders = []): void =>
      this.#respondTo(transaction, status, { headers });
    if (!this.#isFromPeer(flow)) {
      respond(481);
      return;
    }
    if (request.cseq.number < this.#remoteSequence) {
      respond(500);
      return;
    }
    this.#remoteSequence = request.cseq.number;
    const unknown = unknownExtensions(this.#core, request);
    if (unknown.length > 0) respond(420, [["Unsupported", unknown.join(", ")]]);
    else if (request.method === "PRACK") this.#prack(transaction);
    else if (request.method === "BYE") {
      respond(200);
      this.#cancelled("BYE before the answer", request);
    } else if (request.method === "UPDATE") this.#update(transaction);
    // Their first INVITE has no answer yet (RFC 3261 §14.2).
    else if (request.method === "INVITE") respond(500, retryAfter(this.#core.random));
    else respond(481);
  }

  #isFromPeer(flow: Flow): boolean {
    if (this.#remoteTarget === undefined) return flow.remoteAddress === this.flow.remoteAddress;
    const routes = recordRoutes(this.request.headers);
    return isFromPeer(flow, { flows: [this.flow], remoteTarget: this.#remoteTarget, routes });
  }

  /** Refreshes the target; with an offer only after the first exchange is over (RFC 3311 §5). */
  #update(transaction: ServerTransaction): void {
    const { request, flow } = transaction;
    const answer = (status: number, options: AnswerOptions = {}): void => {
      const isAccepted = status < 300;
      if (isAccepted) {
        this.#refreshedTarget = contactOf(request.headers) ?? this.#refreshedTarget;
        this.#localBody = options.body ?? this.#localBody;
      }
      const described: ExtraHeaders = [
        ["Contact", contactFor(this.#core, flow)],
        ["Allow", this.#core.allow],
      ];
      this.#respondTo(transaction, status, {
        ...options,
        headers: [...(options.headers ?? []), ...(isAccepted ? described : [])],
      });
    };
    if (request.body.length === 0) answer(200);
    else this.#exchange.take({ request, flow, respond: answer }, this.onReoffer, this.#core.random);
  }

  acknowledged(): void {
    // An ACK before any 2xx means nothing.
  }

  #prack(transaction: ServerTransaction): void {
    const { request, flow } = transaction;
    // The answer goes first: what waits for the PRACK may be the 2xx.
    const answer = (status: number, options: AnswerOptions = {}): void => {
      if (status < 200) return;
      if (status < 300) this.#localBody = options.body ?? this.#localBody;
      this.#respondTo(transaction, status, options);
      this.#reliable?.release();
    };
    if (this.#reliable?.take(request) !== true) this.#respondTo(transaction, 481);
    else if (this.request.body.length === 0 && !this.#agreed && this.#bodyIsPending) {
      // The answer to our offer. Whether it is any good, or missing, is for our user to say.
      this.#agreed = true;
      this.#exchange.ours = false;
      this.onEarlyAnswer?.(request);
      answer(200);
    } else if (request.body.length === 0) answer(200);
    // A PRACK is not sent again, so that an offer which comes too early is refused for good.
    else if (this.#exchange.isOpen) answer(488);
    else {
      const user = this.#final ? this.#heldBack?.onReoffer : this.onReoffer;
      this.#exchange.take({ request, flow, respond: answer }, user, this.#core.random);
    }
  }

  #respondTo(transaction: ServerTransaction, status: number, options: AnswerOptions = {}): void {
    if (transaction.hasFinal) return;
    transaction.respond(
      createResponse(transaction.request, status, {
        ...options,
        headers: [...(options.headers ?? []), ...server(this.#core)],
      }),
    );
  }

  #provisional(status: number, options: AnswerOptions, extra: ExtraHeaders): void {
    this.#respond(status, { ...options, headers: [...(options.headers ?? []), ...extra] }, true);
  }

  #remindLater(): void {
    this.#keep = this.#core.clock.after(KEEP_PROVISIONAL_MS, () => {
      this.#transaction.remind();
      this.#remindLater();
    });
  }

  /** No PRACK for 64·T1: the INVITE has failed (RFC 3262 §3). */
  #unacknowledged(): void {
    this.#fail(504, "no PRACK came for a reliable provisional answer");
  }

  #cancelled(reason: string, request?: SipRequest): void {
    this.#fail(487, reason === "" ? "the caller gave up" : reason, request);
  }

  /** Ends the INVITE against the will of our user: before the answer, or while the answer is held back. */
  #fail(status: number, reason: string, request?: SipRequest): void {
    const held = this.#heldBack;
    if (this.#final && held === undefined) return;
    this.#heldBack = undefined;
    this.#reliable?.stop();
    if (held === undefined) this.#finish();
    this.#respond(status, {}, false);
    if (held === undefined) this.#tellCancelled(reason, request);
    else held.unanswered(new TransportError("TRANSPORT_LOST", reason));
  }

  /** No answer reaches the caller any more, so there is nobody to call for. Over UDP the next repeat may get through. */
  #unreachable(reason: string): void {
    if (this.#final || this.flow.transport === "udp") return;
    this.#finish();
    this.#reliable?.stop();
    this.#transaction.drop();
    this.#tellCancelled(`the caller cannot be reached: ${reason}`);
  }

  /** Whoever takes the call may still be waiting for its media: a phone must not ring for a caller who has gone. */
  #tellCancelled(reason: string, request?: SipRequest): void {
    if (this.#onCancelled === undefined) this.#gaveUp = { reason, request };
    else this.#onCancelled(reason, request);
  }

  #finish(): void {
    this.#final = true;
    this.#trying?.cancel();
    this.#expires?.cancel();
    this.#keep?.cancel();
    this.#core.dialogs.removeEarly(this.request.callId, this.localTag);
  }

  #respond(status: number, options: AnswerOptions, withContact: boolean): void {
    this.#trying?.cancel();
    this.#trying = undefined;
    // Nothing that becomes of a final answer matters here any more.
    if (status >= 200) this.#transaction.user = undefined;
    const headers: [string, string][] = [...((options.headers ?? []) as [string, string][])];
    if (withContact) headers.push(["Contact", contactFor(this.#core, this.flow)], ["Allow", this.#core.allow]);
    headers.push(...(server(this.#core) as [string, string][]));
    this.#transaction.respond(
      createResponse(this.request, status, {
        toTag: this.localTag,
        headers,
        ...(options.reason === undefined ? {} : { reason: options.reason }),
        ...(options.body === undefined ? {} : { body: options.body }),
      }),
    );
  }
}
