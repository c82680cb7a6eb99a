/**
 * Matches messages with transactions (RFC 3261 §17.1.3, §17.2.3) and makes new ones. What matches nothing goes up: new
 * requests, ACK to 2xx, and 2xx that no transaction waits for. The number of transactions is bounded.
 */

import type { Clock } from "../../base/clock.ts";
import { TransportError } from "../../base/errors.ts";
import { createResponse } from "../build.ts";
import { HeldRequest } from "../held-request.ts";
import type { Flow, SipRequest, SipResponse } from "../message.ts";
import type { SendObserver } from "../send-observer.ts";
import { joined } from "../tokens.ts";
import { formatUri } from "../uri.ts";
import { BRANCH_COOKIE, formatVia } from "../via.ts";
import { type ClientSurroundings, ClientTransaction, type ClientUser } from "./client-transaction.ts";
import { type SentMessage, type ServerSurroundings, ServerTransaction } from "./server-transaction.ts";
import { statelessTag } from "./stateless-tag.ts";
import type { TimerSettings } from "./timers.ts";

/** What the layer above is told. */
export interface TransactionUser {
  /** Asked about a request that is new and in no dialog, before anything is kept for it; what is refused was answered. */
  isAdmitted(request: SipRequest, flow: Flow): boolean;
  /** A request that is new; answer it through the transaction. Never ACK or CANCEL. */
  onRequest(transaction: ServerTransaction): void;
  /** An ACK to a 2xx, or a stray one. */
  onAck(ack: SipRequest, flow: Flow): void;
  /** A 2xx to INVITE whose transaction is gone. */
  onStray2xx(response: SipResponse, flow: Flow): void;
}

export interface TransactionOptions {
  readonly clock: Clock;
  readonly timers: TimerSettings;
  /**
   * Server transactions. Above it requests that would begin something get 503 without one; requests in dialogs are taken up
   * to twice as many, and dropped above. Default 200 000.
   */
  readonly transactionsMax?: number;
  /** Uniform in [0, 1): spreads Retry-After. */
  readonly random: () => number;
  /** Says what went out. @param octets - of the request, when it has been written already */
  sendRequest(request: SipRequest, flow: Flow, observer: SendObserver, octets?: Uint8Array): Uint8Array;
  /** Says what went out and where, so that it can be repeated; undefined when it cannot. */
  sendResponse(response: SipResponse, flow: Flow, observer?: SendObserver): SentMessage | undefined;
  /** What went out before, one character for each octet. */
  repeat(octets: string, flow: Flow, observer: SendObserver): void;
}

export class TransactionLayer {
  readonly #options: TransactionOptions;
  readonly #user: TransactionUser;
  readonly #clients = new Map<string, ClientTransaction>();
  /** Those on connections, so that the end of one connection does not look at all of them. */
  readonly #byConnection = new Map<number, Set<ClientTransaction>>();
  readonly #servers = new Map<string, ServerTransaction>();
  /** Requests without a To tag by From tag, Call-ID and CSeq: another branch of the same is a merged request (§8.2.2.2). */
  readonly #initial = new Map<string, ServerTransaction>();
  readonly #max: number;
  /** The same for all of a kind. */
  readonly #clientSurroundings: ClientSurroundings;
  readonly #serverSurroundings: ServerSurroundings;

  constructor(options: TransactionOptions, user: TransactionUser) {
    this.#options = options;
    this.#user = user;
    this.#max = options.transactionsMax ?? 200_000;
    const { clock, timers } = options;
    const repeat = options.repeat.bind(options);
    this.#clientSurroundings = {
      clock,
      timers,
      repeat,
      send: options.sendRequest.bind(options),
      clientTerminated: (one) => this.#clientTerminated(one),
    };
    this.#serverSurroundings = {
      clock,
      timers,
      repeat,
      send: options.sendResponse.bind(options),
      serverTerminated: (one) => this.#serverTerminated(one),
    };
  }

  get clientCount(): number {
    return this.#clients.size;
  }

  get serverCount(): number {
    return this.#servers.size;
  }

  /** Sends a request whose top Via has our branch. @param octets - of it, when it has been written already */
  request(request: SipRequest, flow: Flow, user: ClientUser, octets?: Uint8Array): ClientTransaction {
    const key = clientKey(request.vias[0]!.params.get("branch")!, request.method);
    // The transaction sends in its constructor, and an error may come back before it is in the map.
    const transaction = new ClientTransaction(request, flow, user, this.#clientSurroundings, key, octets);
    if (transaction.terminated) return transaction;
    this.#clients.set(key, transaction);
    this.#bind(transaction);
    return transaction;
  }

  /** A response from the network. */
  receiveResponse(response: SipResponse, flow: Flow): void {
    // More than one Via means that it was meant for a proxy (SIP-MSG-20).
    if (response.vias.length !== 1) return;
    const branch = response.vias[0]!.params.get("branch");
    if (branch === undefined) return;
    const transaction = this.#clients.get(clientKey(branch, response.cseq.method));
    if (transaction !== undefined) {
      if (transaction.request.callId === response.callId) transaction.receive(response);
    } else if (response.cseq.method === "INVITE" && response.status >= 200 && response.status < 300)
      this.#user.onStray2xx(response, flow);
  }

  /** A request from the network. @param octets - of it, as it came */
  receiveRequest(request: SipRequest, flow: Flow, octets: Uint8Array): void {
    const key = serverKey(request);
    const existing = this.#servers.get(key);
    if (request.method === "ACK") {
      if (existing !== undefined && existing.state !== "accepted") existing.acknowledged();
      else this.#user.onAck(request, flow);
      return;
    }
    if (existing !== undefined) {
      existing.repeated();
      return;
    }
    if (request.method === "CANCEL") {
      this.#cancel(request, flow);
      return;
    }
    const mergedKey = mergedKeyOf(request);
    if (mergedKey !== undefined && !this.#user.isAdmitted(request, flow)) return;
    if (this.#servers.size >= this.#max) {
      if (mergedKey !== undefined) this.#overloaded(request, flow);
      if (mergedKey !== undefined || this.#servers.size >= 2 * this.#max) return;
    }
    if (mergedKey !== undefined && this.#initial.has(mergedKey)) {
      const toTag = statelessTag(request);
      this.#options.sendResponse(createResponse(request, 482, { reason: "Merged Request", toTag }), flow);
      return;
    }
    const held = new HeldRequest(request, octets, flow);
    const names = { key, mergedKey };
    const transaction = new ServerTransaction(held, request.method, flow, this.#serverSurroundings, names);
    this.#servers.set(key, transaction);
    if (mergedKey !== undefined) this.#initial.set(mergedKey, transaction);
    this.#user.onRequest(transaction);
  }

  /** A connection died: who waits on it learns so at once (SIP-TXN-11). */
  flowLost(flow: Flow, reason: string): void {
    if (flow.connectionId === undefined) return;
    const error = new TransportError(
      "TRANSPORT_LOST",
      `${flow.transport} ${flow.remoteAddress}:${flow.remotePort}: ${reason}`,
    );
    for (const transaction of [...(this.#byConnection.get(flow.connectionId) ?? [])]) transaction.sendFailed(error);
    this.#byConnection.delete(flow.connectionId);
  }

  /**
   * Nobody listens at a UDP destination. Only requests that nobody has answered yet are given up: an ICMP message is easily forged, and who
   * has answered is there.
   */
  refused(address: string, port: number): void {
    const error = new TransportError("TRANSPORT_REFUSED", `udp ${address}:${port}: nobody listens there`);
    for (const transaction of [...this.#clients.values()]) {
      const { transport, remoteAddress, remotePort } = transaction.flow;
      if (transport !== "udp" || remoteAddress !== address || remotePort !== port || transaction.answered) continue;
      transaction.sendFailed(error);
    }
  }

  /** True while a request of ours waits for its final answer on this connection. */
  waitsOn(flow: Flow): boolean {
    const bound = flow.connectionId === undefined ? undefined : this.#byConnection.get(flow.connectionId);
    return bound !== undefined && bound.size > 0;
  }

  stop(): void {
    for (const transaction of this.#clients.values()) transaction.stop();
    for (const transaction of this.#servers.values()) transaction.stop();
    this.#clients.clear();
    this.#byConnection.clear();
    this.#servers.clear();
    this.#initial.clear();
  }

  /** CANCEL is its own transaction; 200 or 481 at once (SIP-CAN-3). It is answered statelessly: a repeat gets the same. */
  #cancel(cancel: SipRequest, flow: Flow): void {
    const invite = this.#servers.get(serverKey({ ...cancel, method: "INVITE" }));
    if (invite === undefined || !invite.isInvite) {
      this.#options.sendResponse(createResponse(cancel, 481, { toTag: statelessTag(cancel) }), flow);
      return;
    }
    // The To tag is that of the answers to the INVITE (§9.2).
    this.#options.sendResponse(createResponse(cancel, 200, { toTag: invite.localTag }), flow);
    if (!invite.hasFinal) invite.user?.cancelled(cancel);
  }

  #clientTerminated(transaction: ClientTransaction): void {
    if (this.#clients.get(transaction.key) === transaction) this.#clients.delete(transaction.key);
    this.#unbind(transaction);
  }

  #serverTerminated({ key, mergedKey }: ServerTransaction): void {
    this.#servers.delete(key);
    if (mergedKey !== undefined) this.#initial.delete(mergedKey);
  }

  /** Shedding costs one answer and keeps nothing (SIP-OVL-1, SIP-OVL-2). */
  #overloaded(request: SipRequest, flow: Flow): void {
    const seconds = 1 + Math.floor(this.#options.random() * 10);
    this.#options.sendResponse(
      createResponse(request, 503, { toTag: statelessTag(request), headers: [["Retry-After", String(seconds)]] }),
      flow,
    );
  }

  #bind(transaction: ClientTransaction): void {
    const { connectionId } = transaction.flow;
    if (connectionId === undefined) return;
    const bound = this.#byConnection.get(connectionId);
    if (bound === undefined) this.#byConnection.set(connectionId, new Set([transaction]));
    else bound.add(transaction);
  }

  #unbind(transaction: ClientTransaction): void {
    const { connectionId } = transaction.flow;
    if (connectionId === undefined) return;
    const bound = this.#byConnection.get(connectionId);
    bound?.delete(transaction);
    if (bound?.size === 0) this.#byConnection.delete(connectionId);
  }
}

function clientKey(branch: string, method: string): string {
  return joined(method, branch);
}

/** RFC 3261 §17.2.3; without the cookie the rules of RFC 2543 hold (SIP-TXN-8). ACK and INVITE share a key. */
function serverKey(request: SipRequest): string {
  const via = request.vias[0]!;
  const branch = via.params.get("branch") ?? "";
  const method = request.method === "ACK" ? "INVITE" : request.method;
  if (branch.startsWith(BRANCH_COOKIE) && branch.length > BRANCH_COOKIE.length)
    return joined(method, branch, via.host, String(via.port ?? ""));
  const fromTag = request.from.params.get("tag") ?? "";
  // The Via as it was sent: what was added on receipt would tell a repeat from another port apart.
  const params = new Map([...via.params].filter(([name]) => name !== "received" && name !== "rport"));
  const { uri, callId, cseq } = request;
  return joined("2543", method, formatUri(uri), fromTag, callId, String(cseq.number), formatVia({ ...via, params }));
}

function mergedKeyOf(request: SipRequest): string | undefined {
  if (request.to.params.has("tag")) return undefined;
  const { method, from, callId, cseq } = request;
  return joined(method, from.params.get("tag") ?? "", callId, String(cseq.number));
}
