/**
 * A request that came and waits for our answer (RFC 3261 §17.2). One class for both tables. It lives for 32 s behind its
 * answer, over UDP, only to repeat it: what is kept of it then is octets.
 */

import type { TransportError } from "../../base/errors.ts";
import { randomHex } from "../../base/ids.ts";
import { type HeldRequest, latin1 } from "../held-request.ts";
import type { Flow, SipRequest, SipResponse } from "../message.ts";
import type { SendObserver } from "../send-observer.ts";
import { INVITE_SERVER, INVITE_SERVER_TIMERS } from "./invite-server.ts";
import { NON_INVITE_SERVER, NON_INVITE_SERVER_TIMERS } from "./non-invite-server.ts";
import { type MachineDefinition, type MachineSurroundings, TransactionMachine } from "./transaction-machine.ts";

export interface ServerSurroundings extends MachineSurroundings {
  /** Sends, and says what went out and where; undefined when that cannot be repeated. */
  send(response: SipResponse, flow: Flow, observer: SendObserver): SentMessage | undefined;
  /** The same octets once more. */
  repeat(octets: string, flow: Flow, observer: SendObserver): void;
  serverTerminated(transaction: ServerTransaction): void;
}

/** A message as it went out; the octets are good until the next one is sent. */
export interface SentMessage {
  readonly bytes: Uint8Array;
  readonly flow: Flow;
}

/** Told what becomes of a request while it has no final answer, and of an INVITE until its refusal was acknowledged. */
export interface ServerUser {
  /** CANCEL for this INVITE came. */
  cancelled(cancel: SipRequest): void;
  /** A final answer of 300 to 699 was never acknowledged, or an answer could not be sent. */
  failed(reason: string): void;
}

const INVITE: MachineDefinition = { table: INVITE_SERVER, timers: INVITE_SERVER_TIMERS };
const NON_INVITE: MachineDefinition = { table: NON_INVITE_SERVER, timers: NON_INVITE_SERVER_TIMERS };

export class ServerTransaction extends TransactionMachine implements SendObserver {
  readonly isInvite: boolean;
  readonly flow: Flow;
  /** By which its layer finds it: its own name, and that of a request that is merged with it. */
  readonly key: string;
  readonly mergedKey: string | undefined;
  /** Our To tag in every answer to a request that has none (RFC 3261 §8.2.6.2, §9.2). */
  readonly localTag = randomHex(8);
  readonly #surroundings: ServerSurroundings;
  #held: HeldRequest | undefined;
  /** The answer that is on its way out. */
  #next: SipResponse | undefined;
  #lastStatus = 0;
  /** The last answer, when it can be repeated, and where it went. */
  #sent = "";
  #sentTo: Flow;
  #failure = "";
  /** Repeat a final answer only when the request is repeated: who may be forged gets no more than it sends (SIP-OVL-4). */
  onlyWhenAsked = false;
  user: ServerUser | undefined;

  /** @param names - by which the layer finds it */
  constructor(
    held: HeldRequest,
    method: string,
    flow: Flow,
    surroundings: ServerSurroundings,
    names: { readonly key: string; readonly mergedKey?: string | undefined } = { key: "" },
  ) {
    const isInvite = method === "INVITE";
    const initial = isInvite ? "proceeding" : "trying";
    super(isInvite ? INVITE : NON_INVITE, initial, flow.transport !== "udp", surroundings);
    this.#held = held;
    this.flow = flow;
    this.#sentTo = flow;
    this.isInvite = isInvite;
    this.#surroundings = surroundings;
    this.key = names.key;
    this.mergedKey = names.mergedKey;
  }

  /**
   * What is to be answered.
   * @throws TypeError once it has been: take it before
   */
  get request(): SipRequest {
    return this.held.request;
  }

  /** The same, for who keeps it. @throws TypeError once it has been answered */
  get held(): HeldRequest {
    if (this.#held === undefined) throw new TypeError("request: it has been answered and is not kept");
    return this.#held;
  }

  /** Status of the last answer that was sent, 0 before the first. */
  get lastStatus(): number {
    return this.#lastStatus;
  }

  get hasFinal(): boolean {
    return this.#lastStatus >= 200;
  }

  /** Sends an answer; after a final one only repeats of a 2xx to INVITE are possible. */
  respond(response: SipResponse): void {
    this.#next = response;
    this.fire(this.#sendEvent(response.status));
    this.#next = undefined;
  }

  /** The same request again (SIP-TXN-13). */
  repeated(): void {
    this.fire(this.isInvite ? "INVITE" : "request");
  }

  /** The last provisional answer once more, for proxies on its way (RFC 3261 §13.3.1.1). */
  remind(): void {
    if (!this.hasFinal) this.perform("repeat response");
  }

  /** ACK to a final answer of 300 to 699. */
  acknowledged(): void {
    this.fire("ACK");
  }

  /** Ends it without an answer. */
  drop(): void {
    this.terminate();
  }

  sendFailed(error: TransportError): void {
    this.#failure = error.message;
    this.fire("transport error");
  }

  #sendEvent(status: number): string {
    if (status < 200) return "send 1xx";
    if (!this.isInvite) return "send 200-699";
    return status < 300 ? "send 2xx" : "send 300-699";
  }

  protected override perform(action: string): void {
    switch (action) {
      case "repeat unasked":
        if (!this.onlyWhenAsked) this.perform("repeat response");
        break;
      case "send response":
        this.#send(this.#next!);
        break;
      case "repeat response":
        if (this.#sent !== "") this.#surroundings.repeat(this.#sent, this.#sentTo, this);
        break;
      case "report no ACK":
        this.user?.failed("no ACK came");
        break;
      case "report transport error":
        this.user?.failed(this.#failure);
        break;
    }
  }

  protected override onTerminated(): void {
    this.#surroundings.serverTerminated(this);
  }

  #send(response: SipResponse): void {
    this.#lastStatus = response.status;
    if (response.status >= 200) this.#rest(response.status);
    const sent = this.#surroundings.send(response, this.flow, this);
    // The 2xx to an INVITE is repeated by whoever made it.
    const isKept = sent !== undefined && !(this.isInvite && this.hasFinal && response.status < 300);
    this.#sent = isKept ? latin1(sent.bytes) : "";
    this.#sentTo = isKept ? sent.flow : this.flow;
  }

  /** A final answer settles it: nobody is asked any more, and there is nothing left to say to whoever answered. */
  #rest(status: number): void {
    this.#held = undefined;
    if (!this.isInvite || status < 300) this.user = undefined;
  }
}
