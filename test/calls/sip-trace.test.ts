/** The memory of SIP messages: bounded whatever comes, failed calls kept longest, secrets never in it (R-COMP-1, SRTP-11). */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { SipTrace } from "../../src/calls/sip-trace.ts";
import type { Flow } from "../../src/sip/message.ts";
import { parseMessage } from "../../src/sip/parser.ts";
import { ManualClock } from "../support/manual-clock.ts";

const flow: Flow = {
  transport: "udp",
  remoteAddress: "192.0.2.1",
  remotePort: 5060,
  localAddress: "192.0.2.2",
  localPort: 5060,
  connectionId: undefined,
};

function octets(callId: string, method = "INVITE", extra = "", toTag = ""): Buffer {
  return Buffer.from(
    [
      `${method} sip:+15550100200@office.pstn.test SIP/2.0`,
      "Via: SIP/2.0/UDP 192.0.2.1:5060;branch=z9hG4bK1",
      "From: <sip:+15550100100@192.0.2.1>;tag=1",
      `To: <sip:+15550100200@office.pstn.test>${toTag}`,
      `Call-ID: ${callId}`,
      `CSeq: 1 ${method}`,
      "Contact: <sip:a@192.0.2.1>",
      ...(extra === "" ? [] : [extra]),
      "Content-Length: 0",
      "",
      "",
    ].join("\r\n"),
  );
}

function see(trace: SipTrace, callId: string, method = "INVITE", direction: "in" | "out" = "in", extra = "", tag = "") {
  const bytes = octets(callId, method, extra, tag);
  trace.observe(direction, parseMessage(bytes), flow, bytes);
}

const make = (dialogsMax = 100, bytesMax = 1 << 20) => new SipTrace(new ManualClock(), { dialogsMax, bytesMax });

describe("SipTrace", () => {
  it("keeps what came over the wire, with its secrets masked, from the INVITE on", () => {
    const trace = make();
    see(trace, "a", "OPTIONS");
    see(trace, "a", "INVITE", "in", "", ";tag=2");
    expect(trace.of("a")).toBeUndefined();
    see(trace, "a", "INVITE", "in", 'Proxy-Authorization: Digest username="u", response="0123456789abcdef"');
    see(trace, "a", "BYE", "out", "", ";tag=2");
    const kept = trace.of("a")!;
    expect(kept.messages.map(({ direction }) => direction)).toEqual(["in", "out"]);
    const text = Buffer.from(kept.messages[0]!.octets).toString();
    expect(text).toContain('username="u"');
    expect(text).not.toContain("0123456789abcdef");
    expect(Buffer.from(kept.messages[1]!.octets)).toEqual(octets("a", "BYE", "", ";tag=2"));
  });

  it("makes room: good calls go first, then failed ones, calls that are up last", () => {
    const trace = make(4);
    for (const id of ["good", "failed", "up", "good-2"]) {
      see(trace, id, "INVITE", "out");
      if (id !== "up") trace.settle(id, id === "failed");
    }
    see(trace, "5", "INVITE", "out");
    expect(trace.of("good")).toBeUndefined();
    see(trace, "6", "INVITE", "out");
    expect(trace.of("good-2")).toBeUndefined();
    see(trace, "7", "INVITE", "out");
    expect(trace.of("failed")).toBeUndefined();
    expect(trace.of("up")).toBeDefined();
  });

  it("R-AUTH-15: strangers never push a call out", () => {
    const trace = make(8);
    see(trace, "call");
    trace.claim("call", "AC1");
    trace.settle("call", false);
    for (let n = 0; n < 100; n++) see(trace, `stranger-${n}`);
    expect(trace.of("call")).toBeDefined();
    expect([...trace.strangers()].map(({ callId }) => callId)).toEqual(["stranger-99", "stranger-98"]);
  });

  it("tells when two accounts have calls of one Call-ID", () => {
    const trace = make();
    see(trace, "a");
    trace.claim("a", "AC1");
    expect(trace.of("a")).toMatchObject({ shared: false, accountSid: "AC1", stranger: false });
    trace.claim("a", "AC2");
    expect(trace.of("a")!.shared).toBe(true);
  });

  it("keeps the beginning and the end of a dialog that says too much", () => {
    const trace = make();
    for (let n = 0; n < 500; n++) see(trace, "a", n === 0 ? "INVITE" : "INFO", "in", `X-Number: ${n}`);
    const { messages, omitted } = trace.of("a")!;
    expect([messages.length, omitted]).toEqual([200, 300]);
    expect(Buffer.from(messages.at(-1)!.octets).toString()).toContain("X-Number: 499");
  });

  it("property: never holds more than it may, and accounts for every octet", () => {
    const step = fc.record({
      id: fc.integer({ min: 0, max: 30 }),
      what: fc.constantFrom("in", "out", "bye", "claim", "good", "failed"),
      length: fc.constantFrom(0, 500, 3000, 5000),
    });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 200 }), (steps) => {
        const bytesMax = 100_000;
        const trace = make(10, bytesMax);
        for (const { id, what, length } of steps) {
          const callId = `call-${id}`;
          if (what === "claim") trace.claim(callId, "AC1");
          else if (what === "good" || what === "failed") trace.settle(callId, what === "failed");
          else
            see(
              trace,
              callId,
              what === "bye" ? "BYE" : "INVITE",
              what === "out" ? "out" : "in",
              `X-A: ${"x".repeat(length)}`,
            );
          expect(trace.size).toBeLessThanOrEqual(10);
          // The dialog that is being written to may stand alone above the limit.
          if (trace.size > 1) expect(trace.bytes).toBeLessThanOrEqual(bytesMax);
        }
        expect(trace.bytes).toBeGreaterThanOrEqual(0);
      }),
      { numRuns: 60 },
    );
  });

  it("keeps nothing when it is switched off", () => {
    for (const [dialogsMax, bytesMax] of [
      [0, 1 << 20],
      [100, 0],
    ] as const)
      expect(new SipTrace(new ManualClock(), { dialogsMax, bytesMax }).enabled).toBe(false);
  });
});
