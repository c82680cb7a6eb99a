/** What transactions send and when, to the millisecond (RFC 3261 §17 and annex A, RFC 6026), with T1 500 ms, T2 4 s, T4 5 s. */
import { describe, expect, it } from "vitest";
import { TransportError } from "../../../src/base/errors.ts";
import { serializeMessage } from "../../../src/sip/serialize.ts";
import { ClientLadder, requestOf, ServerLadder } from "../../support/sip-transactions.ts";

const RELIABLE = ["tcp", "tls"] as const;
const REFUSED = new TransportError("TRANSPORT_REFUSED", "refused");

describe("RFC 3261 17.1.1.2 INVITE client", () => {
  it("UDP: timer A doubles without a cap, timer B ends it after 64·T1", () => {
    const ladder = new ClientLadder("INVITE");
    ladder.clock.advance(100_000);
    expect(ladder.lines).toEqual([
      "0 INVITE",
      "500 INVITE",
      "1500 INVITE",
      "3500 INVITE",
      "7500 INVITE",
      "15500 INVITE",
      "31500 INVITE",
      "32000 failure SIP_TIMEOUT",
      "32000 terminated",
    ]);
    expect(ladder.clock.pendingTimers).toBe(0);
  });

  it.each(RELIABLE)("%s: one INVITE, timer B after 64·T1", (transport) => {
    const ladder = new ClientLadder("INVITE", transport);
    ladder.clock.advance(100_000);
    expect(ladder.lines).toEqual(["0 INVITE", "32000 failure SIP_TIMEOUT", "32000 terminated"]);
  });

  it("a provisional answer stops A and B for good", () => {
    const ladder = new ClientLadder("INVITE");
    ladder.clock.advance(600);
    ladder.answer(100);
    ladder.clock.advance(3_600_000);
    expect(ladder.lines).toEqual(["0 INVITE", "500 INVITE", "600 < 100"]);
    expect(ladder.transaction.state).toBe("proceeding");
    expect(ladder.clock.pendingTimers).toBe(0);
  });

  it("17.1.1.2 UDP: a final answer is acknowledged each time it comes, and delivered once; timer D is 32 s", () => {
    const ladder = new ClientLadder("INVITE");
    ladder.answer(486);
    ladder.clock.advance(500);
    ladder.answer(486);
    ladder.clock.advance(31_499);
    ladder.answer(486);
    ladder.clock.advance(1);
    ladder.answer(486);
    expect(ladder.lines).toEqual(["0 INVITE", "0 ACK", "0 < 486", "500 ACK", "31999 ACK", "32000 terminated"]);
  });

  it.each(RELIABLE)("17.1.1.2 %s: timer D is zero", (transport) => {
    const ladder = new ClientLadder("INVITE", transport);
    ladder.answer(503);
    ladder.clock.advance(0);
    expect(ladder.lines).toEqual(["0 INVITE", "0 ACK", "0 < 503", "0 terminated"]);
  });

  it("17.1.1.3 the ACK has the branch, URI, Route, From, Call-ID and CSeq number of the INVITE and the To of the answer", () => {
    const invite = requestOf("INVITE", {
      headers: ["Route: <sip:p1.example.net;lr>", "Route: <sip:p2.example.net;lr>"],
    });
    invite.vias.push({ transport: "UDP", host: "192.0.2.9", port: 5060, params: new Map([["branch", "z9hG4bKtwo"]]) });
    const ladder = new ClientLadder("INVITE", "udp", invite);
    ladder.answer(404, "answerer");
    const ack = ladder.sent[1]!;
    expect(ack).toMatchObject({
      kind: "request",
      method: "ACK",
      uri: invite.uri,
      callId: "call",
      cseq: { number: 1, method: "ACK" },
    });
    expect(ack.vias).toEqual([invite.vias[0]]);
    expect(ack.headers.all("Route")).toEqual(["<sip:p1.example.net;lr>", "<sip:p2.example.net;lr>"]);
    expect(ack.from).toEqual(invite.from);
    expect(ack.to.params.get("tag")).toBe("answerer");
  });

  it("RFC 6026 7.2 every 2xx goes up for 64·T1 (timer M), repeats and other To tags alike, without an ACK of ours", () => {
    const ladder = new ClientLadder("INVITE");
    ladder.answer(180);
    ladder.answer(200, "one");
    ladder.clock.advance(500);
    ladder.answer(200, "one");
    ladder.answer(200, "two");
    ladder.answer(486, "late");
    ladder.clock.advance(31_499);
    ladder.answer(200, "three");
    ladder.clock.advance(1);
    ladder.answer(200, "four");
    expect(ladder.lines).toEqual([
      "0 INVITE",
      "0 < 180",
      "0 < 200",
      "500 < 200",
      "500 < 200",
      "31999 < 200",
      "32000 terminated",
    ]);
  });

  it("17.1.4 a transport error goes up at once and ends it", () => {
    const ladder = new ClientLadder("INVITE");
    ladder.failing = REFUSED;
    ladder.clock.advance(500);
    expect(ladder.lines).toEqual(["0 INVITE", "500 failure TRANSPORT_REFUSED", "500 terminated"]);
    expect(ladder.clock.pendingTimers).toBe(0);
  });

  it("no failure and no answer follow a failure", () => {
    const ladder = new ClientLadder("INVITE");
    ladder.transaction.sendFailed(REFUSED);
    ladder.transaction.sendFailed(REFUSED);
    ladder.answer(200);
    ladder.clock.advance(100_000);
    expect(ladder.lines).toEqual(["0 INVITE", "0 failure TRANSPORT_REFUSED", "0 terminated"]);
  });
});

describe("RFC 3261 17.1.2.2 non-INVITE client", () => {
  it("UDP: timer E doubles up to T2, timer F ends it after 64·T1", () => {
    const ladder = new ClientLadder("OPTIONS");
    ladder.clock.advance(100_000);
    const instants = [0, 500, 1500, 3500, 7500, 11_500, 15_500, 19_500, 23_500, 27_500, 31_500];
    expect(ladder.lines).toEqual([
      ...instants.map((at) => `${at} OPTIONS`),
      "32000 failure SIP_TIMEOUT",
      "32000 terminated",
    ]);
  });

  it("UDP: after a provisional answer timer E goes on at T2, and F still ends it", () => {
    const ladder = new ClientLadder("OPTIONS");
    ladder.clock.advance(600);
    ladder.answer(100);
    ladder.clock.advance(100_000);
    const instants = [1500, 5500, 9500, 13_500, 17_500, 21_500, 25_500, 29_500];
    expect(ladder.lines).toEqual([
      "0 OPTIONS",
      "500 OPTIONS",
      "600 < 100",
      ...instants.map((at) => `${at} OPTIONS`),
      "32000 failure SIP_TIMEOUT",
      "32000 terminated",
    ]);
  });

  it.each(RELIABLE)("%s: one request, timer F after 64·T1", (transport) => {
    const ladder = new ClientLadder("BYE", transport);
    ladder.clock.advance(100_000);
    expect(ladder.lines).toEqual(["0 BYE", "32000 failure SIP_TIMEOUT", "32000 terminated"]);
  });

  it("UDP: repeats of the answer are absorbed for T4 (timer K)", () => {
    const ladder = new ClientLadder("BYE");
    ladder.answer(200);
    ladder.clock.advance(4999);
    ladder.answer(200);
    expect(ladder.transaction.state).toBe("completed");
    ladder.clock.advance(1);
    expect(ladder.lines).toEqual(["0 BYE", "0 < 200", "5000 terminated"]);
  });

  it.each(RELIABLE)("%s: timer K is zero", (transport) => {
    const ladder = new ClientLadder("BYE", transport);
    ladder.answer(481);
    ladder.clock.advance(0);
    expect(ladder.lines).toEqual(["0 BYE", "0 < 481", "0 terminated"]);
  });
});

describe("RFC 3261 17.2.1 INVITE server", () => {
  it("UDP: a final answer is repeated by timer G up to T2, timer H gives up after 64·T1", () => {
    const ladder = new ServerLadder("INVITE");
    ladder.respond(486);
    ladder.clock.advance(100_000);
    const instants = [0, 500, 1500, 3500, 7500, 11_500, 15_500, 19_500, 23_500, 27_500, 31_500];
    expect(ladder.lines).toEqual([
      ...instants.map((at) => `${at} 486 INVITE`),
      "32000 failure no ACK came",
      "32000 terminated",
    ]);
  });

  it.each(RELIABLE)("%s: no repeats, timer H after 64·T1 all the same", (transport) => {
    const ladder = new ServerLadder("INVITE", transport);
    ladder.respond(486);
    ladder.clock.advance(100_000);
    expect(ladder.lines).toEqual(["0 486 INVITE", "32000 failure no ACK came", "32000 terminated"]);
  });

  it("UDP: the ACK stops the repeats; further ACKs are absorbed for T4 (timer I)", () => {
    const ladder = new ServerLadder("INVITE");
    ladder.respond(486);
    ladder.clock.advance(700);
    ladder.transaction.acknowledged();
    ladder.transaction.acknowledged();
    ladder.transaction.repeated();
    ladder.clock.advance(4999);
    expect(ladder.transaction.state).toBe("confirmed");
    ladder.clock.advance(1);
    expect(ladder.lines).toEqual(["0 486 INVITE", "500 486 INVITE", "5700 terminated"]);
  });

  it.each(RELIABLE)("%s: timer I is zero", (transport) => {
    const ladder = new ServerLadder("INVITE", transport);
    ladder.respond(486);
    ladder.transaction.acknowledged();
    ladder.clock.advance(0);
    expect(ladder.lines).toEqual(["0 486 INVITE", "0 terminated"]);
  });

  it("a repeated INVITE gets the last answer again, and nothing while there is none", () => {
    const ladder = new ServerLadder("INVITE");
    ladder.transaction.repeated();
    ladder.respond(100);
    ladder.transaction.repeated();
    ladder.respond(180);
    ladder.transaction.repeated();
    expect(ladder.lines).toEqual(["0 100 INVITE", "0 100 INVITE", "0 180 INVITE", "0 180 INVITE"]);
    expect(ladder.clock.pendingTimers).toBe(0);
  });

  it("RFC 6026 7.1 after a 2xx repeats of the INVITE are absorbed for 64·T1 (timer L); the 2xx is repeated from above", () => {
    const ladder = new ServerLadder("INVITE");
    ladder.respond(200);
    ladder.transaction.repeated();
    ladder.clock.advance(500);
    ladder.respond(200);
    ladder.respond(486);
    ladder.clock.advance(31_499);
    expect(ladder.transaction.state).toBe("accepted");
    ladder.clock.advance(1);
    expect(ladder.lines).toEqual(["0 200 INVITE", "500 200 INVITE", "32000 terminated"]);
  });

  it.each(["udp", "tcp"] as const)(
    "RFC 6026 8.8 %s: an answer that cannot be sent is told and ends nothing",
    (transport) => {
      const ladder = new ServerLadder("INVITE", transport);
      ladder.failing = REFUSED;
      ladder.respond(180);
      expect(ladder.lines).toEqual(["0 failure refused"]);
      expect(ladder.transaction.state).toBe("proceeding");
      ladder.failing = undefined;
      ladder.transaction.repeated();
      expect(ladder.lines).toEqual(["0 failure refused", "0 180 INVITE"]);
    },
  );

  it("a dropped transaction sends nothing any more", () => {
    const ladder = new ServerLadder("INVITE");
    ladder.transaction.drop();
    ladder.transaction.drop();
    ladder.respond(200);
    ladder.transaction.repeated();
    expect(ladder.lines).toEqual(["0 terminated"]);
  });
});

describe("RFC 3261 17.2.2 non-INVITE server", () => {
  it("UDP: repeats get the same answer for 64·T1 (timer J)", () => {
    const ladder = new ServerLadder("BYE");
    ladder.transaction.repeated();
    ladder.respond(200);
    ladder.clock.advance(31_999);
    ladder.transaction.repeated();
    ladder.respond(500);
    ladder.clock.advance(1);
    expect(ladder.lines).toEqual(["0 200 BYE", "31999 200 BYE", "32000 terminated"]);
    expect(serializeMessage(ladder.sent[1]!)).toEqual(serializeMessage(ladder.sent[0]!));
  });

  it("what was answered is kept as octets only: the request is let go, and whoever answered too", () => {
    const ladder = new ServerLadder("OPTIONS");
    ladder.transaction.user = { cancelled: () => undefined, failed: () => undefined };
    ladder.respond(200);
    expect(() => ladder.transaction.request).toThrow(TypeError);
    expect(ladder.transaction.user).toBeUndefined();
    expect(ladder.transaction.lastStatus).toBe(200);
  });

  it.each(RELIABLE)("%s: timer J is zero", (transport) => {
    const ladder = new ServerLadder("BYE", transport);
    ladder.respond(200);
    ladder.clock.advance(0);
    expect(ladder.lines).toEqual(["0 200 BYE", "0 terminated"]);
  });

  it("a repeat while it is proceeding gets the last provisional answer", () => {
    const ladder = new ServerLadder("REFER");
    ladder.respond(100);
    ladder.transaction.repeated();
    expect(ladder.lines).toEqual(["0 100 REFER", "0 100 REFER"]);
  });

  it("RFC 4320 4.2 no answer is made up: without one it waits", () => {
    const ladder = new ServerLadder("REFER");
    ladder.clock.advance(1_000_000);
    expect(ladder.lines).toEqual([]);
  });
});
