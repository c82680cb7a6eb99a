import { describe, expect, it } from "vitest";
import { parseTypedValue } from "../../src/sip/content-type.ts";
import type { SipMessage } from "../../src/sip/message.ts";
import { sdpOfBody, unsupportedBody } from "../../src/sip/multipart.ts";
import { parseMessage } from "../../src/sip/parser.ts";
import { invite, rfc4475 } from "../support/sip-vectors.ts";

const SDP = "v=0\r\no=- 1 1 IN IP4 192.0.2.1\r\ns=-\r\n";

function message(body: string, ...headers: string[]): SipMessage {
  return parseMessage(invite({ "Content-Length": undefined }, headers, body));
}

function multipart(parts: readonly string[], type = "multipart/mixed;boundary=b1"): SipMessage {
  return message(
    `preamble\r\n${parts.map((part) => `--b1\r\n${part}\r\n`).join("")}--b1--\r\nepilogue`,
    `Content-Type: ${type}`,
  );
}

const sdpPart = `Content-Type: application/sdp\r\n\r\n${SDP}`;

describe("SIP-MSG-16 the SDP of a message", () => {
  it("alone", () => {
    expect(sdpOfBody(message(SDP, "Content-Type: application/sdp"))).toBe(SDP);
    expect(sdpOfBody(message(SDP, "c: Application / SDP ;charset=utf-8"))).toBe(SDP);
    expect(sdpOfBody(message(SDP))).toBe(SDP);
    expect(sdpOfBody(message("", "Content-Type: application/sdp"))).toBeUndefined();
    expect(sdpOfBody(message("x", "Content-Type: text/plain"))).toBeUndefined();
  });

  it("in multipart/mixed, wherever it stands", () => {
    for (const parts of [
      [sdpPart],
      ["Content-Type: text/plain\r\n\r\nhello", sdpPart],
      [sdpPart, "Content-Type: application/isup\r\n\r\n\x01\x02"],
      [`content-TYPE :\r\n application/sdp\r\nContent-Transfer-Encoding: 8bit\r\n\r\n${SDP}`],
    ])
      expect(sdpOfBody(multipart(parts))).toBe(SDP);
    expect(sdpOfBody(multipart([sdpPart], 'multipart/alternative; boundary = "b1"'))).toBe(SDP);
  });

  it("with bare LF", () => {
    const body = `--b1\nContent-Type: application/sdp\n\nv=0\n--b1--\n`;
    expect(sdpOfBody(message(body, "Content-Type: multipart/mixed;boundary=b1"))).toBe("v=0");
  });

  it("one level deeper, and no deeper than that", () => {
    const nest = (inner: string, boundary: string): string =>
      `Content-Type: multipart/mixed;boundary=${boundary}\r\n\r\n--${boundary}\r\n${inner}\r\n--${boundary}--`;
    expect(sdpOfBody(multipart([nest(sdpPart, "b2")]))).toBe(SDP);
    expect(sdpOfBody(multipart([nest(nest(sdpPart, "b3"), "b2")]))).toBeUndefined();
  });

  it("the boundary counts only as a line of its own", () => {
    const tricky = `${SDP}x --b1\r\n--b12\r\n--b1x--\r\n`;
    expect(sdpOfBody(multipart([`Content-Type: application/sdp\r\n\r\n${tricky}`]))).toBe(tricky);
    expect(sdpOfBody(multipart([`Content-Type: application/sdp\r\n\r\n${SDP}`, "\r\nx"]))).toBe(SDP);
  });

  it("without the last boundary it goes to the end", () => {
    const body = `--b1\r\n${sdpPart}`;
    expect(sdpOfBody(message(body, "Content-Type: multipart/mixed;boundary=b1"))).toBe(SDP);
  });

  it.each([
    "multipart/mixed",
    "multipart/mixed;boundary=",
    `multipart/mixed;boundary=${"x".repeat(71)}`,
    'multipart/mixed;boundary="b1',
    "multipart/mixed;boundary=other",
    "/;boundary=b1",
    "",
  ])("none in %j", (type) => {
    expect(sdpOfBody(multipart([sdpPart], type))).toBeUndefined();
  });

  it("a part that is packed is none", () => {
    expect(
      sdpOfBody(multipart([`Content-Type: application/sdp\r\nContent-Transfer-Encoding: base64\r\n\r\ndj0wDQo=`])),
    ).toBeUndefined();
  });

  it("more than 16 parts are not looked at", () => {
    const filler = Array<string>(16).fill("Content-Type: text/plain\r\n\r\nx");
    expect(sdpOfBody(multipart([...filler.slice(1), sdpPart]))).toBe(SDP);
    expect(sdpOfBody(multipart([...filler, sdpPart]))).toBeUndefined();
  });

  it("RFC 4475 3.1.1.11 mpart01 is taken apart without harm", () => {
    const parsed = parseMessage(rfc4475("mpart01"));
    expect(sdpOfBody(parsed)).toBeUndefined();
    expect(unsupportedBody(parsed)).toBeUndefined();
  });
});

describe("SIP-MSG-17 bodies that cannot be taken", () => {
  it("another type, unless it is optional", () => {
    expect(unsupportedBody(message("x", "Content-Type: text/plain"))).toBe("type");
    expect(
      unsupportedBody(message("x", "Content-Type: text/plain", "Content-Disposition: session;handling=optional")),
    ).toBe(undefined);
    expect(
      unsupportedBody(message("x", "Content-Type: text/plain", 'Content-Disposition: x; handling = "Required"')),
    ).toBe("type");
    expect(unsupportedBody(parseMessage(rfc4475("invut")))).toBe("type");
    expect(unsupportedBody(message("", "Content-Type: text/plain"))).toBeUndefined();
    expect(unsupportedBody(message(SDP, "Content-Type: application/sdp"))).toBeUndefined();
  });

  it("a packed body", () => {
    expect(unsupportedBody(message(SDP, "Content-Type: application/sdp", "e: gzip"))).toBe("encoding");
    expect(
      unsupportedBody(message(SDP, "Content-Type: application/sdp", "Content-Encoding: IDENTITY")),
    ).toBeUndefined();
  });

  it("unknown parts are passed over unless they are required", () => {
    const other = (handling: string): string => `Content-Type: x/y\r\nContent-Disposition: z${handling}\r\n\r\nq`;
    expect(unsupportedBody(multipart([sdpPart, other("")]))).toBeUndefined();
    expect(unsupportedBody(multipart([sdpPart, other(";handling=optional")]))).toBeUndefined();
    expect(unsupportedBody(multipart([sdpPart, other(";handling=required")]))).toBe("type");
    expect(unsupportedBody(multipart([sdpPart, other(";a=b; HANDLING=required")]))).toBe("type");
    expect(unsupportedBody(multipart([sdpPart], "multipart/mixed"))).toBe("type");
  });
});

describe("RFC 3261 20.15 types", () => {
  it("are read without case and blanks, parameters with their quotes undone", () => {
    const { value, params } = parseTypedValue('Multipart / Mixed ; Boundary = "a;b" ; x');
    expect(value).toBe("multipart/mixed");
    expect([...params]).toEqual([
      ["boundary", "a;b"],
      ["x", ""],
    ]);
    expect(parseTypedValue("session;handling=optional").value).toBe("session");
    for (const text of ["", "a/b/c", "a b/c", "a/", ';x="']) expect(parseTypedValue(text).value).toBe("");
  });
});
