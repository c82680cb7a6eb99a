/**
 * A dialog that was confirmed by a 2xx (RFC 3261 §12): requests in both directions, re-INVITE and UPDATE with glare
 * handling (§14, RFC 3311), repeats of 2xx and ACK, BYE. What an offer means is decided above.
 */

import { isIP } from "node:net";
import { type GatewayError, messageOf, TransportError } from "../../base/errors.ts";
import { step } from "../../base/machine.ts";
import { createRequest, createResponse } from "../build.ts";
import type { ExtraHeaders, Flow, NameAddr, SipBody, SipRequest, SipResponse } from "../message.ts";
import type { ServerTransaction } from "../transaction/server-transaction.ts";
import type { Target } from "../transport/target.ts";
import type { SipUri } from "../uri.ts";
import type { AnswerOptions, Dialog, DialogEnd, InDialogRequest } from "../user-agent.ts";
import { AnswerRepeater } from "./answer-repeater.ts";
import { contactFor, type SipCore, server, userAgent, viaFor } from "./core.ts";
import { DIALOG_TABLE, type DialogEvent, type DialogState } from "./dialog-state.ts";
import { contactOf, routeRequest } from "./route-set.ts";

/** What the two ways of making a dialog know. */
export interface DialogSeed {
  readonly role: "uac" | "uas";
  readonly callId: string;
  readonly local: NameAddr;
  readonly remote: NameAddr;
  readonly localTag: string;
  readonly remoteTag: string;
  readonly localSequence: number;
  readonly remoteSequence: number;
  readonly remoteTarget: SipUri;
  readonly routes: readonly NameAddr[];
  readonly flow: Flow;
  readonly tlsVerify: boolean;
  /** Credentials of the INVITE, sent again with the ACK (SIP-TXN-4). */
  readonly authorization?: ExtraHeaders;
}

export class ConfirmedDialog implements Dialog {
  readonly callId: string;
  readonly localTag: string;
  readonly remoteTag: string;
  readonly local: NameAddr;
  readonly remote: NameAddr;
  onReoffer: ((request: InDialogRequest) => void) | undefined;
  onRequest: ((request: InDialogRequest) => void) | undefined;
  onAck: ((ack: SipRequest) => void) | undefined;
  onEnded: ((end: DialogEnd) => void) | undefined;

  readonly #core: SipCore;
  readonly #seed: DialogSeed;
  #state: DialogState;
  #localSequence: number;
  #remoteSequence: number;
  #remoteTarget: SipUri;
  #flow: Flow;
  #inviteSequence: number;
  #ack: { request: SipRequest; flow: Flow } | undefined;
  #repeater: AnswerRepeater | undefined;
  /** A re-INVITE or UPDATE of ours is open. */
  #offering = false;
  /** One of theirs is open. */
  #answering = false;
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
    this.#localSequence = seed.localSequence;
    this.#inviteSequence = seed.localSequence;
    this.#remoteSequence = seed.remoteSequence;
    this.#remoteTarget = seed.remoteTarget;
    this.#flow = seed.flow;
    this.#state = seed.role === "uas" ? "waiting for ACK" : "confirmed";
    core.dialogs.add(this.callId, this.localTag, this.remoteTag, this);
  }

  get ended(): boolean {
    return this.#state === "ended" || this.#state === "closing";
  }

  acknowledge(body?: SipBody): void {
    const request = this.#request("ACK", this.#inviteSequence, {
      ...(body === undefined ? {} : { body }),
      headers: this.#seed.authorization ?? [],
    });
    void this.#sendAck(request);
  }

  /** A repeat of the 2xx came: the same ACK again (RFC 3261 §13.2.2.4). */
  repeatAck(): void {
    if (this.#ack === undefined) return;
    this.#core.transports.send(this.#ack.request, this.#ack.flow);
  }

  /** UAS: the 2xx goes out now and again until its ACK comes. */
  answered(send: () => void): void {
    this.#repeatUntilAck(send);
  }

  async reoffer(method: "INVITE" | "UPDATE", body: SipBody, headers: ExtraHeaders = []): Promise<SipResponse> {
    if (this.#offering) throw new TypeError("reoffer: an offer is open already");
    this.#offering = true;
    try {
      for (let attempt = 0; ; attempt++) {
        const response = await this.#send(method, { body, headers });
        if (response.status !== 491 || attempt > 0 || this.ended) return response;
        // RFC 3261 §14.1: who owns the Call-ID waits longer.
        const delayMs =
          this.#seed.role === "uac"
            ? 2100 + 10 * Math.floor(this.#core.random() * 190)
            : 10 * Math.floor(this.#core.random() * 200);
        await new Promise<void>((done) => this.#core.clock.after(delayMs, done));
      }
    } finally {
      this.#offering = false;
    }
  }

  request(method: string, options: { body?: SipBody; headers?: ExtraHeaders } = {}): Promise<SipResponse> {
    return this.#send(method, options);
  }

  bye(headers: ExtraHeaders = []): void {
    this.#byeHeaders = headers;
    this.#fire("hang up");
  }

  /** A request of the far end in this dialog. */
  receive(transaction: ServerTransaction): void {
    const { request, flow } = transaction;
    const respond = (status: number, options: AnswerOptions = {}): void => this.#respond(transaction, status, options);
    if (!this.#isFromPeer(flow)) {
      // R-AUTH-12: the right tags from a foreign address end nothing.
      respond(481);
      return;
    }
    if (request.cseq.number < this.#remoteSequence) {
      respond(500, { reason: "CSeq Out of Order" });
      return;
    }
    this.#remoteSequence = request.cseq.number;
    if (this.ended && request.method !== "BYE") {
      respond(481);
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
      case "OPTIONS":
        respond(200, { headers: [["Accept", "application/sdp"]] });
        break;
      default:
        if (this.onRequest === undefined) respond(405);
        else this.onRequest({ request, flow, respond: once(respond) });
    }
  }

  acknowledged(ack: SipRequest, flow: Flow): void {
    if (!this.#isFromPeer(flow)) return;
    const isFirst = this.#repeater !== undefined;
    this.#repeater?.stop();
    this.#repeater = undefined;
    this.#fire("ACK");
    if (isFirst) this.onAck?.(ack);
  }

  #reoffered(transaction: ServerTransaction): void {
    const { request, flow } = transaction;
    const respond = (status: number, options: AnswerOptions = {}): void => this.#respond(transaction, status, options);
    if (this.#answering || (request.method === "INVITE" && this.#repeater !== undefined)) {
      respond(500, { headers: [["Retry-After", String(Math.floor(this.#core.random() * 10))]] });
      return;
    }
    if (this.#offering) {
      respond(491);
      return;
    }
    const target = contactOf(request.headers);
    this.#answering = true;
    const answer = once((status: number, options: AnswerOptions = {}) => {
      this.#answering = false;
      if (status < 300 && target !== undefined) this.#remoteTarget = target;
      if (status < 300) this.#flow = flow;
      const send = (): void => respond(status, options);
      send();
      if (request.method === "INVITE" && status < 300 && !this.ended) this.#repeatUntilAck(send);
    });
    if (this.onReoffer === undefined) answer(488);
    else this.onReoffer({ request, flow, respond: answer });
  }

  #repeatUntilAck(send: () => void): void {
    this.#repeater = new AnswerRepeater(this.#core.clock, this.#core.timers, send, () => {
      this.#repeater = undefined;
      if (this.#state === "confirmed") {
        this.#lostError = new TransportError("TRANSPORT_LOST", "no ACK to the answer of a re-INVITE");
        this.#sendBye();
        this.#fire("lost");
      } else this.#fire("no ACK");
    });
  }

  #fire(event: DialogEvent): void {
    const row = step(DIALOG_TABLE, this.#state, event);
    if (row === undefined) return;
    this.#state = row.next;
    for (const action of row.actions) {
      if (action === "send BYE") this.#sendBye();
      else if (action === "stop repeats") {
        this.#repeater?.stop();
        this.#repeater = undefined;
      } else this.#reportEnd(event);
    }
    if (this.#state === "ended") {
      this.#repeater?.stop();
      this.#core.dialogs.remove(this.callId, this.localTag, this.remoteTag);
    }
  }

  #reportEnd(event: DialogEvent): void {
    if (event === "BYE received") this.onEnded?.({ by: "remote", request: this.#lastRequest! });
    else
      this.onEnded?.({
        by: "error",
        error: this.#lostError ?? new TransportError("TRANSPORT_LOST", "no ACK came for the answer"),
      });
  }

  #sendBye(): void {
    this.#exchange(this.#request("BYE", ++this.#localSequence, { headers: this.#byeHeaders })).catch((error) =>
      this.#core.log.debug("BYE was not answered", { error: messageOf(error) }),
    );
  }

  async #send(method: string, options: { body?: SipBody; headers?: ExtraHeaders }): Promise<SipResponse> {
    const sequence = ++this.#localSequence;
    const response = await this.#exchange(this.#request(method, sequence, options)).catch((error: GatewayError) => {
      // SIP-DLG-9: nobody is there any more.
      this.#lostError = error;
      this.#fire("lost");
      throw error;
    });
    if (response.status === 481 || response.status === 408) {
      this.#lostError = new TransportError("TRANSPORT_LOST", `the far end answered ${response.status} in the dialog`);
      this.#fire("lost");
    }
    if ((method === "INVITE" || method === "UPDATE") && response.status < 300) {
      this.#remoteTarget = contactOf(response.headers) ?? this.#remoteTarget;
      if (method === "INVITE") {
        this.#inviteSequence = sequence;
        this.acknowledge();
      }
    }
    return response;
  }

  #request(method: string, sequence: number, options: { body?: SipBody; headers?: ExtraHeaders }): SipRequest {
    const { uri, routes } = routeRequest(this.#remoteTarget, this.#seed.routes);
    const headers: [string, string][] = [
      ...routes.map((route): [string, string] => ["Route", route]),
      ...((options.headers ?? []) as [string, string][]),
      ...(userAgent(this.#core) as [string, string][]),
    ];
    return createRequest({
      method,
      uri: { ...uri, headers: [] },
      from: this.local,
      to: this.remote,
      callId: this.callId,
      cseq: { number: sequence, method },
      headers,
      ...(options.body === undefined ? {} : { body: options.body }),
    });
  }

  async #exchange(request: SipRequest): Promise<SipResponse> {
    const flow = await this.#nextFlow();
    this.#stamp(request, flow);
    let hasFinal = false;
    return new Promise((done, fail) => {
      this.#core.transactions.request(request, flow, {
        onResponse: (response) => {
          if (response.status < 200) return;
          if (hasFinal) this.repeatAck();
          hasFinal = true;
          done(response);
        },
        onFailure: fail,
      });
    });
  }

  async #sendAck(request: SipRequest): Promise<void> {
    try {
      const flow = await this.#nextFlow();
      this.#stamp(request, flow);
      this.#ack = { request, flow };
      this.#core.transports.send(request, flow);
    } catch (error) {
      this.#core.log.debug("ACK could not be sent", { error: messageOf(error) });
    }
  }

  #stamp(request: SipRequest, flow: Flow): void {
    request.vias = [viaFor(this.#core, flow)];
    if (request.method === "INVITE" || request.method === "UPDATE" || request.method === "REFER") {
      request.headers.set("Contact", contactFor(this.#core, flow));
      request.headers.set("Allow", this.#core.allow);
    }
  }

  /** A live connection is used on; otherwise the route set or the remote target says where to (§12.2.1.1). */
  async #nextFlow(): Promise<Flow> {
    const { nextHop } = routeRequest(this.#remoteTarget, this.#seed.routes);
    if (this.#flow.connectionId !== undefined && this.#core.transports.isOpen(this.#flow)) return this.#flow;
    if (this.#flow.transport === "udp" && isUnreachable(nextHop.host, this.#flow.remoteAddress)) return this.#flow;
    const [located] = await this.#core.locator.locate(nextHop);
    const target: Target = {
      ...located!,
      tlsName: nextHop.host,
      tlsVerify: this.#seed.tlsVerify,
      localAddress: this.#flow.transport === located!.transport ? this.#flow.localAddress : "",
    };
    return this.#core.transports.flowTo(target);
  }

  #respond(transaction: ServerTransaction, status: number, options: AnswerOptions): void {
    const { request, flow } = transaction;
    const headers: [string, string][] = [
      ...((options.headers ?? []) as [string, string][]),
      ...(server(this.#core) as [string, string][]),
    ];
    if (status < 300 && (request.method === "INVITE" || request.method === "UPDATE"))
      headers.push(["Contact", contactFor(this.#core, flow)]);
    if (status === 405 || request.method === "INVITE" || request.method === "OPTIONS")
      headers.push(["Allow", this.#core.allow]);
    transaction.respond(
      createResponse(request, status, {
        headers,
        ...(options.reason === undefined ? {} : { reason: options.reason }),
        ...(options.body === undefined ? {} : { body: options.body }),
      }),
    );
  }

  #isFromPeer(flow: Flow): boolean {
    const { remoteAddress } = flow;
    return (
      remoteAddress === this.#flow.remoteAddress ||
      remoteAddress === this.#seed.flow.remoteAddress ||
      remoteAddress === this.#remoteTarget.host ||
      this.#seed.routes.some((route) => route.uri.host === remoteAddress) ||
      // A name says nothing about its addresses here, so it cannot exclude one.
      isIP(this.#remoteTarget.host) === 0
    );
  }
}

/** A private Contact behind NAT: we saw another, public address (SIP-DLG-6). */
function isUnreachable(host: string, seen: string): boolean {
  return host !== seen && isPrivate(host) && !isPrivate(seen);
}

function isPrivate(address: string): boolean {
  return (
    isIP(address) === 4 &&
    /^(10\.|127\.|192\.168\.|172\.(1[6-9]|2[0-9]|3[01])\.|169\.254\.|100\.(6[4-9]|[7-9][0-9]|1[01][0-9]|12[0-7])\.)/.test(
      address,
    )
  );
}

/** A function that works the first time only. */
export function once(
  respond: (status: number, options?: AnswerOptions) => void,
): (status: number, options?: AnswerOptions) => void {
  let done = false;
  return (status, options) => {
    if (done) return;
    if (status >= 200) done = true;
    respond(status, options);
  };
}
