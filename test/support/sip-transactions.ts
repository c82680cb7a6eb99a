/** Transactions without sockets: what they send is kept with the time at which it was sent. */
import type { GatewayError, TransportError } from "../../src/base/errors.ts";
import { createResponse } from "../../src/sip/build.ts";
import { HeldRequest } from "../../src/sip/held-request.ts";
import type { Flow, SipMessage, SipRequest, SipResponse, SipTransportName } from "../../src/sip/message.ts";
import { parseMessage } from "../../src/sip/parser.ts";
import type { SendObserver } from "../../src/sip/send-observer.ts";
import { serializeMessage } from "../../src/sip/serialize.ts";
import { ClientTransaction } from "../../src/sip/transaction/client-transaction.ts";
import { ServerTransaction } from "../../src/sip/transaction/server-transaction.ts";
import { TIMER_DEFAULTS } from "../../src/sip/transaction/timers.ts";
import { ManualClock } from "./manual-clock.ts";
import { lines, nameOf } from "./sip-wire.ts";

export function flowOf(transport: SipTransportName, connectionId = 1): Flow {
  return {
    transport,
    remoteAddress: "192.0.2.1",
    remotePort: 5060,
    localAddress: "192.0.2.2",
    localPort: 5060,
    connectionId: transport === "udp" ? undefined : connectionId,
  };
}

/** A request as it comes out of the parser. */
export function requestOf(
  method: string,
  fields: {
    branch?: string;
    via?: string;
    callId?: string;
    cseq?: number;
    fromTag?: string;
    toTag?: string;
    uri?: string;
    headers?: string[];
  } = {},
): SipRequest {
  const { branch = "z9hG4bKone", callId = "call", cseq = 1, fromTag = "theirs", uri = "sip:b@192.0.2.2" } = fields;
  const bytes = lines([
    `${method} ${uri} SIP/2.0`,
    `Via: ${fields.via ?? `SIP/2.0/UDP 192.0.2.1:5060;branch=${branch}`}`,
    "Max-Forwards: 70",
    `From: <sip:a@192.0.2.1>${fromTag === "" ? "" : `;tag=${fromTag}`}`,
    `To: <sip:b@192.0.2.2>${fields.toTag === undefined ? "" : `;tag=${fields.toTag}`}`,
    `Call-ID: ${callId}`,
    `CSeq: ${cseq} ${method}`,
    "Contact: <sip:a@192.0.2.1>",
    ...(fields.headers ?? []),
  ]);
  return parseMessage(bytes) as SipRequest;
}

/** One line of a ladder: milliseconds since the start and what was sent. */
type Line = string;

class Ladder {
  readonly clock = new ManualClock();
  readonly sent: SipMessage[] = [];
  readonly lines: Line[] = [];
  readonly #startMs = this.clock.nowMs();
  /** The network refuses everything from now on. */
  failing: TransportError | undefined;

  get nowMs(): number {
    return this.clock.nowMs() - this.#startMs;
  }

  note(text: string): void {
    this.lines.push(`${this.nowMs} ${text}`);
  }

  send(message: SipMessage, observer: SendObserver): void {
    if (this.failing !== undefined) {
      observer.sendFailed(this.failing);
      return;
    }
    this.sent.push(message);
    this.note(nameOf(message));
  }
}

export class ClientLadder extends Ladder {
  readonly transaction: ClientTransaction;
  readonly delivered: SipResponse[] = [];
  failure: GatewayError | undefined;

  constructor(method: string, transport: SipTransportName = "udp", request = requestOf(method)) {
    super();
    this.transaction = new ClientTransaction(
      request,
      flowOf(transport),
      {
        onResponse: (response) => {
          this.delivered.push(response);
          this.note(`< ${response.status}`);
        },
        onFailure: (error) => {
          this.failure = error;
          this.note(`failure ${error.code}`);
        },
      },
      {
        clock: this.clock,
        timers: TIMER_DEFAULTS,
        send: (message, _flow, observer) => {
          this.send(message, observer);
          return serializeMessage(message);
        },
        repeat: (octets, _flow, observer) => this.send(parseMessage(Buffer.from(octets, "latin1")), observer),
        clientTerminated: () => this.note("terminated"),
      },
    );
  }

  answer(status: number, toTag = "ours"): void {
    this.transaction.receive(createResponse(this.transaction.request, status, { toTag }));
  }
}

export class ServerLadder extends Ladder {
  readonly transaction: ServerTransaction;
  readonly #request: SipRequest;

  constructor(method: string, transport: SipTransportName = "udp", request = requestOf(method)) {
    super();
    this.#request = request;
    const held = new HeldRequest(request, serializeMessage(request));
    this.transaction = new ServerTransaction(held, method, flowOf(transport), {
      clock: this.clock,
      timers: TIMER_DEFAULTS,
      send: (message, flow, observer) => {
        this.send(message, observer);
        return { bytes: serializeMessage(message), flow };
      },
      repeat: (octets, _flow, observer) => this.send(parseMessage(Buffer.from(octets, "latin1")), observer),
      serverTerminated: () => this.note("terminated"),
    });
    this.transaction.user = {
      cancelled: () => this.note("cancelled"),
      failed: (reason) => this.note(`failure ${reason}`),
    };
  }

  respond(status: number): void {
    this.transaction.respond(createResponse(this.#request, status, { toTag: "ours" }));
  }
}
