import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { SipParseError } from "../../src/base/errors.ts";
import { formatHostPort, parseHostPort } from "../../src/sip/host-port.ts";
import { formatUri, hasKnownScheme, parseUri, type SipUri, sipUri, urisEqual } from "../../src/sip/uri.ts";
import * as arbitrary from "../support/sip-arbitraries.ts";

function statusOf(text: string): number | undefined {
  try {
    parseUri(text);
    return undefined;
  } catch (error) {
    expect(error).toBeInstanceOf(SipParseError);
    return (error as SipParseError).status;
  }
}

describe("RFC 3261 19.1 URIs are read", () => {
  it.each<[string, Partial<SipUri>]>([
    ["sip:alice@atlanta.com", { scheme: "sip", user: "alice", host: "atlanta.com", port: undefined }],
    ["sip:alice:secretword@atlanta.com;transport=tcp", { user: "alice", params: new Map([["transport", "tcp"]]) }],
    [
      "sips:alice@atlanta.com?subject=project%20x&priority=urgent",
      {
        scheme: "sips",
        headers: [
          ["subject", "project x"],
          ["priority", "urgent"],
        ],
      },
    ],
    [
      "sip:+1-212-555-1212:1234@gateway.com;user=phone",
      { user: "+1-212-555-1212", params: new Map([["user", "phone"]]) },
    ],
    [
      "sip:atlanta.com;method=REGISTER?to=alice%40atlanta.com",
      { user: undefined, headers: [["to", "alice@atlanta.com"]] },
    ],
    ["sip:alice;day=tuesday@atlanta.com", { user: "alice;day=tuesday", params: new Map() }],
    ["sip:a?b/c&d@example.com", { user: "a?b/c&d", host: "example.com", headers: [] }],
    ["SIP:Alice@ATLANTA.com", { scheme: "sip", user: "Alice", host: "atlanta.com" }],
    ["sip:[2001:DB8::1]:5070;lr", { host: "2001:db8::1", port: 5070, params: new Map([["lr", ""]]) }],
    ["sip:192.0.2.1:5060", { host: "192.0.2.1", port: 5060 }],
    [
      "sip:%61lice@h;%6Cr;n=%41",
      {
        user: "alice",
        params: new Map([
          ["lr", ""],
          ["n", "A"],
        ]),
      },
    ],
    ["sip:h;a=1;A=2;;", { params: new Map([["a", "1"]]) }],
    ["sip:@192.0.2.1", { user: undefined, host: "192.0.2.1" }],
    ["tel:+1-201-555-0123;phone-context=example.com", { scheme: "tel", user: "+1-201-555-0123", host: "" }],
    ["urn:service:sos", { scheme: "urn", host: "service:sos", user: undefined }],
  ])("%s", (text, expected) => {
    expect(parseUri(text)).toMatchObject(expected);
  });

  it.each([
    ["no scheme", "alice@atlanta.com"],
    ["empty", ""],
    ["scheme that is none", "1sip:a@b"],
    ["a blank", "sip:alice @atlanta.com"],
    ["angle brackets", "<sip:alice@atlanta.com>"],
    ["a quote", 'sip:"alice"@atlanta.com'],
    ["two @", "sip:+15550001@evil.example@trunk.example"],
    ["an @ in a parameter", "sip:a@b;maddr=c@d"],
    ["no host", "sip:alice@"],
    ["a host with a slash", "sip:alice@a/b"],
    ["port 0", "sip:a@b:0"],
    ["port above 65535", "sip:a@b:65536"],
    ["port of 2^32 + 5060 (hardening R2)", "sip:a@b:4294972356"],
    ["a negative port", "sip:a@b:-1"],
    ["no port behind the colon", "sip:a@b:"],
    ["IPv6 without brackets (RFC 5118 4.2)", "sip:2001:db8::10"],
    ["an open bracket", "sip:[2001:db8::10"],
    ["letters in IPv6", "sip:[2001:xyz::1]"],
    ["half an escape", "sip:a%4@b"],
    ["an escape of no UTF-8", "sip:a%ff@b"],
    ["a parameter without a name", "sip:a@b;=1"],
    ["CR LF", "sip:a@b\r\nX: y"],
    ["NUL", "sip:a\0@b"],
    ["tel without a number", "tel:"],
  ])("400 for %s", (_, text) => {
    expect(statusOf(text)).toBe(400);
  });

  it("414 above 1 KiB (SIP-MSG-14)", () => {
    expect(statusOf(`sip:${"a".repeat(1018)}@b`)).toBeUndefined();
    expect(statusOf(`sip:${"a".repeat(1019)}@b`)).toBe(414);
  });

  it("tells the schemes that can be called (SIP-MSG-18)", () => {
    expect(["sip:a", "sips:a", "tel:1", "http://a", "sipx:a"].map((text) => hasKnownScheme(parseUri(text)))).toEqual([
      true,
      true,
      true,
      false,
      false,
    ]);
  });

  it("names from outside are no properties (hardening R25)", () => {
    const uri = parseUri("sip:a@b;__proto__=x;constructor=y?__proto__=z");
    expect([...uri.params.keys()]).toEqual(["__proto__", "constructor"]);
    expect(formatUri(uri)).toBe("sip:a@b;__proto__=x;constructor=y?__proto__=z");
  });
});

describe("RFC 3261 19.1.2 URIs are written", () => {
  it("escapes what would end the URI or the header (SIP-MSG-15, hardening R4)", () => {
    const uri = sipUri('a"<>@:\r\nX: 1', "H.example", 5060, [["p;q", "1;2\r\n"]]);
    uri.headers = [["X-A&b", "c=d\0"]];
    expect(formatUri(uri)).toBe("sip:a%22%3C%3E%40%3A%0D%0AX%3A%201@h.example:5060;p%3Bq=1%3B2%0D%0A?X-A%26b=c%3Dd%00");
  });

  it("CR LF that came escaped leaves escaped (SIP-MSG-15)", () => {
    expect(formatUri(parseUri("sip:a%0d%0aX:y@b"))).toBe("sip:a%0D%0AX@b");
    expect(formatUri(parseUri("sip:a%0D%0Ab@c;x=%0A"))).toBe("sip:a%0D%0Ab@c;x=%0A");
  });

  it("IPv6 in brackets", () => {
    expect(formatHostPort("2001:db8::1", 5061)).toBe("[2001:db8::1]:5061");
  });

  it.each([
    ["host", sipUri("a", "b>\r\nX: y")],
    ["host with parameters", sipUri("a", "b;maddr=c")],
    ["empty host", sipUri("a", "")],
    ["IPv6 host", sipUri("a", "2001:db8::1]>")],
    ["scheme", { ...sipUri("a", "b"), scheme: "sip:x\r\n" }],
    ["other scheme", { ...sipUri("a", "b"), scheme: "urn", host: "x>\r\ny" }],
  ])("a %s that could end the URI is a caller's mistake", (_, uri) => {
    expect(() => formatUri(uri)).toThrow(TypeError);
  });

  it("a port that is none is a caller's mistake", () => {
    expect(() => formatUri(sipUri("a", "b", 65_536))).toThrow(RangeError);
    expect(() => formatUri(sipUri("a", "b", 1.5))).toThrow(RangeError);
  });

  it("half a surrogate pair does no harm", () => {
    expect(formatUri(sipUri("a\ud800b", "c"))).toBe("sip:a%EF%BF%BDb@c");
    expect(formatUri(sipUri("\ud800\r\n", "c"))).toBe("sip:%EF%BF%BD%0D%0A@c");
    expect(formatUri(sipUri("\udfff\ud800", "c"))).toBe("sip:%EF%BF%BD%EF%BF%BD@c");
  });

  it("what was written is read again as it was", () => {
    fc.assert(
      fc.property(fc.oneof(arbitrary.sipUri, arbitrary.telUri), (uri) => {
        const text = formatUri(uri);
        expect(text).toMatch(/^[!-~]+$/);
        expect(parseUri(text)).toEqual(uri);
      }),
    );
  });
});

describe("RFC 3261 19.1.4 comparison", () => {
  const equal = (a: string, b: string): boolean => {
    expect(urisEqual(parseUri(b), parseUri(a))).toBe(urisEqual(parseUri(a), parseUri(b)));
    return urisEqual(parseUri(a), parseUri(b));
  };

  it.each([
    ["sip:%61lice@atlanta.com;transport=TCP", "sip:alice@AtLanTa.CoM;Transport=tcp"],
    ["sip:carol@chicago.com", "sip:carol@chicago.com;newparam=5"],
    ["sip:carol@chicago.com", "sip:carol@chicago.com;security=on"],
    [
      "sip:biloxi.com;transport=tcp;method=REGISTER?to=sip:bob%40biloxi.com",
      "sip:biloxi.com;method=REGISTER;transport=tcp?to=sip:bob%40biloxi.com",
    ],
    [
      "sip:alice@atlanta.com?subject=project%20x&priority=urgent",
      "sip:alice@atlanta.com?priority=urgent&subject=project%20x",
    ],
    ["tel:+1-201-555-0123", "tel:+12015550123"],
  ])("%s is %s", (a, b) => {
    expect(equal(a, b)).toBe(true);
  });

  it.each([
    ["SIP:ALICE@AtLanTa.CoM;Transport=udp", "sip:alice@AtLanTa.CoM;Transport=UDP"],
    ["sip:bob@biloxi.com", "sip:bob@biloxi.com:5060"],
    ["sip:bob@biloxi.com", "sip:bob@biloxi.com;transport=udp"],
    ["sip:bob@biloxi.com", "sip:bob@biloxi.com:6000;transport=tcp"],
    ["sip:carol@chicago.com", "sip:carol@chicago.com?Subject=next%20meeting"],
    ["sip:carol@chicago.com;security=on", "sip:carol@chicago.com;security=off"],
    ["sip:bob@phone21.boxesbybob.com", "sip:bob@192.0.2.4"],
    ["sip:bob@biloxi.com", "sips:bob@biloxi.com"],
    ["sip:bob@biloxi.com", "sip:biloxi.com"],
    ["sip:bob@biloxi.com;maddr=1.2.3.4", "sip:bob@biloxi.com"],
    ["tel:+12015550123", "tel:+12015550124"],
    ["tel:5550123;phone-context=a.example", "tel:5550123"],
  ])("%s is not %s", (a, b) => {
    expect(equal(a, b)).toBe(false);
  });

  it("every URI is itself", () => {
    fc.assert(fc.property(arbitrary.sipUri, (uri) => urisEqual(uri, parseUri(formatUri(uri)))));
  });
});

describe("host and port", () => {
  it("takes blanks around the colon, as Via has them (RFC 3261 25.1 COLON)", () => {
    expect(parseHostPort(" Example.com : 5070 ")).toEqual({ host: "example.com", port: 5070 });
    expect(parseHostPort("[::1] :5070")).toEqual({ host: "::1", port: 5070 });
  });

  it.each(["", ":5060", "a b", "a:5060:1", "[::1]x", "[::1]x:5060", "a..\u00e9", "a:5O60", "x".repeat(254)])(
    "400 for %j",
    (text) => {
      expect(() => parseHostPort(text)).toThrow(SipParseError);
    },
  );
});
