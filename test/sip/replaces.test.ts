import { describe, expect, it } from "vitest";
import type { SipParseError } from "../../src/base/errors.ts";
import { parseReplaces, readReplaces } from "../../src/sip/replaces.ts";
import { headerList as headers } from "../support/sip-headers.ts";

describe("RFC 3891 6.1 Replaces", () => {
  it.each([
    ["98732@sip.example.com;from-tag=r33th4x0r;to-tag=ff87ff", "98732@sip.example.com", "ff87ff", "r33th4x0r", false],
    ["12adf2f34456gs5;to-tag=12345;from-tag=54321;early-only", "12adf2f34456gs5", "12345", "54321", true],
    [" 87134@171.161.34.23 ; to-tag=24796 ;from-tag=0;x=y", "87134@171.161.34.23", "24796", "0", false],
  ])("%s", (text, callId, toTag, fromTag, earlyOnly) => {
    expect(parseReplaces(text)).toEqual({ callId, toTag, fromTag, earlyOnly });
  });

  it.each([
    "",
    "98732@sip.example.com",
    "a;to-tag=1",
    "a;from-tag=1",
    ";to-tag=1;from-tag=2",
    "a b;to-tag=1;from-tag=2",
    "a,b;to-tag=1;from-tag=2",
    "a;to-tag=1;from-tag=2,c;to-tag=1;from-tag=2",
    `${"x".repeat(300)};to-tag=1;from-tag=2`,
    'a;to-tag="1;from-tag=2',
  ])("400 for %j", (text) => {
    expect(() => parseReplaces(text)).toThrow(expect.objectContaining({ status: 400 }) as SipParseError);
  });

  it("a request has one or none; two are 400 (§3)", () => {
    expect(readReplaces(headers())).toBeUndefined();
    expect(readReplaces(headers(["Replaces", "a;to-tag=1;from-tag=2"]))?.callId).toBe("a");
    const twice = headers(["Replaces", "a;to-tag=1;from-tag=2"], ["Replaces", "b;to-tag=1;from-tag=2"]);
    expect(() => readReplaces(twice)).toThrow(expect.objectContaining({ status: 400 }) as SipParseError);
  });
});
