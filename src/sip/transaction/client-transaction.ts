/** A request that we sent and wait to hear about (RFC 3261 §17.1). One class for both tables. Repeats are octets. */

import { type GatewayError, TransactionTimeoutError, type TransportError } from "../../base/errors.ts";
import { Headers } from "../headers.ts";
import { HeldRequest } from "../held-request.ts";
import type { Flow, SipRequest, SipResponse } from "../message.ts";
import type { SendObserver } from "../send-observer.ts";
import { INVITE_CLIENT, INVITE_CLIENT_TIMERS } from "./invite-client.ts";
import { NON_INVITE_CLIENT, NON_INVITE_CLIENT_TIMERS } from "./non-invite-client.ts";
import { type MachineDefinition, type MachineSurroundings, TransactionMachine } from "./transaction-machine.ts";

/** Told what becomes of the request. */
export interface ClientUser {
  /** Every provisional answer, the final one, and with INVITE every further 2xx. */
  onResponse(response: SipResponse, transaction: ClientTransaction): void;
  /** No final answer in time, or the network refused. Called at most once, and no response follows. */
  onFailure(error: GatewayError, transaction: ClientTransaction): void;
}

export interface ClientSurroundings extends MachineSurroundings {
  /** Sends, and says what went out. @param octets - of the request, when it has been written already */
  send(request: SipRequest, flow: Flow, observer: SendObserver, octets?: Uint8Array): Uint8Array;
  /** The same octets once more. */
  repeat(octets: string, flow: Flow, observer: SendObserver): void;
  clientTerminated(transaction: ClientTransaction): void;
}

const INVITE: MachineDefinition = { table: INVITE_CLIENT, timers: INVITE_CLIENT_TIMERS };
const NON_INVITE: MachineDefinition = { table: NON_INVITE_CLIENT, timers: NON_INVITE_CLIENT_TIMERS };

export class ClientTransaction extends TransactionMachine implements SendObserver {
  readonly flow: Flow;
  readonly isInvite: boolean;
  /** By which its layer finds it. */
  readonly key: string;
  readonly #surroundings: ClientSurroundings;
  readonly #user: ClientUser;
  #held: HeldRequest;
  /** What is to be told now. */
  #response: SipResponse | undefined;
  #error: TransportError | undefined;
  /** Some answer has come. */
  answered = false;

  /**
   * Sends the request.
   * @param octets - of it, when it has been written already
   */
  constructor(
    request: SipRequest,
    flow: Flow,
    user: ClientUser,
    surroundings: ClientSurroundings,
    key = "",
    octets?: Uint8Array,
  ) {
    const isInvite = request.method === "INVITE";
    super(isInvite ? INVITE : NON_INVITE, isInvite ? "calling" : "trying", flow.transport !== "udp", surroundings);
    this.flow = flow;
    this.isInvite = isInvite;
    this.key = key;
    this.#user = user;
    this.#surroundings = surroundings;
    const sent = surroundings.send(request, flow, this, octets);
    this.#held = new HeldRequest(request, sent);
  }

  get request(): SipRequest {
    return this.#held.request;
  }

  /** The same, for who keeps it. */
  get held(): HeldRequest {
    return this.#held;
  }

  /** A response that belongs to this transaction. */
  receive(response: SipResponse): void {
    this.answered = true;
    this.#response = response;
    this.fire(classOf(response.status, this.isInvite));
    this.#response = undefined;
  }

  /** The network has failed under it. */
  sendFailed(error: TransportError): void {
    this.#error = error;
    this.fire("transport error");
    this.#error = undefined;
  }

  protected override perform(action: string): void {
    switch (action) {
      case "send request":
        this.#surroundings.repeat(this.#held.octets, this.flow, this);
        break;
      case "send ACK":
        this.#surroundings.send(ackFor(this.request, this.#response!), this.flow, this);
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

  protected override onTerminated(): void {
    this.#surroundings.clientTerminated(this);
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
