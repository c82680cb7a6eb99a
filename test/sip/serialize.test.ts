import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { createRequest, createResponse } from "../../src/sip/build.ts";
import { Headers } from "../../src/sip/headers.ts";
import type { SipRequest, SipResponse } from "../../src/sip/message.ts";
import { nameAddr } from "../../src/sip/name-addr.ts";
import { parseMessage } from "../../src/sip/parser.ts";
import { serializeMessage } from "../../src/sip/serialize.ts";
import { sipUri } from "../../src/sip/uri.ts";
import * as arbitrary from "../support/sip-arbitraries.ts";
import { comparable } from "../support/sip-compare.ts";
import { invite } from "../support/sip-vectors.ts";

const plain = {
  method: "OPTIONS",
  uri: sipUri("bob", "b.example"),
  vias: [{ transport: "UDP", host: "192.0.2.1", port: 5060, params: new Map([["branch", "z9hG4bK1"]]) }],
  from: nameAddr(sipUri("alice", "a.example"), "Alice", [["tag", "1"]]),
  to: nameAddr(sipUri("bob", "b.example")),
  callId: "c1",
  cseq: { number: 7, method: "OPTIONS" },
};

describe("RFC 3261 7 messages are written", () => {
  it("long names, CRLF, Content-Length always, fields first", () => {
    const request = createRequest({
      ...plain,
      headers: [
        ["k", "timer"],
        ["X-Account", "7"],
      ],
      body: { contentType: "text/plain", content: "héllo" },
    });
    expect(serializeMessage(request).toString()).toBe(
      [
        "OPTIONS sip:bob@b.example SIP/2.0",
        "Via: SIP/2.0/UDP 192.0.2.1:5060;branch=z9hG4bK1",
        "Max-Forwards: 70",
        'From: "Alice" <sip:alice@a.example>;tag=1',
        "To: <sip:bob@b.example>",
        "Call-ID: c1",
        "CSeq: 7 OPTIONS",
        "Supported: timer",
        "X-Account: 7",
        "Content-Type: text/plain",
        "Content-Length: 6",
        "",
        "héllo",
      ].join("\r\n"),
    );
  });

  it("an empty body has a Content-Length too", () => {
    expect(serializeMessage(createRequest(plain)).toString()).toMatch(/\r\nContent-Length: 0\r\n\r\n$/);
  });

  it("octets of a body stay as they are", () => {
    const body = Uint8Array.from({ length: 256 }, (_, i) => i);
    const bytes = serializeMessage(createRequest({ ...plain, body: { contentType: "a/b", content: body } }));
    expect(bytes.subarray(bytes.length - 256)).toEqual(Buffer.from(body));
  });

  it("what was written is read again as it was, whole and octet by octet", () => {
    fc.assert(
      fc.property(arbitrary.message, (message) => {
        const bytes = serializeMessage(message);
        expect(comparable(parseMessage(bytes))).toEqual(comparable(message));
        expect(serializeMessage(parseMessage(bytes))).toEqual(bytes);
      }),
      { numRuns: 300 },
    );
  });
});

describe("RFC 3261 8.2.6 responses", () => {
  const request = parseMessage(
    invite({}, ["Via: SIP/2.0/TCP p.example;branch=z9hG4bK0", "Record-Route: <sip:p2;lr>, <sip:p1;lr>"]),
  ) as SipRequest;

  it("copy Via, From, To, Call-ID and CSeq, and add the To tag", () => {
    const response = createResponse(request, 486, { toTag: "t1", headers: [["Retry-After", "5"]] });
    const read = parseMessage(serializeMessage(response)) as SipResponse;
    expect(read.vias).toEqual(request.vias);
    expect(read.from).toEqual(request.from);
    expect(read.to.params.get("tag")).toBe("t1");
    expect(read.callId).toBe(request.callId);
    expect(read.cseq).toEqual(request.cseq);
    expect(read.reason).toBe("Busy Here");
    expect(read.headers.has("Record-Route")).toBe(false);
  });

  it("SIP-DLG-5: Record-Route in 101 to 299, in order", () => {
    for (const status of [180, 183, 200, 202])
      expect(createResponse(request, status).headers.list("Record-Route")).toEqual(["<sip:p2;lr>", "<sip:p1;lr>"]);
    for (const status of [100, 302, 404, 500, 603])
      expect(createResponse(request, status).headers.has("Record-Route")).toBe(false);
  });

  it("100 has no tag of ours, and a tag of theirs stays", () => {
    expect(createResponse(request, 100, { toTag: "t" }).to.params.has("tag")).toBe(false);
    const inDialog = { ...request, to: nameAddr(request.to.uri, "", [["tag", "old"]]) };
    expect(createResponse(inDialog, 200, { toTag: "t" }).to.params.get("tag")).toBe("old");
    expect(request.to.params.has("tag")).toBe(false);
  });

  it("the Via of the request is not shared", () => {
    const response = createResponse(request, 200);
    response.vias[0]!.params.set("received", "192.0.2.99");
    expect(request.vias[0]!.params.has("received")).toBe(false);
  });

  it("reason phrases by default, given, and refused when they could make a line", () => {
    const reason = (status: number, given?: string): string =>
      createResponse(request, status, given === undefined ? {} : { reason: given }).reason;
    expect(reason(200)).toBe("OK");
    expect(reason(491)).toBe("Request Pending");
    expect(reason(499)).toBe("Unknown");
    expect(reason(200, "Fine / Хорошо")).toBe("Fine / Хорошо");
    expect(reason(200, "a\r\nX: y")).toBe("OK");
  });
});

describe("hardening R4: no value brings a line end into a message", () => {
  const evil = ["a\r\nX-Evil: 1", "a\nX-Evil: 1", "a\rX-Evil: 1", "a\0b"];

  it.each(evil)("header values and names: %j", (text) => {
    expect(() => createRequest({ ...plain, headers: [["Subject", text]] })).toThrow(TypeError);
    expect(() => createRequest({ ...plain, headers: [[text, "x"]] })).toThrow(TypeError);
    expect(() => createRequest({ ...plain, body: { contentType: text, content: "" } })).toThrow(TypeError);
  });

  it.each(evil)("fields that are text: %j", (text) => {
    for (const change of [
      { method: text },
      { callId: text },
      { cseq: { number: 1, method: text } },
      { uri: sipUri("a", text) },
      { to: nameAddr(sipUri("a", "b"), "", [["tag", text]]) },
      { vias: [{ transport: text, host: "a", port: 1, params: new Map() }] },
    ])
      expect(() => serializeMessage({ ...createRequest(plain), ...change })).toThrow(TypeError);
  });

  it.each(evil)("names and user parts are escaped or blanked instead: %j", (text) => {
    const request = createRequest({
      ...plain,
      from: nameAddr(sipUri(text, "h"), text),
      to: nameAddr(sipUri("a", "h")),
    });
    const written = serializeMessage(request).toString("latin1");
    expect(written).not.toMatch(/\r\nX-Evil/);
    expect(written.replaceAll("\r\n", "")).not.toMatch(/[\r\n\0]/);
  });

  it.each(evil)("reason phrases are blanked: %j", (text) => {
    const response = { ...createResponse(createRequest(plain), 200), reason: text };
    const line = serializeMessage(response).toString("latin1").split("\r\n")[0]!;
    expect(line).toMatch(/^SIP\/2\.0 200 a [ ]?[bX]/);
    expect(line).not.toMatch(/[\r\n\0]/);
  });

  it("a header cannot stand in for a field", () => {
    for (const name of ["Content-Length", "l", "Via", "v", "Max-Forwards", "CALL-ID"])
      expect(() => createRequest({ ...plain, headers: [[name, "1"]] })).toThrow(TypeError);
  });

  it("an answer to anything that can be refused holds no line of the sender's making", () => {
    fc.assert(
      fc.property(arbitrary.message, (message) => {
        const head = serializeMessage({ ...message, headers: new Headers(), body: new Uint8Array(0) }).toString(
          "latin1",
        );
        const names = head
          .split("\r\n")
          .slice(1, -2)
          .map((line) => line.slice(0, line.indexOf(":")));
        const known = new Set(["Via", "Max-Forwards", "From", "To", "Call-ID", "CSeq", "Content-Length"]);
        expect(names.filter((name) => !known.has(name))).toEqual([]);
      }),
    );
  });
});

describe("a caller's mistakes", () => {
  it.each([
    { maxForwards: -1 },
    { maxForwards: 256 },
    { maxForwards: 1.5 },
    { cseq: { number: 2 ** 31, method: "OPTIONS" } },
    { cseq: { number: Number.NaN, method: "OPTIONS" } },
  ])("%j", (change) => {
    expect(() => serializeMessage({ ...createRequest(plain), ...change })).toThrow(RangeError);
  });

  it.each([0, 99, 700, 200.5])("status %d", (status) => {
    const response = createResponse(createRequest(plain), 200);
    expect(() => serializeMessage({ ...response, status })).toThrow(RangeError);
  });
});
