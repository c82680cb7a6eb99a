/**
 * An INVITE of ours (RFC 3261 §13.2) over all addresses of its URI (RFC 3263 §4.3): silence for P1, transport failure and
 * 503 move on to the next address with a new transaction. Digest challenges are answered, CANCEL waits for a provisional
 * answer, late and forked 2xx are acknowledged and ended.
 */

import type { Timer } from "../../base/clock.ts";
import { GatewayError, TransactionTimeoutError, TransportError } from "../../base/errors.ts";
import { randomHex } from "../../base/ids.ts";
import { createRequest } from "../build.ts";
import { lists, retryAfterSeconds } from "../header-values.ts";
import type { Flow, NameAddr, SipBody, SipRequest, SipResponse } from "../message.ts";
import type { ClientTransaction, ClientUser } from "../transaction/client-transaction.ts";
import { addressToSendFrom } from "../transport/local-address.ts";
import type { Located } from "../transport/locate.ts";
import type { Dialog, InDialogRequest, OutgoingInvite, OutgoingInviteOptions } from "../user-agent.ts";
import { ClientAuthentication } from "./authentication.ts";
import { ConfirmedDialog } from "./confirmed-dialog.ts";
import { contactFor, type Prepared, prepare, type SipCore, userAgent, viaFor } from "./core.ts";
import { EarlyDialog } from "./early-dialog.ts";
import { supported } from "./extensions.ts";
import { OfferExchange } from "./offer-exchange.ts";
import { contactOf, recordRoutes } from "./route-set.ts";
import { agreedSession, minSeconds, offerSession } from "./session-timer.ts";

/** How long an abandoned attempt is still looked after is the transaction's own time (SIP-TXN-2). */
const NO_ANSWER_MS = 4000;
/** Forks of one INVITE. */
const EARLY_DIALOGS_MAX = 32;

/** Of a CANCEL, whatever becomes of it. */
const NOBODY: ClientUser = { onResponse: () => undefined, onFailure: () => undefined };

type Outcome = "pending" | "settled" | "abandoned";

/** Most never answer a challenge, fork or are cancelled: what these take is made when they do. */
export class UacInvite implements OutgoingInvite, ClientUser {
  readonly callId = randomHex(16);
  onProgress: ((response: SipResponse) => void) | undefined;
  onReoffer: ((request: InDialogRequest) => void) | undefined;
  onOffer: ((response: SipResponse, answer: (body: SipBody | undefined) => void) => void) | undefined;
  onFirstAnswer: (() => void) | undefined;
  onAccepted: ((response: SipResponse, dialog: Dialog) => void) | undefined;
  onRejected: ((response: SipResponse) => void) | undefined;
  onFailed: ((error: GatewayError) => void) | undefined;
  onLocated: ((addresses: readonly Located[]) => void) | undefined;
  onAddressFailed: ((address: Located, error: GatewayError) => void) | undefined;

  readonly #core: SipCore;
  readonly #options: OutgoingInviteOptions;
  readonly #localTag = randomHex(8);
  #addresses: readonly Located[] = [];
  #nextAddress = 0;
  #current: ClientTransaction | undefined;
  /** The address that is being tried. */
  #located: Located | undefined;
  #sequence = 1;
  /** Without credentials there is nothing to answer with. */
  readonly #authentication: ClientAuthentication | undefined;
  /** Min-SE of a 422, once (RFC 4028 §7.3). */
  #leastSeconds = 0;
  #outcome: Outcome = "pending";
  #cancelReason: string | undefined;
  #cancelRequested = false;
  #hasAnswer = false;
  #noAnswer: Timer | undefined;
  /** Dialogs by remote tag: the winner and those that were ended at once. */
  #dialogs: Map<string, ConfirmedDialog> | undefined;
  #early: Map<string, EarlyDialog> | undefined;
  #cancelSent: Set<ClientTransaction> | undefined;
  /** A transaction is being made, and may fail before it is `#current`. */
  #isSending = false;
  #failedEarly: GatewayError | undefined;

  constructor(core: SipCore, options: OutgoingInviteOptions) {
    this.#core = core;
    this.#options = options;
    this.#authentication =
      options.credentials === undefined ? undefined : new ClientAuthentication(options.credentials);
    void this.#start();
  }

  cancel(reason?: string): void {
    if (this.#outcome !== "pending" || this.#cancelRequested) return;
    this.#cancelRequested = true;
    this.#cancelReason = reason;
    this.#noAnswer?.cancel();
    if (this.#current === undefined) {
      this.#fail(new TransactionTimeoutError("cancelled before the INVITE was sent"));
      return;
    }
    if (this.#current.answered) this.#sendCancel(this.#current);
    // Nobody is owed more than 64·T1 after a CANCEL (SIP-CAN-2).
    this.#noAnswer = this.#core.clock.after(64 * this.#core.timers.t1Ms, () =>
      this.#fail(new TransactionTimeoutError("no final answer after CANCEL")),
    );
  }

  abandon(): void {
    if (this.#outcome !== "pending") return;
    this.#outcome = "abandoned";
    this.#letGo();
    this.#closeEarly();
    this.#noAnswer?.cancel();
    if (this.#current?.answered === true) this.#sendCancel(this.#current);
  }

  async #start(): Promise<void> {
    const hop = this.#options.nextHop ?? this.#options.uri;
    try {
      this.#addresses = await this.#core.locator.locate(hop);
    } catch (error) {
      this.#fail(error as GatewayError);
      return;
    }
    this.onLocated?.(this.#addresses);
    await this.#tryNext();
  }

  /**
   * @param last - what is reported when no address is left
   * @param failedMs - how long the address of before comes last; the locator's own time when undefined
   */
  async #tryNext(last?: GatewayError, failedMs?: number): Promise<void> {
    if (this.#outcome !== "pending") return;
    if (this.#located !== undefined) {
      this.#core.locator.failed(this.#located, failedMs);
      if (last !== undefined) this.onAddressFailed?.(this.#located, last);
    }
    const located = this.#addresses[this.#nextAddress++];
    if (located === undefined || this.#cancelRequested) {
      // Made only where it is needed: an error takes as long as a message.
      this.#fail(last ?? new TransportError("TRANSPORT_DNS", `${this.#options.uri.host} has no address`));
      return;
    }
    this.#located = located;
    // What the last address still says is late from now on.
    this.#current = undefined;
    this.#hasAnswer = false;
    this.#limitSilence();
    this.#authentication?.foresee("INVITE", this.#options.uri);
    let prepared: Prepared;
    try {
      prepared = await this.#prepare(located);
    } catch (error) {
      if (this.#located === located) await this.#tryNext(error as GatewayError);
      return;
    }
    // P1 may have moved on while the connection was being made.
    if (this.#located !== located || this.#outcome !== "pending") return;
    if (this.#cancelRequested) this.#fail(new TransactionTimeoutError("cancelled before the INVITE was sent"));
    else this.#send(prepared);
  }

  /** P1: connecting counts (SIP-TP-7). The transaction runs on, so that a late answer is handled (SIP-TXN-2). */
  #limitSilence(): void {
    this.#noAnswer?.cancel();
    const noAnswerMs = this.#options.noAnswerMs ?? NO_ANSWER_MS;
    this.#noAnswer = this.#core.clock.after(noAnswerMs, () => {
      void this.#tryNext(new TransactionTimeoutError(`no answer within ${noAnswerMs / 1000} s`));
    });
  }

  #prepare(located: Located): Promise<Prepared> {
    const target = {
      ...located,
      // The certificate is that of the next hop (RFC 5922 §4).
      tlsName: (this.#options.nextHop ?? this.#options.uri).host,
      tlsVerify: this.#options.tlsVerify ?? true,
      localAddress: addressToSendFrom(this.#options.localAddresses, located.address),
    };
    return prepare(this.#core, target, (flow) => this.#build(flow));
  }

  /** From, with our tag. */
  get #from(): NameAddr {
    const { from } = this.#options;
    return { ...from, params: new Map([...from.params, ["tag", this.#localTag] as const]) };
  }

  #build(flow: Flow): SipRequest {
    const options = this.#options;
    const { sessionTimer } = this.#core;
    const supports = supported(this.#core);
    return createRequest({
      method: "INVITE",
      uri: { ...options.uri, headers: [] },
      vias: [viaFor(this.#core, flow)],
      from: this.#from,
      to: options.to,
      callId: this.callId,
      cseq: { number: this.#sequence, method: "INVITE" },
      maxForwards: options.maxForwards ?? 70,
      headers: [
        ["Contact", contactFor(this.#core, flow, undefined, options.contactName)],
        ["Allow", this.#core.allow],
        ...userAgent(this.#core),
        ...(this.#authentication?.headers ?? []),
        ...(supports === "" ? [] : [["Supported", supports] as const]),
        ...(sessionTimer === undefined ? [] : offerSession(sessionTimer, undefined, this.#leastSeconds)),
        ...(options.headers ?? []),
      ],
      ...(options.body === undefined ? {} : { body: options.body }),
    });
  }

  #send({ request, flow, octets }: Prepared): void {
    this.#isSending = true;
    this.#current = this.#core.transactions.request(request, flow, this, octets);
    this.#isSending = false;
    const failed = this.#failedEarly;
    this.#failedEarly = undefined;
    if (failed !== undefined) this.onFailure(failed, this.#current);
  }

  /** Called by the transactions. */
  onResponse(response: SipResponse, transaction: ClientTransaction): void {
    const isCurrent = transaction === this.#current && this.#outcome === "pending";
    if (isCurrent && !this.#hasAnswer) {
      this.#hasAnswer = true;
      if (!this.#cancelRequested) this.#noAnswer?.cancel();
      this.onFirstAnswer?.();
    }
    if (response.status >= 200 && response.status < 300) this.#accepted(response, transaction, isCurrent);
    else if (response.status < 200) this.#provisional(response, transaction, isCurrent);
    else if (isCurrent) this.#rejected(response, transaction);
  }

  #provisional(response: SipResponse, transaction: ClientTransaction, isCurrent: boolean): void {
    if (!isCurrent || this.#cancelRequested) this.#sendCancel(transaction);
    else if (response.status > 100)
      this.#earlyDialog(response, transaction).take(response, () => this.onProgress?.(response));
  }

  /** The early dialog of a provisional answer, by its To tag; forks have one each (SIP-DLG-1). */
  #earlyDialog(response: SipResponse, { held, flow }: ClientTransaction): EarlyDialog {
    const remoteTag = response.to.params.get("tag") ?? "";
    this.#early ??= new Map();
    const known = this.#early.get(remoteTag);
    if (known !== undefined) return known;
    const made = new EarlyDialog(this.#core, response, {
      invite: held,
      flow,
      tlsVerify: this.#options.tlsVerify ?? true,
      credentials: this.#options.credentials,
      challenges: this.#authentication?.memory,
      onReoffer: (offer) => {
        if (this.onReoffer === undefined) offer.respond(488);
        else this.onReoffer(offer);
      },
      onOffer: (offer, answer) => this.#offered(offer, answer),
    });
    if (this.#early.size < EARLY_DIALOGS_MAX) this.#early.set(remoteTag, made);
    else made.close();
    return made;
  }

  /** A call whose offer is of no use is not wanted any more (SDP-21). */
  #offered(response: SipResponse, answer: (body: SipBody | undefined) => void): void {
    const answerOrEnd = (body: SipBody | undefined): void => {
      answer(body);
      if (body === undefined) this.cancel('SIP;cause=488;text="Not Acceptable Here"');
    };
    if (this.onOffer === undefined) answerOrEnd(undefined);
    else this.onOffer(response, answerOrEnd);
  }

  /** 422: the far end wants a longer session interval; it gets it once. */
  #isTooShort(response: SipResponse): boolean {
    if (response.status !== 422 || this.#leastSeconds > 0) return false;
    this.#leastSeconds = minSeconds(response.headers);
    return this.#leastSeconds > 0;
  }

  #accepted(response: SipResponse, transaction: ClientTransaction, isCurrent: boolean): void {
    const remoteTag = response.to.params.get("tag") ?? "";
    this.#dialogs ??= new Map();
    const known = this.#dialogs.get(remoteTag);
    if (known !== undefined) {
      known.repeatAck();
      return;
    }
    this.#early?.get(remoteTag)?.close();
    const dialog = this.#makeDialog(response, transaction);
    this.#dialogs.set(remoteTag, dialog);
    const wins = isCurrent && !this.#cancelRequested;
    if (wins) {
      this.#outcome = "settled";
      this.#noAnswer?.cancel();
      this.#closeEarly();
      if (!this.#answersInAck(remoteTag)) dialog.acknowledge();
      const { onAccepted } = this;
      this.#letGo();
      onAccepted?.(response, dialog);
      return;
    }
    // A fork that lost, or an answer that crossed our CANCEL (SIP-INV-2, SIP-CAN-2).
    dialog.acknowledge();
    dialog.bye();
    if (isCurrent) this.#fail(new TransactionTimeoutError("answered while it was being cancelled"));
  }

  /** The 2xx to an INVITE without an offer makes one, unless a reliable answer did so before. */
  #answersInAck(remoteTag: string): boolean {
    return this.#options.body === undefined && this.#early?.get(remoteTag)?.agreed !== true;
  }

  #rejected(response: SipResponse, transaction: ClientTransaction): void {
    if (this.#cancelRequested) {
      this.#settle(() => this.onRejected?.(response));
      return;
    }
    const isAnswered = this.#authentication?.answer(response, "INVITE", this.#options.uri) === true;
    if (isAnswered || this.#isTooShort(response)) {
      if (!isAnswered) this.#authentication?.foresee("INVITE", this.#options.uri);
      this.#sequence++;
      this.#send({ request: this.#build(transaction.flow), flow: transaction.flow });
      return;
    }
    if (response.status === 503) {
      const failedMs = retryAfterMs(response);
      if (this.#nextAddress < this.#addresses.length) {
        void this.#tryNext(new TransactionTimeoutError("503"), failedMs);
        return;
      }
      if (this.#located !== undefined) this.#core.locator.failed(this.#located, failedMs);
    }
    this.#settle(() => this.onRejected?.(response));
  }

  /** Called by the transactions. */
  onFailure(error: GatewayError, transaction: ClientTransaction): void {
    if (this.#isSending) this.#failedEarly = error;
    else if (transaction === this.#current && this.#outcome === "pending") {
      this.#noAnswer?.cancel();
      void this.#tryNext(error);
    }
  }

  #closeEarly(): void {
    for (const early of this.#early?.values() ?? []) early.close();
  }

  #sendCancel(transaction: ClientTransaction): void {
    this.#cancelSent ??= new Set();
    if (this.#cancelSent.has(transaction) || transaction.state !== "proceeding") return;
    this.#cancelSent.add(transaction);
    const { request, flow } = transaction;
    const cancel = createRequest({
      method: "CANCEL",
      uri: request.uri,
      vias: [request.vias[0]!],
      from: request.from,
      to: request.to,
      callId: request.callId,
      cseq: { number: request.cseq.number, method: "CANCEL" },
      headers: [
        ...request.headers.all("Route").map((route): [string, string] => ["Route", route]),
        ...(this.#cancelReason === undefined || this.#cancelReason === ""
          ? []
          : [["Reason", this.#cancelReason] as [string, string]]),
      ],
    });
    this.#core.transactions.request(cancel, flow, NOBODY);
  }

  #makeDialog(response: SipResponse, transaction: ClientTransaction): ConfirmedDialog {
    const { request: invite } = transaction;
    const remoteTag = response.to.params.get("tag") ?? "";
    const early = this.#early?.get(remoteTag);
    const answerInAck = this.#answersInAck(remoteTag);
    const exchange = early?.exchange ?? new OfferExchange(answerInAck ? "them" : "nobody");
    // The 2xx is the answer at the latest.
    exchange.ours = false;
    const { credentials } = this.#options;
    const body = early?.localBody ?? this.#options.body;
    return new ConfirmedDialog(this.#core, {
      role: "uac",
      callId: this.callId,
      local: this.#from,
      remote: response.to,
      localTag: this.#localTag,
      remoteTag,
      exchange,
      answerInAck,
      localSequence: early?.localSequence ?? invite.cseq.number,
      inviteSequence: invite.cseq.number,
      remoteSequence: early?.remoteSequence ?? -1,
      remoteTarget: contactOf(response.headers) ?? this.#options.uri,
      routes: recordRoutes(response.headers).reverse(),
      flow: transaction.flow,
      tlsVerify: this.#options.tlsVerify ?? true,
      ...(this.#authentication === undefined
        ? {}
        : { authorization: this.#authentication.headers, challenges: this.#authentication.memory }),
      ...(credentials === undefined ? {} : { credentials }),
      session: this.#core.sessionTimer === undefined ? undefined : agreedSession(response),
      remoteTakesUpdate: lists(response.headers, "Allow", "update"),
      ...(body === undefined ? {} : { localBody: body }),
    });
  }

  #fail(error: GatewayError): void {
    this.#settle(() =>
      this.onFailed?.(error instanceof GatewayError ? error : new TransportError("TRANSPORT_LOST", String(error))),
    );
  }

  #settle(report: () => void): void {
    if (this.#outcome !== "pending") return;
    this.#outcome = "settled";
    this.#noAnswer?.cancel();
    this.#closeEarly();
    report();
    this.#letGo();
  }

  /** The transaction lives on for 32 s and holds this; whoever placed the call need not live as long. */
  #letGo(): void {
    this.onProgress = undefined;
    this.onReoffer = undefined;
    this.onOffer = undefined;
    this.onLocated = undefined;
    this.onAddressFailed = undefined;
    this.onFirstAnswer = undefined;
    this.onAccepted = undefined;
    this.onRejected = undefined;
    this.onFailed = undefined;
  }
}

/** How long a 503 asks to be left alone (RFC 3261 §21.5.4, SIP-OVL-3). */
function retryAfterMs({ headers }: SipResponse): number | undefined {
  const seconds = retryAfterSeconds(headers);
  return seconds === undefined ? undefined : seconds * 1000;
}
