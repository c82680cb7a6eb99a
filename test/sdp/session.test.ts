import fc from "fast-check";
import * as sdpTransform from "sdp-transform";
import { describe, expect, it } from "vitest";
import { SdpError } from "../../src/base/errors.ts";
import { acceptableCrypto } from "../../src/sdp/crypto-attribute.ts";
import { answerOffer, createOffer } from "../../src/sdp/offer-answer.ts";
import { SdpRefusal } from "../../src/sdp/refusal.ts";
import { formatSession, parseSession } from "../../src/sdp/session.ts";
import { countingBytes, local, remote, sdp } from "./sdp-samples.ts";

function refusalOf(action: () => unknown): SdpRefusal {
  try {
    action();
  } catch (error) {
    if (error instanceof SdpRefusal) return error;
    throw error;
  }
  throw new Error("nothing was refused");
}

describe("SDP-1 reading a description", () => {
  it("reads the example of RFC 8866 §5", () => {
    const session = parseSession(
      sdp(
        "v=0",
        "o=jdoe 3724394400 3724394405 IN IP4 198.51.100.1",
        "s=Call to John Smith",
        "i=SDP Offer #1",
        "u=http://www.jdoe.example.com/home.html",
        "e=Jane Doe <jane@jdoe.example.com>",
        "p=+1 617 555-6011",
        "c=IN IP4 198.51.100.1",
        "t=0 0",
        "m=audio 49170 RTP/AVP 0",
        "m=audio 49180 RTP/AVP 0",
        "m=video 51372 RTP/AVP 99",
        "c=IN IP6 2001:db8::2",
        "a=rtpmap:99 h263-1998/90000",
      ),
    );
    expect(session.origin.sessionVersion).toBe("3724394405");
    expect(session.connection?.address).toBe("198.51.100.1");
    expect(session.media.map(({ kind, port }) => [kind, port])).toEqual([
      ["audio", 49170],
      ["audio", 49180],
      ["video", 51372],
    ]);
    expect(session.media[2]?.connection).toEqual({ netType: "IN", addressType: "IP6", address: "2001:db8::2" });
    expect(session.media[2]?.attributes).toEqual([{ name: "rtpmap", value: "99 h263-1998/90000" }]);
  });

  it("takes lines that end in LF only, and unknown letters", () => {
    const text = remote("m=audio 4000 RTP/AVP 0", "x=unknown", "a=sendonly").replaceAll("\r\n", "\n");
    expect(parseSession(text).media[0]?.attributes).toEqual([{ name: "sendonly", value: null }]);
  });

  it.each([
    ["empty", ""],
    ["no v=", sdp("o=- 1 1 IN IP4 192.0.2.1", "m=audio 4000 RTP/AVP 0")],
    ["no o=", sdp("v=0", "s=-", "m=audio 4000 RTP/AVP 0")],
    ["two o=", sdp("v=0", "o=- 1 1 IN IP4 192.0.2.1", "o=- 1 1 IN IP4 192.0.2.1", "m=audio 4000 RTP/AVP 0")],
    ["no m=", remote()],
    ["port that is no number", remote("m=audio x RTP/AVP 0")],
    ["port out of range", remote("m=audio 65536 RTP/AVP 0")],
    ["port of many digits", remote("m=audio 4294971296 RTP/AVP 0")],
    ["negative port", remote("m=audio -1 RTP/AVP 0")],
    ["no format", remote("m=audio 4000 RTP/AVP")],
    ["short c=", sdp("v=0", "o=- 1 1 IN IP4 192.0.2.1", "c=IN IP4", "m=audio 4000 RTP/AVP 0")],
    ["a line without =", remote("m=audio 4000 RTP/AVP 0", "nonsense")],
    ["a NUL", remote("m=audio 4000 RTP/AVP 0", "a=x\0y")],
    ["a CR inside a line", remote("m=audio 4000 RTP/AVP 0", "a=x\ry")],
    ["a format of control characters", remote("m=audio 4000 RTP/AVP \x01")],
    ["17 m= lines", remote(...Array.from({ length: 17 }, () => "m=audio 4000 RTP/AVP 0"))],
    ["over 16 KiB", remote("m=audio 4000 RTP/AVP 0", `a=x:${"y".repeat(16 * 1024)}`)],
  ])("refuses with 400: %s", (_name, text) => {
    expect(refusalOf(() => parseSession(text))).toMatchObject({ status: 400, reason: "unparsable", alertCode: 32102 });
  });

  it("writes what sdp-transform reads the same way", () => {
    const offer = createOffer(local({ security: "required" }), { randomBytes: countingBytes() });
    const other = sdpTransform.parse(formatSession(offer));
    expect(other.origin).toMatchObject({ sessionId: 4711, sessionVersion: 1, address: "203.0.113.5" });
    expect(other.media[0]).toMatchObject({ type: "audio", port: 20000, protocol: "RTP/SAVP", payloads: "0 8 101" });
    expect(other.media[0]?.crypto?.[0]).toMatchObject({ id: 1, suite: "AES_CM_128_HMAC_SHA1_80" });
  });

  it("refuses to write a line break out of a value (hardening R4)", () => {
    const session = parseSession(remote("m=audio 4000 RTP/AVP 0"));
    expect(() => formatSession({ ...session, attributes: [{ name: "x", value: "a\r\na=b" }] })).toThrow(TypeError);
  });
});

describe("hardening R24, R25 SDP from strangers", () => {
  const lineOf = fc.constantFrom(
    "v=0",
    "o=- 1 1 IN IP4 192.0.2.1",
    "c=IN IP4 192.0.2.1",
    "c=IN IP4 __proto__",
    "m=audio 4000 RTP/AVP 0 8 101",
    "m=audio 4000 RTP/SAVP 0 constructor",
    "m=__proto__ 1 constructor 0",
    "a=rtpmap:__proto__ constructor/8000",
    "a=__proto__:toString",
    "a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:__proto__",
    "a=ptime:-0",
    "a=rtcp:99999999999 IN IP4 x",
    "a=inactive",
  );
  const text = fc.oneof(
    fc.string({ unit: "binary", maxLength: 300 }),
    fc.array(lineOf, { maxLength: 20 }).map((lines) => sdp("v=0", ...lines)),
    fc
      .array(fc.oneof(lineOf, fc.string({ unit: "binary", maxLength: 40 })), { maxLength: 20 })
      .map((lines) => sdp(...lines)),
  );

  it("throws nothing but SdpError and answers with text that can be read again", () => {
    fc.assert(
      fc.property(text, fc.constantFrom("none", "required", "optional" as const), (input, security) => {
        try {
          const { answer } = answerOffer(parseSession(input), local({ security }), { randomBytes: countingBytes() });
          parseSession(formatSession(answer));
        } catch (error) {
          if (!(error instanceof SdpError)) throw error;
        }
      }),
      { numRuns: 1500 },
    );
  });

  it.each([
    "a",
    "=",
    "\r",
    "\n",
    " ",
    "0",
    "/",
    ":",
    ";",
    "|",
    "\0",
    "é",
    "m=audio 1 RTP/AVP 0\r\n",
    "a=rtpmap:0 x\n",
    "0 ",
  ])("reads 64 KiB of %j in linear time", (token) => {
    // A quadratic reader would need minutes for this; the bound only has to tell the two apart.
    const started = performance.now();
    for (const head of [
      "",
      remote("m=audio 4000 RTP/AVP 0"),
      "v=0\r\no=- 1 1 IN IP4 192.0.2.1\r\nm=audio 4000 RTP/AVP ",
    ]) {
      for (const size of [16_000, 65_536]) {
        const input = (head + token.repeat(Math.ceil(size / token.length))).slice(0, size);
        try {
          answerOffer(parseSession(input), local(), { randomBytes: countingBytes() });
        } catch (error) {
          expect(error).toBeInstanceOf(SdpError);
        }
      }
      acceptableCrypto([`1 AES_CM_128_HMAC_SHA1_80 inline:${token.repeat(20_000)}`, token.repeat(20_000)]);
    }
    expect(performance.now() - started).toBeLessThan(5_000);
  });
});
