import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { SipParseError } from "../../src/base/errors.ts";
import { formatNameAddr, nameAddr, parseNameAddr, parseNameAddrList, tagOf, withTag } from "../../src/sip/name-addr.ts";
import { formatParams, parseParams } from "../../src/sip/params.ts";
import { sipUri } from "../../src/sip/uri.ts";
import { formatVia, parseVia } from "../../src/sip/via.ts";
import * as arbitrary from "../support/sip-arbitraries.ts";

describe("RFC 3261 20.10 addresses are read", () => {
  it.each<[string, string, string, [string, string][]]>([
    ['"Alice" <sip:alice@a>;tag=1', "Alice", "alice", [["tag", "1"]]],
    ["Alice Smith <sip:alice@a>", "Alice Smith", "alice", []],
    ['"A \\"q\\" \\\\" <sip:a@b>', 'A "q" \\', "a", []],
    ['"a, b; c <x>" <sip:a@b> ; tag = 7', "a, b; c <x>", "a", [["tag", "7"]]],
    ['"Quoted"<sip:a@b>', "Quoted", "a", []],
    [
      "sip:a@b;tag=1;x",
      "",
      "a",
      [
        ["tag", "1"],
        ["x", ""],
      ],
    ],
    ['sip:a@b;x="<;>"', "", "a", [["x", "<;>"]]],
    ["<sip:a@b;lr>;a=1;A=2", "", "a", [["a", "1"]]],
    [
      '<sip:a@b>;x="p\\"q";y',
      "",
      "a",
      [
        ["x", 'p"q'],
        ["y", ""],
      ],
    ],
    ['"Петя 電" <sip:a@b>', "Петя 電", "a", []],
    ["<sip:a@b>;;tag=1;", "", "a", [["tag", "1"]]],
    ['"" <sip:a@b>', "", "a", []],
  ])("%s", (text, displayName, user, params) => {
    const address = parseNameAddr(text);
    expect(address.displayName).toBe(displayName);
    expect(address.uri.user).toBe(user);
    expect([...address.params]).toEqual(params);
  });

  it.each([
    ["an open quote (SIP-MSG-6)", '"Alice <sip:a@b>'],
    ["an escape at the end of an open quote", '"Alice \\" <sip:a@b>'],
    ["an open bracket", "<sip:a@b"],
    ["no bracket behind a quoted name", '"Alice" sip:a@b'],
    ["text behind the bracket", "<sip:a@b> x"],
    ["two values where one may be", "<sip:a@b>, <sip:c@d>"],
    ["two values in a parameter", "<sip:a@b>;tag=1, <sip:c@d>"],
    ["a quote inside the name", 'Al"ice <sip:a@b>'],
    ["blanks inside the brackets (RFC 4475 badaspec)", "< sip:a@b >"],
    ["? without brackets (RFC 4475 regbadct)", "sip:a@b?Route=%3Csip:x%3E"],
    ["an open quote in a parameter", '<sip:a@b>;x="1'],
    ["text behind a quoted parameter", '<sip:a@b>;x="1"2'],
    ["a parameter that is no token", "<sip:a@b>;x y=1"],
    ["nothing", ""],
    ["a control character", "<sip:a@b\x01>"],
  ])("400 for %s", (_, text) => {
    expect(() => parseNameAddr(text)).toThrow(SipParseError);
  });

  it("lists are split outside of quotes and brackets", () => {
    const list = parseNameAddrList('"a, b" <sip:x@y;p=1,2>;q=1,, sip:c@d;e="f,g" , *');
    expect(list.map((one) => one.uri.user)).toEqual(["x", "c"]);
    expect(parseNameAddrList("*")).toEqual([]);
    expect(() => parseNameAddrList("<sip:a@b>, <sip:c@d")).toThrow(SipParseError);
  });
});

describe("addresses are written", () => {
  it("SIP-ID-8: display names quoted, quotes and backslashes escaped", () => {
    expect(formatNameAddr(nameAddr(sipUri("a", "b"), 'x "y" \\ z', [["tag", "1"]]))).toBe(
      '"x \\"y\\" \\\\ z" <sip:a@b>;tag=1',
    );
  });

  it("hardening R4: a display name cannot bring a line end", () => {
    expect(formatNameAddr(nameAddr(sipUri("a", "b"), "x\r\nTo: y\0"))).toBe('"x  To: y " <sip:a@b>');
  });

  it("hardening R4: neither can a parameter", () => {
    expect(() => formatNameAddr(nameAddr(sipUri("a", "b"), "", [["tag", "1\r\nX: y"]]))).toThrow(TypeError);
    expect(() => formatNameAddr(nameAddr(sipUri("a", "b"), "", [["t;x", "1"]]))).toThrow(TypeError);
  });

  it("what was written is read again as it was", () => {
    fc.assert(
      fc.property(arbitrary.nameAddr, (address) => {
        const text = formatNameAddr(address);
        expect(text).not.toMatch(/[\r\n\0]/);
        expect(parseNameAddr(text)).toEqual(address);
      }),
    );
  });

  it("tags", () => {
    const address = nameAddr(sipUri("a", "b"));
    expect(tagOf(address)).toBeUndefined();
    expect(tagOf(withTag(address, "x"))).toBe("x");
    expect(tagOf(address)).toBeUndefined();
  });
});

describe("RFC 3261 25.1 parameters", () => {
  it("a tag that was no token goes back as it came", () => {
    expect(formatParams(parseParams(";tag=a@1.2.3.4/x;branch=z9hG4bK=;other=a@b", 0, "x"))).toBe(
      ';tag=a@1.2.3.4/x;branch=z9hG4bK=;other="a@b"',
    );
    expect(formatParams(new Map([["tag", "a;b"]]))).toBe(';tag="a;b"');
  });

  it("names from outside are no properties (hardening R25)", () => {
    const params = parseParams(";__proto__=1;constructor", 0, "x");
    expect([...params]).toEqual([
      ["__proto__", "1"],
      ["constructor", ""],
    ]);
  });
});

describe("RFC 3261 20.42 Via", () => {
  it.each([
    ["SIP/2.0/UDP 192.0.2.1:5070;branch=z9hG4bK1;rport", "UDP", "192.0.2.1", 5070, "z9hG4bK1"],
    ["SIP / 2.0 / tls  Example.COM : 5061 ;branch = z9hG4bK2", "TLS", "example.com", 5061, "z9hG4bK2"],
    ["sip/2.0/TCP [2001:DB8::9:1]", "TCP", "2001:db8::9:1", undefined, undefined],
    ["SIP/2.0/UDP a;received=[2001:db8::1];branch=x", "UDP", "a", undefined, "x"],
    ["SIP/7.0/UDP a", "UDP", "a", undefined, undefined],
  ])("%s", (text, transport, host, port, branch) => {
    const via = parseVia(text);
    expect(via).toMatchObject({ transport, host, port });
    expect(via.params.get("branch")).toBe(branch);
  });

  it.each([
    "",
    "SIP/2.0",
    "SIP/2.0/UDP",
    "SIP/2.0/ 192.0.2.1",
    "HTTP/2.0/UDP a",
    "SIP/20/UDP a",
    "SIP/2.0/UDP a b",
    "SIP/2.0/UDP a:0",
    "SIP/2.0/UDP a;branch=1,x",
    "SIP/2.0;x/UDP a",
  ])("400 for %j", (text) => {
    expect(() => parseVia(text)).toThrow(SipParseError);
  });

  it("what was written is read again as it was", () => {
    fc.assert(
      fc.property(arbitrary.via, (via) => {
        expect(parseVia(formatVia(via))).toEqual(via);
      }),
    );
  });

  it("hardening R4: no field can bring a line end", () => {
    const good = { transport: "UDP", host: "a", port: 1, params: new Map<string, string>() };
    expect(() => formatVia({ ...good, transport: "UDP\r\nX: y" })).toThrow(TypeError);
    expect(() => formatVia({ ...good, host: "a\r\nX: y" })).toThrow(TypeError);
    expect(() => formatVia({ ...good, params: new Map([["branch", "a\r\n"]]) })).toThrow(TypeError);
  });
});
