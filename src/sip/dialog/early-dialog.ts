/**
 * A dialog that a provisional answer to our INVITE made (RFC 3261 §12.1.2): it acknowledges reliable answers with PRACK
 * (RFC 3262 §4) and takes the few requests that may come before the final answer. Forks have one each (SIP-DLG-1).
 */

import { messageOf } from "../../base/errors.ts";
import { createResponse } from "../build.ts";
import { lists, readRSeq } from "../header-values.ts";
import type { HeldRequest } from "../held-request.ts";
import type { Flow, SipBody, SipResponse } from "../message.ts";
import type { ServerTransaction } from "../transaction/server-transaction.ts";
import type { AnswerOptions, InDialogRequest } from "../user-agent.ts";
import type { ChallengeMemory, ClientCredentials } from "./authentication.ts";
import { contactFor, type SipCore, server } from "./core.ts";
import { isFromPeer } from "./dialog-peer.ts";
import { DialogSender } from "./dialog-sender.ts";
import type { DialogEndpoint } from "./dialog-table.ts";
import { unknownExtensions } from "./extensions.ts";
import { OfferExchange } from "./offer-exchange.ts";
import { contactOf, recordRoutes } from "./route-set.ts";

export interface EarlyDialogOptions {
  readonly invite: HeldRequest;
  readonly flow: Flow;
  readonly tlsVerify: boolean;
  readonly credentials?: ClientCredentials | undefined;
  readonly challenges: ChallengeMemory | undefined;
  /** An offer in UPDATE. */
  onReoffer(offer: InDialogRequest): void;
  /** The offer in a reliable answer to an INVITE that had none; `answer` sends the PRACK with it. */
  onOffer(response: SipResponse, answer: (body: SipBody | undefined) => void): void;
}

export class EarlyDialog implements DialogEndpoint {
  readonly #core: SipCore;
  readonly #options: EarlyDialogOptions;
  readonly #sender: DialogSender;
  readonly #callId: string;
  readonly #localTag: string;
  readonly #remoteTag: string;
  readonly #routes: ReturnType<typeof recordRoutes>;
  readonly exchange: OfferExchange;
  #rseq: number | undefined;
  /** Offer and answer of the INVITE were exchanged in a reliable answer and, for a delayed offer, its PRACK. */
  agreed = false;
  /** CSeq of their last request; the confirmed dialog goes on from there. */
  remoteSequence = -1;
  /** What we said about the session last, when it was not in the INVITE. */
  localBody: SipBody | undefined;

  constructor(core: SipCore, response: SipResponse, options: EarlyDialogOptions) {
    const { flow, tlsVerify, credentials, challenges } = options;
    const invite = options.invite.request;
    this.#core = core;
    this.#options = options;
    this.#callId = invite.callId;
    this.#localTag = invite.from.params.get("tag") ?? "";
    this.#remoteTag = response.to.params.get("tag") ?? "";
    this.#routes = recordRoutes(response.headers).reverse();
    this.exchange = new OfferExchange(invite.body.length > 0 ? "us" : "them");
    this.#sender = new DialogSender(core, {
      callId: invite.callId,
      local: invite.from,
      remote: response.to,
      localSequence: invite.cseq.number,
      inviteSequence: invite.cseq.number,
      remoteTarget: contactOf(response.headers) ?? invite.uri,
      routes: this.#routes,
      flow,
      tlsVerify,
      ...(challenges === undefined ? {} : { challenges }),
      ...(credentials === undefined ? {} : { credentials }),
    });
    core.dialogs.add(invite.callId, this.#localTag, this.#remoteTag, this);
  }

  /** CSeq of our last request. */
  get localSequence(): number {
    return this.#sender.sequence;
  }

  /**
   * A provisional answer in this dialog. False when it is a repeat or out of order, and is to be left out (§4).
   * A reliable one gets its PRACK, once `told` has been called.
   */
  take(response: SipResponse, told: () => void): void {
    if (!lists(response.headers, "Require", "100rel")) {
      told();
      return;
    }
    const rseq = readRSeq(response.headers);
    if (rseq === undefined || (this.#rseq !== undefined && rseq !== this.#rseq + 1)) return;
    this.#rseq = rseq;
    this.#sender.remoteTarget = contactOf(response.headers) ?? this.#sender.remoteTarget;
    const isFirstDescription = response.body.length > 0 && !this.agreed;
    if (isFirstDescription && this.#options.invite.request.body.length === 0) {
      told();
      this.#answerOffer(response, rseq);
      return;
    }
    if (isFirstDescription) {
      this.agreed = true;
      this.exchange.ours = false;
    }
    void this.#prack(rseq);
    told();
  }

  /** Offer in a reliable answer, answer in its PRACK (RFC 3262 §5, SIP-PRK-5). */
  #answerOffer(response: SipResponse, rseq: number): void {
    let done = false;
    this.#options.onOffer(response, (body) => {
      if (done) return;
      done = true;
      if (body !== undefined) {
        this.agreed = true;
        this.exchange.theirs = false;
        this.localBody = body;
      }
      void this.#prack(rseq, body);
    });
  }

  receive(transaction: ServerTransaction): void {
    const { request, flow } = transaction;
    const respond = (status: number, options: AnswerOptions = {}): void =>
      transaction.respond(
        createResponse(request, status, { ...options, headers: [...(options.headers ?? []), ...server(this.#core)] }),
      );
    const allow = { headers: [["Allow", this.#core.allow] as const] };
    const { remoteTarget, flow: lastFlow } = this.#sender;
    if (!isFromPeer(flow, { flows: [this.#options.flow, lastFlow], remoteTarget, routes: this.#routes })) {
      respond(481);
      return;
    }
    if (request.cseq.number < this.remoteSequence) {
      respond(500);
      return;
    }
    this.remoteSequence = request.cseq.number;
    const unknown = unknownExtensions(this.#core, request);
    if (unknown.length > 0) respond(420, { headers: [["Unsupported", unknown.join(", ")]] });
    else if (request.method === "UPDATE") {
      const answer = (status: number, options: AnswerOptions = {}): void => {
        if (status >= 300) {
          respond(status, options);
          return;
        }
        this.#sender.remoteTarget = contactOf(request.headers) ?? this.#sender.remoteTarget;
        this.localBody = options.body ?? this.localBody;
        const contact = ["Contact", contactFor(this.#core, flow)] as const;
        respond(status, { ...options, headers: [...(options.headers ?? []), contact, ...allow.headers] });
      };
      if (request.body.length === 0) answer(200);
      else this.exchange.take({ request, flow, respond: answer }, this.#options.onReoffer, this.#core.random);
    } else if (request.method === "OPTIONS") respond(200, allow);
    // A callee has no BYE before its 2xx (RFC 3261 §15), and nothing else to say to us.
    else if (request.method === "BYE") respond(481);
    else respond(405, allow);
  }

  acknowledged(): void {
    // We send ACKs here and get none.
  }

  /** The INVITE has a final answer: the confirmed dialog takes the place, or nobody. */
  close(): void {
    this.#core.dialogs.removeIf(this.#callId, this.#localTag, this.#remoteTag, this);
  }

  async #prack(rseq: number, body?: SipBody): Promise<void> {
    const { number, method } = this.#options.invite.request.cseq;
    const headers = [["RAck", `${rseq} ${number} ${method}`] as const];
    try {
      await this.#sender.exchange("PRACK", { headers, ...(body === undefined ? {} : { body }) });
    } catch (error) {
      this.#core.log.debug("PRACK was not answered", { error: messageOf(error) });
    }
  }
}
