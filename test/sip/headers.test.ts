import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { SipParseError } from "../../src/base/errors.ts";
import { canonicalName, Headers } from "../../src/sip/headers.ts";

describe("RFC 3261 7.3.3 header names", () => {
  it.each([
    ["a", "Accept-Contact"],
    ["b", "Referred-By"],
    ["c", "Content-Type"],
    ["d", "Request-Disposition"],
    ["e", "Content-Encoding"],
    ["f", "From"],
    ["i", "Call-ID"],
    ["j", "Reject-Contact"],
    ["k", "Supported"],
    ["l", "Content-Length"],
    ["m", "Contact"],
    ["n", "Identity-Info"],
    ["o", "Event"],
    ["r", "Refer-To"],
    ["s", "Subject"],
    ["t", "To"],
    ["u", "Allow-Events"],
    ["v", "Via"],
    ["x", "Session-Expires"],
    ["y", "Identity"],
  ])("SIP-MSG-4: %s is %s", (compact, long) => {
    expect(canonicalName(compact)).toBe(long);
    expect(canonicalName(compact.toUpperCase())).toBe(long);
    expect(canonicalName(long.toUpperCase())).toBe(long);
    expect(canonicalName(long.toLowerCase())).toBe(long);
  });

  it.each([
    ["cseq", "CSeq"],
    ["WWW-AUTHENTICATE", "WWW-Authenticate"],
    ["rseq", "RSeq"],
    ["USER-TO-USER", "User-to-User"],
    ["p-called-party-id", "P-Called-Party-ID"],
    ["p-asserted-IDENTITY", "P-Asserted-Identity"],
    ["p-charging-vector", "P-Charging-Vector"],
    ["x-account", "x-account"],
    ["X-Account", "X-Account"],
    ["z", "Z"],
  ])("%s is spelled %s", (name, usual) => {
    expect(canonicalName(name)).toBe(usual);
  });
});

describe("RFC 3261 7.3.1 header lists", () => {
  it("are found by every form of the name", () => {
    const headers = new Headers().add("m", "<sip:a>").add("X-Account", "7").add("CONTACT", "<sip:b>");
    for (const name of ["Contact", "contact", "m", "M", "cOnTaCt"]) expect(headers.get(name)).toBe("<sip:a>");
    expect(headers.all("Contact")).toEqual(["<sip:a>", "<sip:b>"]);
    expect(headers.get("x-ACCOUNT")).toBe("7");
    expect(headers.has("k")).toBe(false);
    expect(headers.get("Supported")).toBeUndefined();
    expect([...headers]).toEqual([
      ["Contact", "<sip:a>"],
      ["X-Account", "7"],
      ["Contact", "<sip:b>"],
    ]);
    expect(headers.size).toBe(3);
  });

  it("hardening R3: what is removed is gone in every form", () => {
    const headers = new Headers().add("s", "one").add("Subject", "two").add("To-Do", "x").add("SUBJECT", "three");
    headers.remove("subject");
    expect([...headers]).toEqual([["To-Do", "x"]]);
    headers.set("s", "four");
    headers.set("Subject", "five");
    expect(headers.all("s")).toEqual(["five"]);
  });

  it("SIP-MSG-5: a comma list is the same as several lines", () => {
    const headers = new Headers()
      .add("Supported", "100rel, timer")
      .add("k", "replaces")
      .add("Contact", '"a, b" <sip:x@y;z=1,2>;q=1, <sip:c>')
      .add("Require", " , ");
    expect(headers.list("Supported")).toEqual(["100rel", "timer", "replaces"]);
    expect(headers.list("m")).toEqual(['"a, b" <sip:x@y;z=1,2>;q=1', "<sip:c>"]);
    expect(headers.list("Require")).toEqual([]);
    expect(() => new Headers().add("Require", '"open').list("Require")).toThrow(SipParseError);
  });

  it("values lose blanks at their ends and nothing else", () => {
    expect(new Headers().add("Subject", " \ta\tb \u00a0 ").get("Subject")).toBe("a\tb \u00a0");
  });
});

describe("hardening R4: nothing gets into a header list that could make another line", () => {
  it.each(["\r", "\n", "\r\nX: y", "\0", "\x0b", "\x7f", "a\x01b"])("value %j", (value) => {
    expect(() => new Headers().add("Subject", value)).toThrow(TypeError);
    const headers = new Headers().add("Subject", "old");
    expect(() => headers.set("Subject", value)).toThrow(TypeError);
  });

  it.each(["", "A B", "A:", "A\r\nB", "\x01To", "Tö", " To"])("name %j", (name) => {
    expect(() => new Headers().add(name, "x")).toThrow(TypeError);
  });

  it.each(["Via", "v", "From", "f", "TO", "t", "call-id", "i", "CSeq", "max-forwards", "Content-Length", "l"])(
    "%s is a field of the message and cannot stand in the list",
    (name) => {
      expect(() => new Headers().add(name, "x")).toThrow(/is a field of the message/);
    },
  );

  it("whatever the value is, it is taken as it is or refused", () => {
    fc.assert(
      fc.property(fc.string({ unit: "binary", maxLength: 30 }), (value) => {
        const headers = new Headers();
        try {
          headers.add("X-Any", value);
        } catch (error) {
          expect(error).toBeInstanceOf(TypeError);
          return;
        }
        expect(headers.get("X-Any")).not.toMatch(/[\r\n\0]/);
      }),
    );
  });
});

describe("hardening R25: names of object properties are names like others", () => {
  it.each(["__proto__", "constructor", "toString", "hasOwnProperty"])("%s", (name) => {
    const headers = new Headers();
    expect(headers.get(name)).toBeUndefined();
    expect(headers.has(name)).toBe(false);
    headers.add(name, "x");
    expect(headers.get(name.toUpperCase())).toBe("x");
  });
});
