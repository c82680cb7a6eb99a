import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { type StreamEvent, StreamParser } from "../../src/sip/stream-parser.ts";
import { cpuMs } from "../support/cpu-time.ts";
import { invite, RFC_3261, RFC_4475 } from "../support/sip-vectors.ts";

function push(parser: StreamParser, text: string | Uint8Array): string[] {
  return words(parser.push(typeof text === "string" ? Buffer.from(text) : text));
}

function words(events: readonly StreamEvent[]): string[] {
  return events.map((event) => {
    if (event.kind === "error") return `error ${event.error.status}${event.error.fatalToStream ? " fatal" : ""}`;
    if (event.kind !== "message") return event.kind;
    const { message } = event;
    return `${message.kind === "request" ? message.method : message.status} ${Buffer.from(message.body).toString("latin1")}`;
  });
}

const withBody = (body: string): Buffer => invite({ "Content-Length": `Content-Length: ${body.length}` }, [], body);

describe("RFC 3261 18.3 framing on streams", () => {
  it("several messages in one chunk, and the beginning of the next", () => {
    const parser = new StreamParser();
    const bytes = Buffer.concat([withBody("one"), withBody(""), withBody("three")]);
    expect(push(parser, bytes.subarray(0, bytes.length - 1))).toEqual(["INVITE one", "INVITE "]);
    expect(parser.pendingBytes).toBeGreaterThan(0);
    expect(push(parser, bytes.subarray(bytes.length - 1))).toEqual(["INVITE three"]);
    expect(parser.pendingBytes).toBe(0);
  });

  it("cuts do not matter, wherever they are", () => {
    const bytes = Buffer.concat([
      Buffer.from("\r\n"),
      withBody("a\r\n\r\nb"),
      Buffer.from("\r\n\r\n"),
      withBody("INVITE sip:x SIP/2.0\r\n\r\n"),
      withBody(""),
    ]);
    const whole = new StreamParser().push(bytes).filter((event) => event.kind !== "pong");
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 1, max: bytes.length }), { maxLength: 12 }), (cuts) => {
        const parser = new StreamParser();
        const events: StreamEvent[] = [];
        let at = 0;
        for (const cut of [...cuts.sort((a, b) => a - b), bytes.length]) {
          events.push(...parser.push(bytes.subarray(at, cut)));
          at = Math.max(at, cut);
        }
        expect(words(events.filter((event) => event.kind !== "pong"))).toEqual(words(whole));
      }),
    );
  });

  it("a body is a copy: later octets do not change it", () => {
    const parser = new StreamParser();
    const [event] = parser.push(withBody("abc"));
    parser.push(withBody("xyz"));
    expect(event?.kind === "message" && Buffer.from(event.message.body).toString()).toBe("abc");
  });

  it("the chunk may be used again by its owner", () => {
    const parser = new StreamParser();
    const bytes = withBody("abc");
    const chunk = Buffer.from(bytes.subarray(0, bytes.length - 1));
    parser.push(chunk);
    chunk.fill(0);
    expect(push(parser, "c")).toEqual(["INVITE abc"]);
  });
});

describe("RFC 5626 3.5.1 keep-alives (SIP-TP-9)", () => {
  it("a double CRLF is a ping, a single one a pong", () => {
    const parser = new StreamParser();
    expect(push(parser, "\r\n\r\n")).toEqual(["ping"]);
    expect(push(parser, "\r\n")).toEqual(["pong"]);
    expect(push(parser, withBody(""))).toEqual(["INVITE "]);
    expect(push(parser, "\r\n\r\n\r\n\r\n")).toEqual(["ping", "ping"]);
    expect(push(parser, Buffer.concat([Buffer.from("\r\n\r\n"), withBody("")]))).toEqual(["ping", "INVITE "]);
    expect(push(parser, Buffer.concat([Buffer.from("\r\n"), withBody("")]))).toEqual(["INVITE "]);
  });

  it("one octet at a time", () => {
    const parser = new StreamParser();
    expect([..."\r\n\r\n"].flatMap((octet) => push(parser, octet))).toEqual(["pong", "ping"]);
    expect(parser.pendingBytes).toBe(0);
  });

  it("line ends without end cost no memory", () => {
    const parser = new StreamParser();
    let pings = 0;
    for (let i = 0; i < 100; i++)
      pings += parser.push(Buffer.from("\r\n".repeat(1000))).filter((e) => e.kind === "ping").length;
    expect(pings).toBe(50_000);
    expect(parser.pendingBytes).toBe(0);
  });
});

describe("SIP-MSG-11 framing that is lost, hardening R2", () => {
  it.each([
    ["absent", invite({ "Content-Length": undefined }), "error 400 fatal"],
    ["negative", invite({ "Content-Length": "l: -5" }), "error 400 fatal"],
    ["no number", invite({ "Content-Length": "l: five" }), "error 400 fatal"],
    ["twice, different", invite({}, ["Content-Length: 5"]), "error 400 fatal"],
    ["twice, equal", invite({}, ["l: 0"]), "error 400 fatal"],
    ["twice, one folded", invite({}, ["l:\r\n 7"]), "error 400 fatal"],
    ["twice, the first one waiting for a body", invite({ "Content-Length": "l: 5000" }, ["l: 0"]), "error 400 fatal"],
    ["2^32 + 32", invite({ "Content-Length": "l: 4294967328" }), "error 413 fatal"],
    ["beyond the limit", invite({ "Content-Length": "l: 32769" }), "error 413 fatal"],
    ["hidden in a header that is too long", invite({}, [`X: ${"a".repeat(9000)}`]), "error 513 fatal"],
    ["behind too many headers", invite({}, Array(300).fill("X: y")), "error 513 fatal"],
  ])("Content-Length %s", (_, bytes, expected) => {
    const parser = new StreamParser();
    expect(push(parser, Buffer.concat([bytes, withBody("next")]))).toEqual([expected]);
    expect(push(parser, withBody("later"))).toEqual([]);
    expect(parser.pendingBytes).toBe(0);
  });

  it("a folded line that looks like Content-Length does not frame", () => {
    const parser = new StreamParser();
    const bytes = invite({ "Content-Length": "Subject: x\r\n Content-Length: 100\r\nContent-Length: 3" }, [], "abc");
    expect(push(parser, Buffer.concat([bytes, withBody("next")]))).toEqual(["INVITE abc", "INVITE next"]);
  });

  it("a folded Content-Length does", () => {
    const bytes = invite({ "Content-Length": "Content-Length:\r\n \r\n\t3" }, [], "abc");
    expect(push(new StreamParser(), bytes)).toEqual(["INVITE abc"]);
  });

  it("a control octet before the colon makes it another header", () => {
    expect(push(new StreamParser(), invite({ "Content-Length": "Content-Length\x01: 0" }))).toEqual([
      "error 400 fatal",
    ]);
  });

  it("a fault elsewhere leaves the framing alone", () => {
    const parser = new StreamParser();
    const bad = invite({ CSeq: "CSeq: 1 BYE", "Content-Length": "l: 3" }, [], "abc");
    expect(push(parser, Buffer.concat([bad, withBody("next")]))).toEqual(["error 400", "INVITE next"]);
  });

  it("a refused body is not waited for", () => {
    expect(push(new StreamParser(), invite({ "Content-Length": "l: 99999" }))).toEqual(["error 413 fatal"]);
  });

  it("another protocol is closed at its first empty line (SIP-MSG-12)", () => {
    expect(push(new StreamParser(), "GET / HTTP/1.1\r\nHost: x\r\n\r\n")).toEqual(["error 0 fatal"]);
  });
});

describe("SIP-MSG-14 bounded memory", () => {
  it("a header section without end closes the stream after 64 KiB", () => {
    const parser = new StreamParser();
    const seen: string[] = [];
    for (let i = 0; i < 200 && seen.length === 0; i++) {
      seen.push(...push(parser, "X: aaaaaaaaaaaaaaaaaaaaaaaaaaaa\r\n".repeat(20)));
      expect(parser.pendingBytes).toBeLessThan(66_200);
    }
    expect(seen).toEqual(["error 0 fatal"]);
  });

  it("no line at all, neither", () => {
    const parser = new StreamParser();
    expect(push(parser, Buffer.alloc(65_535, 0x61))).toEqual([]);
    expect(push(parser, Buffer.alloc(1, 0x61))).toEqual(["error 0 fatal"]);
    expect(parser.pendingBytes).toBe(0);
  });

  it("nothing stays behind, however many messages pass", () => {
    const parser = new StreamParser();
    const bytes = withBody("x".repeat(10_000));
    for (let i = 0; i < 50; i++) {
      expect(parser.push(bytes.subarray(0, 5000)).length).toBe(0);
      expect(parser.push(bytes.subarray(5000)).length).toBe(1);
      expect(parser.pendingBytes).toBe(0);
    }
  });
});

describe("hardening R1 one octet a segment", () => {
  it("is linear: eight times the octets take about eight times the time", () => {
    const timeMs = (size: number): number => {
      const parser = new StreamParser();
      const octet = Buffer.from("a");
      const start = cpuMs();
      for (let i = 0; i < size; i++) parser.push(octet);
      return cpuMs() - start;
    };
    timeMs(8000);
    const small = Math.min(timeMs(8000), timeMs(8000), timeMs(8000));
    const large = Math.min(timeMs(64_000), timeMs(64_000));
    // Quadratic would be 64 times.
    expect(large).toBeLessThan(small * 32 + 20);
  });

  it("gives the same as whole messages, for every published one in a row", () => {
    const good = RFC_3261.map((message) => message.bytes);
    const all = Buffer.concat([...good, ...RFC_4475.filter(({ file }) => file === "wsinv").map(({ bytes }) => bytes)]);
    const parser = new StreamParser();
    const events: StreamEvent[] = [];
    for (const octet of all) events.push(...parser.push(Uint8Array.of(octet)));
    expect(words(events)).toEqual(words(new StreamParser().push(all)));
    expect(events.length).toBe(good.length + 1);
  });
});
