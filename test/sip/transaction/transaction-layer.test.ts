/** Which message belongs to which transaction (RFC 3261 §17.1.3, §17.2.3), CANCEL (§9.2), merged requests (§8.2.2.2), bounds. */
import { describe, expect, it } from "vitest";
import type { TransportError } from "../../../src/base/errors.ts";
import { createResponse } from "../../../src/sip/build.ts";
import type { Flow, SipMessage, SipRequest, SipResponse } from "../../../src/sip/message.ts";
import { parseMessage } from "../../../src/sip/parser.ts";
import { serializeMessage } from "../../../src/sip/serialize.ts";
import type { ServerTransaction } from "../../../src/sip/transaction/server-transaction.ts";
import { TIMER_DEFAULTS } from "../../../src/sip/transaction/timers.ts";
import { TransactionLayer } from "../../../src/sip/transaction/transaction-layer.ts";
import { ManualClock } from "../../support/manual-clock.ts";
import { flowOf, requestOf } from "../../support/sip-transactions.ts";
import { nameOf } from "../../support/sip-wire.ts";

const UDP = flowOf("udp");

class Bench {
  readonly clock = new ManualClock();
  readonly sent: SipMessage[] = [];
  readonly requests: ServerTransaction[] = [];
  readonly acks: SipRequest[] = [];
  readonly heard: string[] = [];
  readonly layer: TransactionLayer;

  constructor(transactionsMax?: number) {
    this.layer = new TransactionLayer(
      {
        clock: this.clock,
        timers: TIMER_DEFAULTS,
        random: () => 0.5,
        ...(transactionsMax === undefined ? {} : { transactionsMax }),
        sendRequest: (request) => {
          this.sent.push(request);
          return serializeMessage(request);
        },
        sendResponse: (response, flow) => {
          this.sent.push(response);
          return { bytes: serializeMessage(response), flow };
        },
        repeat: (octets) => this.sent.push(parseMessage(Buffer.from(octets, "latin1"))),
      },
      {
        isAdmitted: () => true,
        onRequest: (transaction) => this.requests.push(transaction),
        onAck: (ack) => this.acks.push(ack),
        onStray2xx: (response) => this.heard.push(`stray ${response.status}`),
      },
    );
  }

  get names(): string[] {
    return this.sent.map(nameOf);
  }

  receive(request: SipRequest, flow: Flow = UDP): void {
    this.layer.receiveRequest(request, flow, serializeMessage(request));
  }

  request(request: SipRequest, flow: Flow = UDP): void {
    this.layer.request(request, flow, {
      onResponse: (response) => this.heard.push(`${request.callId} ${response.status}`),
      onFailure: (error) => this.heard.push(`${request.callId} ${error.code}`),
    });
  }

  answerLast(status: number): void {
    const { request } = this.requests.at(-1)!;
    this.requests.at(-1)!.respond(createResponse(request, status, { toTag: "ours" }));
  }
}

describe("RFC 3261 17.2.3 requests and server transactions", () => {
  it("the same branch, sent-by and method are a repeat", () => {
    const bench = new Bench();
    bench.receive(requestOf("INVITE"));
    bench.receive(requestOf("INVITE"));
    expect(bench.requests).toHaveLength(1);
  });

  it.each([
    ["another branch", requestOf("OPTIONS", { branch: "z9hG4bKtwo", callId: "two" })],
    [
      "another sent-by host",
      requestOf("OPTIONS", { via: "SIP/2.0/UDP 192.0.2.7:5060;branch=z9hG4bKone", callId: "two" }),
    ],
    [
      "another sent-by port",
      requestOf("OPTIONS", { via: "SIP/2.0/UDP 192.0.2.1:5070;branch=z9hG4bKone", callId: "two" }),
    ],
    ["another method", requestOf("INFO", { callId: "two" })],
  ])("%s is another transaction", (_what, other) => {
    const bench = new Bench();
    bench.receive(requestOf("OPTIONS"));
    bench.receive(other);
    expect(bench.requests).toHaveLength(2);
  });

  it("ACK belongs to the INVITE while its answer is 300 to 699, and goes up after a 2xx", () => {
    for (const [status, toUser] of [
      [486, 0],
      [200, 1],
    ] as const) {
      const bench = new Bench();
      bench.receive(requestOf("INVITE"));
      bench.answerLast(status);
      bench.receive(requestOf("ACK", { toTag: "ours" }));
      expect(bench.acks).toHaveLength(toUser);
      expect(bench.requests[0]?.state).toBe(status === 486 ? "confirmed" : "accepted");
    }
  });

  it("ACK to a 2xx has a branch of its own and goes up", () => {
    const bench = new Bench();
    bench.receive(requestOf("ACK", { branch: "z9hG4bKother", toTag: "ours" }));
    expect(bench.acks).toHaveLength(1);
    expect(bench.requests).toHaveLength(0);
  });
});

describe("RFC 3261 17.2.3 peers of RFC 2543, known by the missing cookie", () => {
  it.each([
    ["no branch", "SIP/2.0/UDP 192.0.2.1:5060"],
    ["a branch without the cookie", "SIP/2.0/UDP 192.0.2.1:5060;branch=1"],
    ["the bare cookie (RFC 4475 3.2.1)", "SIP/2.0/UDP 192.0.2.1:5060;branch=z9hG4bK"],
  ])("%s: repeats, ACK and CANCEL find their INVITE", (_what, via) => {
    const bench = new Bench();
    bench.receive(requestOf("INVITE", { via }));
    bench.receive(requestOf("INVITE", { via }));
    expect(bench.requests).toHaveLength(1);
    bench.receive(requestOf("CANCEL", { via }));
    expect(bench.names).toEqual(["200 CANCEL"]);
    bench.answerLast(487);
    bench.receive(requestOf("ACK", { via, toTag: "ours" }));
    expect(bench.requests[0]?.state).toBe("confirmed");
  });

  it.each([
    ["Request-URI", { uri: "sip:c@192.0.2.2" }],
    ["From tag", { fromTag: "other" }],
    ["Call-ID", { callId: "other" }],
    ["CSeq number", { cseq: 2 }],
    ["Via host", { via: "SIP/2.0/UDP 192.0.2.7:5060" }],
    ["Via branch", { via: "SIP/2.0/UDP 192.0.2.1:5060;branch=2" }],
  ])("another %s is another transaction", (_what, fields) => {
    const bench = new Bench();
    // In a dialog, since outside of one the same request by another way is a merged one.
    bench.receive(requestOf("OPTIONS", { via: "SIP/2.0/UDP 192.0.2.1:5060", toTag: "ours" }));
    bench.receive(requestOf("OPTIONS", { via: "SIP/2.0/UDP 192.0.2.1:5060", toTag: "ours", ...fields }));
    expect(bench.requests).toHaveLength(2);
  });

  it("what the transport adds to the Via tells no repeat apart", () => {
    const bench = new Bench();
    bench.receive(requestOf("OPTIONS", { via: "SIP/2.0/UDP 192.0.2.1:5060;received=192.0.2.1;rport=1024" }));
    bench.receive(requestOf("OPTIONS", { via: "SIP/2.0/UDP 192.0.2.1:5060;received=192.0.2.1;rport=1025" }));
    expect(bench.requests).toHaveLength(1);
  });
});

describe("RFC 3261 8.2.2.2 merged requests", () => {
  it("the same request by another way gets 482 with a To tag, and the first goes on", () => {
    const bench = new Bench();
    bench.receive(requestOf("INVITE"));
    bench.receive(requestOf("INVITE", { branch: "z9hG4bKforked" }));
    expect(bench.names).toEqual(["482 INVITE"]);
    expect(bench.sent[0]?.to.params.get("tag")).toMatch(/^[0-9a-f]{16}$/);
    expect(bench.requests).toHaveLength(1);
    expect(bench.requests[0]?.state).toBe("proceeding");
  });

  it("8.2.7 a repeat of it gets the same To tag", () => {
    const bench = new Bench();
    bench.receive(requestOf("INVITE"));
    for (let round = 0; round < 2; round++) bench.receive(requestOf("INVITE", { branch: "z9hG4bKforked" }));
    expect(bench.sent[1]?.to.params.get("tag")).toBe(bench.sent[0]?.to.params.get("tag"));
  });

  it.each([
    ["a To tag", { toTag: "ours" }],
    ["another CSeq, as after a challenge", { cseq: 2 }],
    ["another From tag", { fromTag: "other" }],
    ["another Call-ID", { callId: "other" }],
  ])("a request with %s is not merged", (_what, fields) => {
    const bench = new Bench();
    bench.receive(requestOf("INVITE", "toTag" in fields ? fields : {}));
    bench.receive(requestOf("INVITE", { branch: "z9hG4bKnext", ...fields }));
    expect(bench.requests).toHaveLength(2);
  });

  it("is forgotten with its transaction", () => {
    const bench = new Bench();
    bench.receive(requestOf("OPTIONS"));
    bench.answerLast(200);
    bench.clock.advance(32_000);
    expect(bench.layer.serverCount).toBe(0);
    bench.receive(requestOf("OPTIONS", { branch: "z9hG4bKlater" }));
    expect(bench.requests).toHaveLength(2);
  });
});

describe("RFC 3261 9.2 CANCEL", () => {
  it("is answered 200 with the To tag of the INVITE's answers, and told while there is no final answer", () => {
    const bench = new Bench();
    bench.receive(requestOf("INVITE"));
    const invite = bench.requests[0]!;
    let cancelled = 0;
    invite.user = { cancelled: () => cancelled++, failed: () => undefined };
    bench.receive(requestOf("CANCEL"));
    expect(bench.names).toEqual(["200 CANCEL"]);
    expect(bench.sent[0]?.to.params.get("tag")).toBe(invite.localTag);
    expect(cancelled).toBe(1);
  });

  it("after a final answer gets 200 and has no effect", () => {
    const bench = new Bench();
    bench.receive(requestOf("INVITE"));
    let cancelled = 0;
    bench.requests[0]!.user = { cancelled: () => cancelled++, failed: () => undefined };
    bench.answerLast(200);
    bench.receive(requestOf("CANCEL"));
    expect(bench.names).toEqual(["200 INVITE", "200 CANCEL"]);
    expect(cancelled).toBe(0);
  });

  it("without its INVITE, or for another method, gets 481 with a To tag", () => {
    const bench = new Bench();
    bench.receive(requestOf("CANCEL"));
    bench.receive(requestOf("OPTIONS", { branch: "z9hG4bKoptions" }));
    bench.receive(requestOf("CANCEL", { branch: "z9hG4bKoptions" }));
    expect(bench.names).toEqual(["481 CANCEL", "481 CANCEL"]);
    expect(bench.sent.every((message) => message.to.params.has("tag"))).toBe(true);
  });
});

describe("RFC 3261 17.1.3 responses and client transactions", () => {
  const answer = (request: SipRequest, status: number): SipResponse => createResponse(request, status, { toTag: "t" });

  it("branch and CSeq method decide; a CANCEL has the branch of its INVITE", () => {
    const bench = new Bench();
    const invite = requestOf("INVITE");
    const cancel = requestOf("CANCEL", { callId: "call" });
    bench.request(invite);
    bench.request(cancel);
    bench.layer.receiveResponse(answer(cancel, 200), UDP);
    bench.layer.receiveResponse(answer(invite, 487), UDP);
    expect(bench.heard).toEqual(["call 200", "call 487"]);
  });

  it("SIP-MSG-20 another branch, another Call-ID and more than one Via are nobody's", () => {
    const bench = new Bench();
    bench.request(requestOf("OPTIONS"));
    bench.layer.receiveResponse(answer(requestOf("OPTIONS", { branch: "z9hG4bKguess" }), 200), UDP);
    bench.layer.receiveResponse(answer(requestOf("OPTIONS", { callId: "other" }), 200), UDP);
    const two = answer(requestOf("OPTIONS"), 200);
    two.vias.push(two.vias[0]!);
    bench.layer.receiveResponse(two, UDP);
    expect(bench.heard).toEqual([]);
  });

  it("RFC 6026 8.4 a 2xx to INVITE whose transaction is gone is told as a stray", () => {
    const bench = new Bench();
    const invite = requestOf("INVITE");
    bench.request(invite);
    bench.layer.receiveResponse(answer(invite, 200), UDP);
    bench.clock.advance(32_000);
    bench.layer.receiveResponse(answer(invite, 200), UDP);
    expect(bench.heard).toEqual(["call 200", "stray 200"]);
  });

  it("17.1.4 the end of a connection fails what waits on it, and nothing else", () => {
    const bench = new Bench();
    bench.request(requestOf("OPTIONS", { branch: "z9hG4bK1", callId: "first" }), flowOf("tcp", 1));
    bench.request(requestOf("INVITE", { branch: "z9hG4bK2", callId: "second" }), flowOf("tcp", 1));
    bench.request(requestOf("OPTIONS", { branch: "z9hG4bK3", callId: "third" }), flowOf("tcp", 2));
    bench.request(requestOf("OPTIONS", { branch: "z9hG4bK4", callId: "fourth" }), UDP);
    bench.layer.flowLost(flowOf("tcp", 1), "closed");
    expect(bench.heard).toEqual(["first TRANSPORT_LOST", "second TRANSPORT_LOST"]);
    expect(bench.layer.clientCount).toBe(2);
  });

  it("a request that fails while it is sent leaves no transaction", () => {
    const clock = new ManualClock();
    const layer = new TransactionLayer(
      {
        clock,
        timers: TIMER_DEFAULTS,
        random: () => 0,
        sendRequest: (request, _flow, observer) => {
          observer.sendFailed({ code: "TRANSPORT_LOST" } as TransportError);
          return serializeMessage(request);
        },
        sendResponse: () => undefined,
        repeat: () => undefined,
      },
      { isAdmitted: () => true, onRequest: () => undefined, onAck: () => undefined, onStray2xx: () => undefined },
    );
    const failed: string[] = [];
    layer.request(requestOf("OPTIONS"), UDP, {
      onResponse: () => undefined,
      onFailure: ({ code }) => failed.push(code),
    });
    expect(failed).toEqual(["TRANSPORT_LOST"]);
    expect(layer.clientCount).toBe(0);
    expect(clock.pendingTimers).toBe(0);
  });
});

describe("SIP-OVL-1, SIP-OVL-2 the number of transactions is bounded", () => {
  it("new requests get 503 with Retry-After and no transaction, those in dialogs are served up to twice the bound", () => {
    const bench = new Bench(2);
    const numbered = (method: string, number: number, toTag?: string): SipRequest =>
      requestOf(method, {
        branch: `z9hG4bK${number}`,
        callId: `call-${number}`,
        ...(toTag === undefined ? {} : { toTag }),
      });
    for (let number = 0; number < 3; number++) bench.receive(numbered("INVITE", number));
    expect(bench.layer.serverCount).toBe(2);
    expect(bench.names).toEqual(["503 INVITE"]);
    expect(bench.sent[0]?.headers.get("Retry-After")).toBe("6");
    for (let number = 3; number < 8; number++) bench.receive(numbered("BYE", number, "ours"));
    expect(bench.layer.serverCount).toBe(4);
    expect(bench.names).toEqual(["503 INVITE"]);
  });

  it("an ACK and a CANCEL are never refused", () => {
    const bench = new Bench(1);
    bench.receive(requestOf("INVITE"));
    bench.receive(requestOf("CANCEL"));
    bench.receive(requestOf("ACK", { branch: "z9hG4bKack", toTag: "ours" }));
    expect(bench.names).toEqual(["200 CANCEL"]);
    expect(bench.acks).toHaveLength(1);
  });
});
