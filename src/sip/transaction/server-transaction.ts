/** A request that came and waits for our answer (RFC 3261 §17.2). One class for both tables. */

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
  send(response: SipResponse, flow: Flow, onError: (error: TransportError) => void): void;
  onTerminated(transaction: ServerTransaction): void;
}

export class ServerTransaction {
  readonly request: SipRequest;
  readonly flow: Flow;
  /** Our To tag in every answer to a request that has none (RFC 3261 §8.2.6.2, §9.2). */
  readonly localTag = randomHex(8);
  readonly #deps: ServerDependencies;
  readonly #runner: MachineRunner<string, string, string>;
  #last: SipResponse | undefined;
  #error: TransportError | undefined;
  /** Repeat a final answer only when the request is repeated: who may be forged gets no more than it sends (SIP-OVL-4). */
  onlyWhenAsked = false;
  /** CANCEL for this INVITE came while it had no final answer. */
  onCancel: ((cancel: SipRequest) => void) | undefined;
  /** A final answer of 300 to 699 was never acknowledged, or an answer could not be sent. */
  onFailure: ((reason: string) => void) | undefined;

  constructor(request: SipRequest, flow: Flow, deps: ServerDependencies) {
    this.request = request;
    this.flow = flow;
    this.#deps = deps;
    const isInvite = request.method === "INVITE";
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

  /** The last answer that was sent. */
  get lastResponse(): SipResponse | undefined {
    return this.#last;
  }

  get hasFinal(): boolean {
    return (this.#last?.status ?? 0) >= 200;
  }

  /** Sends an answer; after a final one only repeats of a 2xx to INVITE are possible. */
  respond(response: SipResponse): void {
    const before = this.#last;
    this.#last = response;
    if (!this.#runner.fire(this.#sendEvent(response.status)) && before !== undefined) this.#last = before;
  }

  /** The same request again (SIP-TXN-13). */
  repeated(): void {
    this.#runner.fire(this.request.method === "INVITE" ? "INVITE" : "request");
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
    if (this.request.method !== "INVITE") return "send 200-699";
    return status < 300 ? "send 2xx" : "send 300-699";
  }

  #perform(action: string): void {
    switch (action) {
      case "repeat unasked":
        if (!this.onlyWhenAsked) this.#perform("repeat response");
        break;
      case "send response":
      case "repeat response":
        if (this.#last !== undefined)
          this.#deps.send(this.#last, this.flow, (error) => {
            this.#error = error;
            this.#runner.fire("transport error");
          });
        break;
      case "report no ACK":
        this.onFailure?.("no ACK came");
        break;
      case "report transport error":
        this.onFailure?.(this.#error?.message ?? "the answer could not be sent");
        break;
    }
  }
}
