/**
 * A request that came and waits for our answer (RFC 3261 §17.2). One class for both tables. It lives for 32 s behind its
 * answer, over UDP, only to repeat it: what is kept of it then is octets.
 */

import type { Clock } from "../../base/clock.ts";
import type { TransportError } from "../../base/errors.ts";
import { randomHex } from "../../base/ids.ts";
import type { Flow, SipRequest, SipResponse } from "../message.ts";
import { INVITE_SERVER, INVITE_SERVER_TIMERS } from "./invite-server.ts";
import { MachineRunner } from "./machine-runner.ts";
import { NON_INVITE_SERVER, NON_INVITE_SERVER_TIMERS } from "./non-invite-server.ts";
import type { TimerSettings } from "./timers.ts";

export interface ServerDependencies {
  readonly clock: Clock;
  readonly timers: TimerSettings;
  /** Sends, and says what went out and where; undefined when that cannot be repeated. */
  send(response: SipResponse, flow: Flow, onError: (error: TransportError) => void): SentResponse | undefined;
  /** The same octets once more. */
  repeat(sent: SentResponse, onError: (error: TransportError) => void): void;
  onTerminated(transaction: ServerTransaction): void;
}

/** An answer as it went out. */
export interface SentResponse {
  readonly bytes: Uint8Array;
  readonly flow: Flow;
}

export class ServerTransaction {
  readonly isInvite: boolean;
  readonly flow: Flow;
  /** Our To tag in every answer to a request that has none (RFC 3261 §8.2.6.2, §9.2). */
  readonly localTag = randomHex(8);
  readonly #deps: ServerDependencies;
  readonly #runner: MachineRunner<string, string, string>;
  #request: SipRequest | undefined;
  /** The answer that is on its way out. */
  #next: SipResponse | undefined;
  #lastStatus = 0;
  #sent: SentResponse | undefined;
  #error: TransportError | undefined;
  /** Repeat a final answer only when the request is repeated: who may be forged gets no more than it sends (SIP-OVL-4). */
  onlyWhenAsked = false;
  /** CANCEL for this INVITE came while it had no final answer. */
  onCancel: ((cancel: SipRequest) => void) | undefined;
  /** A final answer of 300 to 699 was never acknowledged, or an answer could not be sent. */
  onFailure: ((reason: string) => void) | undefined;

  constructor(request: SipRequest, flow: Flow, deps: ServerDependencies) {
    this.#request = request;
    this.flow = flow;
    this.#deps = deps;
    const isInvite = request.method === "INVITE";
    this.isInvite = isInvite;
    this.#runner = new MachineRunner<string, string, string>(
      isInvite
        ? { table: INVITE_SERVER, timers: INVITE_SERVER_TIMERS }
        : { table: NON_INVITE_SERVER, timers: NON_INVITE_SERVER_TIMERS },
      isInvite ? "proceeding" : "trying",
      deps.clock,
      deps.timers,
      flow.transport !== "udp",
      (action) => this.#perform(action),
      () => deps.onTerminated(this),
    );
  }

  get state(): string {
    return this.#runner.state;
  }

  get terminated(): boolean {
    return this.#runner.state === "terminated";
  }

  /**
   * What is to be answered.
   * @throws TypeError once it has been: take it before
   */
  get request(): SipRequest {
    if (this.#request === undefined) throw new TypeError("request: it has been answered and is not kept");
    return this.#request;
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
    this.#runner.fire(this.#sendEvent(response.status));
    this.#next = undefined;
  }

  /** The same request again (SIP-TXN-13). */
  repeated(): void {
    this.#runner.fire(this.isInvite ? "INVITE" : "request");
  }

  /** ACK to a final answer of 300 to 699. */
  acknowledged(): void {
    this.#runner.fire("ACK");
  }

  /** Ends it without an answer. */
  drop(): void {
    this.#runner.terminate();
  }

  stop(): void {
    this.#runner.stop();
  }

  #sendEvent(status: number): string {
    if (status < 200) return "send 1xx";
    if (!this.isInvite) return "send 200-699";
    return status < 300 ? "send 2xx" : "send 300-699";
  }

  #perform(action: string): void {
    switch (action) {
      case "repeat unasked":
        if (!this.onlyWhenAsked) this.#perform("repeat response");
        break;
      case "send response":
        this.#send(this.#next!);
        break;
      case "repeat response":
        if (this.#sent !== undefined) this.#deps.repeat(this.#sent, this.#onError);
        break;
      case "report no ACK":
        this.onFailure?.("no ACK came");
        break;
      case "report transport error":
        this.onFailure?.(this.#error?.message ?? "the answer could not be sent");
        break;
    }
  }

  #send(response: SipResponse): void {
    this.#lastStatus = response.status;
    if (response.status >= 200) this.#rest(response.status);
    const sent = this.#deps.send(response, this.flow, this.#onError);
    // The 2xx to an INVITE is repeated by whoever made it.
    const isKept = sent !== undefined && !(this.isInvite && this.hasFinal && response.status < 300);
    // A copy, since the original is part of a slab that it would keep alive as a whole.
    this.#sent = isKept ? { bytes: new Uint8Array(sent.bytes), flow: sent.flow } : undefined;
  }

  /** A final answer settles it: nobody is asked any more, and there is nothing left to say to whoever answered. */
  #rest(status: number): void {
    this.#request = undefined;
    this.onCancel = undefined;
    if (!this.isInvite || status < 300) this.onFailure = undefined;
  }

  readonly #onError = (error: TransportError): void => {
    this.#error = error;
    this.#runner.fire("transport error");
  };
}
