import { describe, expect, it } from "vitest";
import type { SipParseError } from "../../src/base/errors.ts";
import {
  formatReason,
  readRAck,
  readReasons,
  readReferTo,
  readRSeq,
  retryAfterSeconds,
} from "../../src/sip/header-values.ts";
import type { Headers } from "../../src/sip/headers.ts";
import { headerList as headers } from "../support/sip-headers.ts";

describe("RFC 3261 20.33 Retry-After", () => {
  it.each<[string, number | undefined]>([
    ["18000", 18000],
    ["5 (in a meeting)", 5],
    ["120;duration=3600", 120],
    ["0", 0],
    ["5(x)", 5],
    ["99999999999999999999", 86_400],
    ["-1", undefined],
    ["5x", undefined],
    ["", undefined],
  ])("%j", (value, seconds) => {
    expect(retryAfterSeconds(headers(["Retry-After", value]))).toBe(seconds);
  });

  it("may be missing", () => {
    expect(retryAfterSeconds(headers())).toBeUndefined();
  });
});

describe("RFC 3326 Reason", () => {
  it("is read", () => {
    const list = headers(
      ["Reason", 'SIP;cause=200;text="Call completed, elsewhere", Q.850 ;cause=16'],
      ["Reason", ";cause=1"],
      ["Reason", "Preemption;cause=x"],
    );
    expect(readReasons(list)).toEqual([
      { protocol: "SIP", cause: 200, text: "Call completed, elsewhere" },
      { protocol: "Q.850", cause: 16, text: "" },
      { protocol: "Preemption", cause: undefined, text: "" },
    ]);
  });

  it("is written, the text always in quotes", () => {
    expect(formatReason({ protocol: "Q.850", cause: 16, text: "Terminated" })).toBe('Q.850;cause=16;text="Terminated"');
    expect(formatReason({ protocol: "SIP", cause: 487, text: 'a "b" c' })).toBe('SIP;cause=487;text="a \\"b\\" c"');
    expect(formatReason({ protocol: "SIP", cause: undefined, text: "" })).toBe("SIP");
    expect(() => formatReason({ protocol: "SIP\r\n", cause: 1, text: "" })).toThrow(TypeError);
    expect(() => formatReason({ protocol: "SIP", cause: 1, text: "a\r\nX: y" })).toThrow(TypeError);
  });
});

describe("RFC 3515 2.4.2 Refer-To (SIP-REF-1, SIP-REF-8)", () => {
  const statusOf = (list: Headers): number => {
    try {
      readReferTo(list);
      return 0;
    } catch (error) {
      return (error as SipParseError).status;
    }
  };

  it("exactly one", () => {
    const target = readReferTo(headers(["r", "<sip:bob@b?Replaces=1%402%3Bto-tag%3D3>"]));
    expect(target.uri.headers).toEqual([["Replaces", "1@2;to-tag=3"]]);
    expect(statusOf(headers())).toBe(400);
    expect(statusOf(headers(["Refer-To", "<sip:a@b>, <sip:c@d>"]))).toBe(400);
    expect(statusOf(headers(["Refer-To", "<sip:a@b>"], ["r", "<sip:c@d>"]))).toBe(400);
    expect(statusOf(headers(["Refer-To", "<sip:a b>"]))).toBe(400);
  });

  it("416 for a scheme that cannot be called", () => {
    expect(statusOf(headers(["Refer-To", "<http://a>"]))).toBe(416);
    expect(statusOf(headers(["Refer-To", "tel:+1555"]))).toBe(0);
  });
});

describe("RFC 3262 7 RSeq and RAck", () => {
  it("are numbers in their range", () => {
    expect(readRSeq(headers(["RSeq", "988789"]))).toBe(988789);
    for (const value of ["0", "4294967296", "x", ""]) expect(readRSeq(headers(["RSeq", value]))).toBeUndefined();
    expect(readRAck(headers(["RAck", "776656  1 INVITE"]))).toEqual({ rseq: 776656, cseqNumber: 1, method: "INVITE" });
    for (const value of ["776656 1", "776656 x INVITE", "1 2147483648 INVITE", "1 1 IN,VITE", "1 1 A B", ""])
      expect(readRAck(headers(["RAck", value]))).toBeUndefined();
  });
});
