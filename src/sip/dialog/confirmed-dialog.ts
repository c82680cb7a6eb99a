/**
 * A dialog that was confirmed by a 2xx (RFC 3261 §12): requests of the far end, re-INVITE and UPDATE with glare handling
 * (§14, RFC 3311), repeats of our 2xx, session timer, BYE. What an offer means is decided above.
 */

import { type GatewayError, messageOf, TransactionTimeoutError, TransportError } from "../../base/errors.ts";
import { step } from "../../base/machine.ts";
import { createResponse } from "../build.ts";
import type { ExtraHeaders, Flow, NameAddr, SipBody, SipRequest, SipResponse } from "../message.ts";
import type { ServerTransaction } from "../transaction/server-transaction.ts";
import type { AnswerOptions, Dialog, DialogEnd, InDialogRequest } from "../user-agent.ts";
import { AnswerRepeater } from "./answer-repeater.ts";
import { contactFor, type SipCore, server } from "./core.ts";
import { isFromPeer } from "./dialog-peer.ts";
import type { DialogSeed } from "./dialog-seed.ts";
import { DialogSender, type RequestContent } from "./dialog-sender.ts";
import { DIALOG_TABLE, type DialogEvent, type DialogState } from "./dialog-state.ts";
import { supported, unknownExtensions } from "./extensions.ts";
import { isKnownMethod, METHODS } from "./methods.ts";
import { type OfferExchange, once, retryAfter } from "./offer-exchange.ts";
import { OwnOffers } from "./own-offers.ts";
import { contactOf } from "./route-set.ts";
import { agreedSession, answerSession, isTooShort, minSeconds, offerSession, SessionTimer } from "./session-timer.ts";

const EXPIRED: ExtraHeaders = [["Reason", 'SIP;cause=408;text="Session Timer Expired"']];

export class ConfirmedDialog implements Dialog {
  readonly callId: string;
  readonly localTag: string;
  readonly remoteTag: string;
  readonly local: NameAddr;
  readonly remote: NameAddr;
  onReoffer: ((request: InDialogRequest) => void) | undefined;
  onRequest: ((request: InDialogRequest) => void) | undefined;
  onAck: ((ack: SipRequest) => void) | undefined;
  onRefreshed: ((response: SipResponse) => void) | undefined;
  onEnded: ((end: DialogEnd) => void) | undefined;

  readonly #core: SipCore;
  readonly #seed: DialogSeed;
  readonly #sender: DialogSender;
  readonly #session: SessionTimer;
  #state: DialogState;
  #remoteSequence: number;
  #localBody: SipBody | undefined;
  /** It said so, and has not refused one since. */
  #remoteTakesUpdate: boolean;
  #repeater: AnswerRepeater | undefined;
  readonly #exchange: OfferExchange;
  /** The answer to the offer of a 2xx comes in its ACK, or is to go there. */
  #answerInAck: boolean;
  readonly #offers: OwnOffers;
  /** A REFER of ours was accepted, so that the far end notifies us. */
  #subscribed = false;
  #byeHeaders: ExtraHeaders = [];
  #lastRequest: SipRequest | undefined;
  #lostError: GatewayError | undefined;

  constructor(core: SipCore, seed: DialogSeed) {
    this.#core = core;
    this.#seed = seed;
    this.callId = seed.callId;
    this.localTag = seed.localTag;
    this.remoteTag = seed.remoteTag;
    this.local = seed.local;
    this.remote = seed.remote;
    this.#remoteSequence = seed.remoteSequence;
    this.#localBody = seed.localBody;
    this.#remoteTakesUpdate = seed.remoteTakesUpdate;
    this.#exchange = seed.exchange;
    this.#answerInAck = seed.answerInAck;
    this.#sender = new DialogSender(core, seed);
    this.#offers = new OwnOffers(core, seed.role === "uac", seed.exchange, {
      isEnded: () => this.ended,
      awaitsAck: () => this.#repeater !== undefined,
      send: (method, content) => this.#send(method, content),
    });
    this.#state = seed.role === "uas" ? "waiting for ACK" : "confirmed";
    this.#session = new SessionTimer(
      core.clock,
      () => void this.#refresh(),
      () => this.#lose(new TransactionTimeoutError("the session was not refreshed in time"), EXPIRED),
    );
    this.#session.agree(seed.session);
    core.dialogs.add(this.callId, this.localTag, this.remoteTag, this);
  }

  get ended(): boolean {
    return this.#state === "ended" || this.#state === "closing";
  }

  acknowledge(body?: SipBody): void {
    if (this.#answerInAck) this.#exchange.theirs = false;
    this.#answerInAck = false;
    this.#localBody = body ?? this.#localBody;
    void this.#sender.acknowledge(body);
  }

  /** A repeat of the 2xx to the INVITE that made the dialog. */
  repeatAck(): void {
    this.#sender.repeatAck(this.#seed.inviteSequence);
  }

  /** UAS: the 2xx goes out now and again until its ACK comes. */
  answered(send: () => void): void {
    this.#repeatUntilAck(send);
  }

  /** UAS: the 2xx never went out, and will not. */
  unanswered(error: GatewayError): void {
    this.#lostError = error;
    this.#fire("lost");
  }

  async reoffer(method: "INVITE" | "UPDATE", body: SipBody, headers: ExtraHeaders = []): Promise<SipResponse> {
    const response = await this.#offers.make(method, { body, headers });
    if (response.status < 300) this.#localBody = body;
    return response;
  }

  async request(method: string, options: RequestContent = {}): Promise<SipResponse> {
    // The first NOTIFY may overtake the 202 (RFC 3515 §2.4.4).
    if (method === "REFER") this.#subscribed = true;
    const response = await this.#send(method, options);
    if (method === "REFER" && response.status >= 300) this.#subscribed = false;
    return response;
  }

  bye(headers: ExtraHeaders = []): void {
    this.#byeHeaders = headers;
    this.#fire("hang up");
  }

  /** A request of the far end in this dialog. */
  receive(transaction: ServerTransaction): void {
    const { request, flow } = transaction;
    const respond = (status: number, options: AnswerOptions = {}): void =>
      this.#respond(transaction, request, status, options);
    if (!this.#isFromPeer(flow)) {
      // R-AUTH-12: the right tags from a foreign address end nothing.
      respond(481);
      return;
    }
    if (request.cseq.number < this.#remoteSequence) {
      // No header name in the phrase: SIPp and its like look for theirs from the first line on.
      respond(500, { reason: "Request Out of Order" });
      return;
    }
    this.#remoteSequence = request.cseq.number;
    if (this.ended && request.method !== "BYE") {
      respond(481);
      return;
    }
    const unknown = unknownExtensions(this.#core, request);
    if (unknown.length > 0) {
      respond(420, { headers: [["Unsupported", unknown.join(", ")]] });
      return;
    }
    switch (request.method) {
      case "BYE":
        respond(200);
        this.#lastRequest = request;
        this.#fire("BYE received");
        break;
      case "INVITE":
      case "UPDATE":
        this.#reoffered(transaction);
        break;
      case "PRACK":
        if (this.#seed.onPrack === undefined) respond(481);
        else this.#seed.onPrack(transaction);
        break;
      case "OPTIONS":
        respond(200, { headers: [["Accept", "application/sdp"]] });
        break;
      case "NOTIFY":
        this.#notified(transaction);
        break;
      default:
        if (!isKnownMethod(request.method)) respond(501);
        else if (this.onRequest === undefined || !METHODS.includes(request.method)) respond(405);
        else this.onRequest({ request, flow, respond: once(respond) });
    }
  }

  /** Only a REFER of ours makes a subscription here (SIP-REF-4). */
  #notified(transaction: ServerTransaction): void {
    const { request, flow } = transaction;
    const respond = (status: number, options: AnswerOptions = {}): void =>
      this.#respond(transaction, request, status, options);
    const event = request.headers.get("Event")?.split(";")[0]?.trim().toLowerCase();
    if (event !== "refer") respond(489, { headers: [["Allow-Events", "refer"]] });
    else if (!this.#subscribed) respond(481);
    else if (this.onRequest === undefined) respond(200);
    else this.onRequest({ request, flow, respond: once(respond) });
  }

  acknowledged(ack: SipRequest, flow: Flow): void {
    if (!this.#isFromPeer(flow)) return;
    const isFirst = this.#repeater !== undefined;
    this.#repeater?.stop();
    this.#repeater = undefined;
    this.#fire("ACK");
    this.#offers.wake();
    if (isFirst && this.#answerInAck) {
      this.#answerInAck = false;
      this.#exchange.ours = false;
    }
    if (isFirst) this.onAck?.(ack);
  }

  #reoffered(transaction: ServerTransaction): void {
    const { request, flow } = transaction;
    const respond = (status: number, options: AnswerOptions = {}): void =>
      this.#respond(transaction, request, status, options);
    const settings = this.#core.sessionTimer;
    if (settings !== undefined && isTooShort(request, settings)) {
      respond(422, { headers: [["Min-SE", String(settings.minSeconds)]] });
      return;
    }
    // UPDATE without an offer refreshes target and session, whatever else is open (SIP-UPD-3).
    const isOffer = request.method === "INVITE" || request.body.length > 0;
    // Their last INVITE is not over before its ACK (RFC 3261 §14.2).
    if (request.method === "INVITE" && this.#repeater !== undefined) {
      respond(500, { headers: retryAfter(this.#core.random) });
      return;
    }
    const answer = (status: number, options: AnswerOptions = {}): void => {
      const isAccepted = status >= 200 && status < 300;
      if (isAccepted) {
        this.#sender.remoteTarget = contactOf(request.headers) ?? this.#sender.remoteTarget;
        this.#sender.flow = flow;
        this.#localBody = options.body ?? this.#localBody;
      }
      const headers = [...(options.headers ?? []), ...(isAccepted ? this.#answerSession(request) : [])];
      const send = (): void => respond(status, { ...options, headers });
      send();
      if (request.method !== "INVITE" || !isAccepted || this.ended) return;
      if (request.body.length === 0) {
        this.#answerInAck = true;
        this.#exchange.ours = true;
      }
      this.#repeatUntilAck(send);
    };
    if (isOffer) this.offered({ request, flow, respond: answer });
    else answer(200);
  }

  /** An offer of theirs, or a request for one of ours. */
  offered(offer: InDialogRequest): void {
    this.#exchange.take(offer, this.onReoffer, this.#core.random);
  }

  /** The session timer of a 2xx of ours begins with it. */
  #answerSession(request: SipRequest): ExtraHeaders {
    const settings = this.#core.sessionTimer;
    if (settings === undefined) return [];
    const { interval, headers } = answerSession(request, settings, this.#session.interval);
    this.#session.agree(interval);
    return headers;
  }

  /** Half of the interval is over (RFC 4028 §7.4). Without UPDATE the same offer is made again, by re-INVITE. */
  async #refresh(): Promise<void> {
    if (this.ended) return;
    // An offer of ours refreshes when it is accepted, and is looked after again when it is not.
    if (this.#offers.isUnderWay) {
      this.#session.again();
      return;
    }
    const withUpdate = this.#remoteTakesUpdate;
    if (!withUpdate && this.#localBody === undefined) return;
    try {
      const response = await (withUpdate ? this.#send("UPDATE", {}) : this.reoffer("INVITE", this.#localBody!));
      if (this.ended) return;
      if (response.status < 300) {
        if (!withUpdate) this.onRefreshed?.(response);
      } else if (withUpdate && (response.status === 405 || response.status === 501)) {
        this.#remoteTakesUpdate = false;
        void this.#refresh();
      } else this.#session.again();
    } catch (error) {
      this.#core.log.debug("session was not refreshed", { error: messageOf(error) });
    }
  }

  #repeatUntilAck(send: () => void): void {
    this.#repeater?.stop();
    this.#repeater = new AnswerRepeater(this.#core.clock, this.#core.timers, send, () => {
      this.#repeater = undefined;
      if (this.#state === "confirmed")
        this.#lose(new TransportError("TRANSPORT_LOST", "no ACK to the answer of a re-INVITE"), []);
      else this.#fire("no ACK");
    });
  }

  #fire(event: DialogEvent): void {
    const row = step(DIALOG_TABLE, this.#state, event);
    if (row === undefined) return;
    this.#state = row.next;
    if (this.ended) {
      this.#session.stop();
      this.#offers.wake();
    }
    for (const action of row.actions) {
      if (action === "send BYE") this.#sendBye();
      else if (action === "stop repeats") {
        this.#repeater?.stop();
        this.#repeater = undefined;
      } else this.#reportEnd(event);
    }
    if (this.#state === "ended") {
      this.#repeater?.stop();
      this.#core.dialogs.removeIf(this.callId, this.localTag, this.remoteTag, this);
      this.#letGo();
    }
  }

  /** Its transactions live on for 32 s and hold this dialog; what stood behind it must not live as long. */
  #letGo(): void {
    this.onReoffer = undefined;
    this.onRequest = undefined;
    this.onAck = undefined;
    this.onRefreshed = undefined;
    this.onEnded = undefined;
    this.#lastRequest = undefined;
    this.#localBody = undefined;
  }

  #reportEnd(event: DialogEvent): void {
    if (event === "BYE received") this.onEnded?.({ by: "remote", request: this.#lastRequest! });
    else
      this.onEnded?.({
        by: "error",
        error: this.#lostError ?? new TransportError("TRANSPORT_LOST", "no ACK came for the answer"),
      });
  }

  /** @param bye - headers of a BYE for a far end that may still be there; undefined when it is known to be gone */
  #lose(error: GatewayError, bye: ExtraHeaders | undefined): void {
    if (this.ended) return;
    this.#lostError = error;
    if (bye !== undefined) {
      this.#byeHeaders = bye;
      this.#sendBye();
    }
    this.#fire("lost");
  }

  #sendBye(): void {
    this.#sender
      .exchange("BYE", { headers: this.#byeHeaders })
      .catch((error) => this.#core.log.debug("BYE was not answered", { error: messageOf(error) }));
  }

  async #send(method: string, content: RequestContent): Promise<SipResponse> {
    const isOffer = method === "INVITE" || method === "UPDATE";
    // A NOTIFY that nobody wants ends the subscription and not the call (RFC 5057 §4).
    const isOfCall = method !== "NOTIFY";
    let leastSeconds = 0;
    for (let attempt = 0; ; attempt++) {
      const headers = [...(content.headers ?? []), ...(isOffer ? this.#offerSession(leastSeconds) : [])];
      const response = await this.#sender.exchange(method, { ...content, headers }).catch((error: GatewayError) => {
        // SIP-DLG-9: nobody answers any more. If somebody only answers too late, BYE tells.
        if (isOfCall) this.#lose(error, []);
        throw error;
      });
      if (isOfCall && (response.status === 481 || response.status === 408))
        this.#lose(
          new TransportError("TRANSPORT_LOST", `the far end answered ${response.status} in the dialog`),
          response.status === 408 ? [] : undefined,
        );
      if (!isOffer) return response;
      leastSeconds = minSeconds(response.headers);
      if (response.status === 422 && leastSeconds > 0 && attempt === 0) continue;
      if (response.status < 300) {
        this.#sender.remoteTarget = contactOf(response.headers) ?? this.#sender.remoteTarget;
        if (this.#core.sessionTimer !== undefined && !this.ended) this.#session.agree(agreedSession(response));
        if (method === "INVITE") this.acknowledge();
      }
      return response;
    }
  }

  #offerSession(leastSeconds: number): ExtraHeaders {
    const settings = this.#core.sessionTimer;
    return settings === undefined ? [] : offerSession(settings, this.#session.interval, leastSeconds);
  }

  /** @param request - that of the transaction, which lets it go once it is answered; a 2xx may have to be said again */
  #respond(transaction: ServerTransaction, request: SipRequest, status: number, options: AnswerOptions): void {
    const { flow } = transaction;
    const headers: [string, string][] = [
      ...((options.headers ?? []) as [string, string][]),
      ...(server(this.#core) as [string, string][]),
    ];
    const isOffer = request.method === "INVITE" || request.method === "UPDATE";
    if (isOffer && status < 300) headers.push(["Contact", contactFor(this.#core, flow)]);
    if (status === 405 || status === 501 || request.method === "INVITE" || request.method === "OPTIONS")
      headers.push(["Allow", this.#core.allow]);
    if (status >= 200 && status < 300 && (isOffer || request.method === "OPTIONS"))
      headers.push(["Supported", supported(this.#core)]);
    transaction.respond(
      createResponse(request, status, {
        headers,
        ...(options.reason === undefined ? {} : { reason: options.reason }),
        ...(options.body === undefined ? {} : { body: options.body }),
      }),
    );
  }

  #isFromPeer(flow: Flow): boolean {
    const { flow: last, remoteTarget } = this.#sender;
    return isFromPeer(flow, { flows: [last, this.#seed.flow], remoteTarget, routes: this.#seed.routes });
  }
}
