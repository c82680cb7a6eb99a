/** A request that we sent and wait to hear about (RFC 3261 §17.1). One class for both tables. */

import type { Clock } from "../../base/clock.ts";
import { type GatewayError, TransactionTimeoutError, type TransportError } from "../../base/errors.ts";
import { Headers } from "../headers.ts";
import type { Flow, SipRequest, SipResponse } from "../message.ts";
import { INVITE_CLIENT, INVITE_CLIENT_TIMERS } from "./invite-client.ts";
import { MachineRunner } from "./machine-runner.ts";
import { NON_INVITE_CLIENT, NON_INVITE_CLIENT_TIMERS } from "./non-invite-client.ts";
import type { TimerSettings } from "./timers.ts";

/** Told what becomes of the request. */
export interface ClientUser {
  /** Every provisional answer, the final one, and with INVITE every further 2xx. */
  onResponse(response: SipResponse, transaction: ClientTransaction): void;
  /** No final answer in time, or the network refused. Called at most once, and no response follows. */
  onFailure(error: GatewayError, transaction: ClientTransaction): void;
}

export interface ClientDependencies {
  readonly clock: Clock;
  readonly timers: TimerSettings;
  send(request: SipRequest, flow: Flow, onError: (error: TransportError) => void): void;
  onTerminated(transaction: ClientTransaction): void;
}

type Runner = MachineRunner<string, string, string>;

export class ClientTransaction {
  readonly request: SipRequest;
  readonly flow: Flow;
  readonly #deps: ClientDependencies;
  readonly #user: ClientUser;
  readonly #runner: Runner;
  #response: SipResponse | undefined;
  #error: TransportError | undefined;
  /** Some answer has come. */
  answered = false;

  constructor(request: SipRequest, flow: Flow, user: ClientUser, deps: ClientDependencies) {
    this.request = request;
    this.flow = flow;
    this.#user = user;
    this.#deps = deps;
    const isInvite = request.method === "INVITE";
    this.#runner = new MachineRunner<string, string, string>(
      isInvite
        ? { table: INVITE_CLIENT, timers: INVITE_CLIENT_TIMERS }
        : { table: NON_INVITE_CLIENT, timers: NON_INVITE_CLIENT_TIMERS },
      isInvite ? "calling" : "trying",
      deps.clock,
      deps.timers,
      flow.transport !== "udp",
      (action) => this.#perform(action),
      () => deps.onTerminated(this),
    );
    this.#send(request);
  }

  get branch(): string {
    return this.request.vias[0]!.params.get("branch")!;
  }

  get state(): string {
    return this.#runner.state;
  }

  get terminated(): boolean {
    return this.#runner.state === "terminated";
  }

  /** A response that belongs to this transaction. */
  receive(response: SipResponse): void {
    this.answered = true;
    this.#response = response;
    this.#runner.fire(classOf(response.status, this.request.method === "INVITE"));
  }

  /** The network has failed under it. */
  transportFailed(error: TransportError): void {
    this.#error = error;
    this.#runner.fire("transport error");
  }

  stop(): void {
    this.#runner.stop();
  }

  #perform(action: string): void {
    switch (action) {
      case "send request":
        this.#send(this.request);
        break;
      case "send ACK":
        this.#send(ackFor(this.request, this.#response!));
        break;
      case "deliver":
        this.#user.onResponse(this.#response!, this);
        break;
      case "report timeout":
        this.#user.onFailure(new TransactionTimeoutError(`no answer to ${this.request.method}`), this);
        break;
      case "report transport error":
        this.#user.onFailure(this.#error!, this);
        break;
    }
  }

  #send(request: SipRequest): void {
    this.#deps.send(request, this.flow, (error) => this.transportFailed(error));
  }
}

function classOf(status: number, isInvite: boolean): string {
  if (status < 200) return "1xx";
  if (!isInvite) return "200-699";
  return status < 300 ? "2xx" : "300-699";
}

/** ACK to a final answer of 300 to 699: same branch, same Request-URI, only the top Via (RFC 3261 §17.1.1.3). */
function ackFor(invite: SipRequest, response: SipResponse): SipRequest {
  const headers = new Headers();
  for (const route of invite.headers.all("Route")) headers.add("Route", route);
  return {
    kind: "request",
    method: "ACK",
    uri: invite.uri,
    vias: [invite.vias[0]!],
    from: invite.from,
    to: response.to,
    callId: invite.callId,
    cseq: { number: invite.cseq.number, method: "ACK" },
    maxForwards: 70,
    headers,
    body: new Uint8Array(0),
  };
}
