/** What must not survive in a kept message, in whatever form it came (SRTP-11, R-SEC-11, R-COMP-8). */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { maskSecrets } from "../../src/explain/mask-octets.ts";

const CRLF = "\r\n";

function masked(text: string): string {
  const octets = Buffer.from(text, "latin1");
  const around = Buffer.concat([Buffer.from("<<"), octets, Buffer.from(">>")]);
  maskSecrets(around, 2, 2 + octets.length);
  expect(around.toString("latin1", 0, 2) + around.toString("latin1", 2 + octets.length)).toBe("<<>>");
  return around.toString("latin1", 2, 2 + octets.length);
}

const message = (headers: readonly string[], body = "", start = "INVITE sip:+15550100200@office.pstn.test SIP/2.0") =>
  [start, "Via: SIP/2.0/UDP 192.0.2.1:5060;branch=z9hG4bK1", "Call-ID: a:b:c@192.0.2.1", ...headers, "", body].join(
    CRLF,
  );

const KEY = "WVNfX19zZW1jdGwgKCkgewkyMjA7fQp9CnVubGVz";

describe("maskSecrets", () => {
  it("SRTP-11: masks the key of a=crypto and leaves suite, lifetime and MKI", () => {
    const sdp = `v=0\r\nm=audio 49170 RTP/SAVP 0\r\na=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:${KEY}|2^20|1:4\r\na=ptime:20\r\n`;
    const text = masked(message(["Content-Type: application/sdp"], sdp));
    expect(text).toContain(`a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:${"*".repeat(40)}|2^20|1:4`);
    expect(text).toContain("a=ptime:20");
  });

  it("RFC 3261 §20.7: masks response and cnonce of a digest and leaves what names user and realm", () => {
    const value =
      'Digest username="pbx", realm="office.pstn.test", nonce="abc", uri="sip:+1@office.pstn.test", response="6629fae49393a05397450978507c4ef1", algorithm=MD5, cnonce="0a4f113b", qop=auth, nc=00000001';
    expect(masked(message([`Proxy-Authorization: ${value}`]))).toContain(
      `Proxy-Authorization: ${value.replace(/"6629[^"]*"/, "*".repeat(34)).replace('"0a4f113b"', "*".repeat(10))}`,
    );
  });

  it("masks passwords of URIs, parameters and headers with telling names, and no more than that", () => {
    const plain = [
      'From: "A" <sip:+15550100100@192.0.2.1:5060;user=phone>;tag=1',
      "Record-Route: <sip:192.0.2.7:5060;lr>, <sip:192.0.2.8:5060;lr;ob>",
      'WWW-Authenticate: Digest realm="x", nonce="12345678901234567890123456789012345678901234", qop="auth"',
      "Content-Disposition: inline",
      "X-Call-Sid: CA0123456789abcdef0123456789abcdef",
    ];
    expect(masked(message(plain))).toBe(message(plain));
    const text = masked(
      message([
        "Contact: <sip:pbx:hunter2@192.0.2.1>",
        "Alert-Info: <https://user:hunter2@x.test/a?token=hunter2&size=1>",
        "X-Api-Key: hunter2",
        "Cookie : id=hunter2",
        'X-Place: a;access_token="hunter2";b=1',
      ]),
    );
    expect(text).not.toContain("hunter2");
    expect(text).toContain("size=1");
    expect(text).toContain("b=1");
  });

  it("R-COMP-8: masks bodies that are no session description, digits of INFO among them", () => {
    const text = masked(message(["Content-Type: application/dtmf-relay"], "Signal=5\r\nDuration=160\r\n"));
    expect(text).not.toMatch(/Signal|5\r\n|160/);
    expect(masked(message([], "Signal=7"))).not.toContain("7\r\nS");
    expect(masked(message(["Content-Type: application/sdp", "Content-Encoding: gzip"], "secret"))).toMatch(/\*{6}$/);
  });

  /** Ways to write one thing that a lenient reader might take. */
  const secret = fc
    .array(fc.constantFrom(..."ABCDEFGHKLMNPQRSTVWXYZabcdefghkmnopqrstvwxyz23456789+/"), {
      minLength: 12,
      maxLength: 64,
    })
    .map((letters) => `Zq${letters.join("")}`);
  const blank = fc.constantFrom("", " ", "\t", "  ", "\r\n ", "\r\n\t");
  const inHead = fc
    .tuple(secret, blank, blank, fc.boolean(), fc.integer({ min: 0, max: 11 }))
    .map(([value, before, after, upper, form]): readonly [string, string] => {
      const name = (text: string): string => (upper ? text.toUpperCase() : text);
      const forms = [
        `${name("Authorization")}${before.replace(/\r\n/, "")}:${after}Digest username="u",${after}response${before}=${before}"${value}"`,
        `${name("Proxy-Authorization")}: Digest cnonce=${value},${after}nonce="n"`,
        `${name("Authorization")}:${after}Basic ${value}`,
        `${name("Proxy-Authorization")}: ${value}`,
        `Authentication-Info: rspauth="${value}", nextnonce="1"`,
        `Authorization: Digest username="open, response="${value}`,
        `Authorization: Digest realm="a\\"b", response="${value}"`,
        `Contact: <sip:user:${value}@192.0.2.1>`,
        `X-Session-Token:${after}${value}`,
        `Refer-To: <sip:x@y?X-Secret=${value}&a=b>`,
        `Subject: a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:${value}`,
        `Refer-To: <sip:x@y?body=a%3Dcrypto%3A1%20AES%20INLINE%3a${value}>`,
      ];
      return [message([forms[form]!, "Subject: after"]), value];
    });
  const inBody = fc
    .tuple(secret, blank, fc.integer({ min: 0, max: 9 }), fc.constantFrom("\r\n", "\n", "\r"))
    .map(([value, space, form, lineEnd]): readonly [string, string] => {
      const gap = space.replace(/\r\n/, "");
      const part = (header: string, content: string): string => `--b\r\n${header}\r\n\r\n${content}\r\n--b--\r\n`;
      const forms = [
        ["application/sdp", `v=0${lineEnd}a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:${gap}${value}${lineEnd}a=x`],
        [
          "Application/SDP;charset=x",
          `v=0${lineEnd}${gap}A=Crypto:1 F8_128_HMAC_SHA1_80 INLINE:${value};inline:${value}|1:4${lineEnd}`,
        ],
        ["application/sdp", `k=base64:${value}${lineEnd}`],
        ["application/sdp", `a=key-mgmt:mikey ${value}${lineEnd}`],
        ["application/sdp", `a=crypto:1 x ${value.padEnd(16, "Q")}${lineEnd}`],
        ["multipart/mixed;boundary=b", part("Content-Type: application/sdp", `a=crypto:2 A inline:${value}`)],
        [
          "multipart/mixed;boundary=b",
          part("Content-Transfer-Encoding: quoted-printable", `a=crypto:2 A inli=\r\nne:${value}`),
        ],
        ["multipart/mixed;boundary=b", part("content-transfer-encoding:base64", value)],
        ["message/sipfrag", `SIP/2.0 200 OK${lineEnd}Authorization: Digest response="${value}"${lineEnd}`],
        [
          "message/sipfrag",
          `SIP/2.0 200 OK\r\nAuthorization: Digest\r\n\tresponse="${value}",\r\n cnonce="${value}"\r\n`,
        ],
      ] as const;
      const [type, body] = forms[form]!;
      return [message([`c: ${type}`], body), value];
    });

  it("property: no secret survives in any form, lengths and line ends stay", () => {
    fc.assert(
      fc.property(fc.oneof(inHead, inBody), ([text, value]) => {
        const kept = masked(text);
        expect(kept).toHaveLength(text.length);
        expect(kept.replace(/[^\r\n]/g, ".")).toBe(text.replace(/[^\r\n]/g, "."));
        expect(kept).not.toContain(value);
        // Not even a part that helps.
        for (let at = 0; at + 8 <= value.length; at += 4) expect(kept).not.toContain(value.slice(at, at + 8));
      }),
      { numRuns: 3000 },
    );
  });

  it("hardening R1: any octets at all are taken, in linear time and within bounds", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 400 }), (octets) => {
        const copy = octets.slice();
        maskSecrets(copy, 0, copy.length);
        expect(copy).toHaveLength(octets.length);
      }),
      { numRuns: 2000 },
    );
    for (const unit of [
      "@",
      "=",
      ":",
      "i",
      "inline:",
      "a=\r\n",
      "Authorization: x=\r\n ",
      '"',
      "token=",
      "k=\r",
      "Authorization:,,,,",
      ",",
    ]) {
      const octets = Buffer.from(unit.repeat(65_536 / unit.length));
      maskSecrets(octets, 0, octets.length);
      const body = Buffer.from(message(["Content-Type: application/sdp"], unit.repeat(65_536 / unit.length)));
      maskSecrets(body, 0, body.length);
    }
  });
});
