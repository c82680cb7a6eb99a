import { describe, expect, it } from "vitest";
import { formatDiversion, readDiversions } from "../../src/sip/diversion.ts";
import { formatUri, sipUri } from "../../src/sip/uri.ts";
import { headerList as headers } from "../support/sip-headers.ts";

describe("RFC 5806 Diversion (SIP-ID-5)", () => {
  it("newest first, malformed ones left out", () => {
    const list = headers(
      [
        "Diversion",
        '"Bob" <sip:+1555@a>;reason=No-Answer;counter=3;privacy=off;screen=YES, <tel:+2>;reason=weird;counter=x',
      ],
      ["Diversion", "<sip:"],
      ["diversion", "sip:4@b"],
    );
    expect(readDiversions(list).map(({ uri, ...rest }) => ({ uri: formatUri(uri), ...rest }))).toEqual([
      { uri: "sip:+1555@a", displayName: "Bob", reason: "no-answer", counter: 3, privacy: "off", screen: "yes" },
      { uri: "tel:+2", displayName: "", reason: "unknown", counter: 1, privacy: "", screen: "" },
      { uri: "sip:4@b", displayName: "", reason: "unknown", counter: 1, privacy: "", screen: "" },
    ]);
  });

  it("no more than 20", () => {
    expect(readDiversions(headers(["Diversion", Array(30).fill("<sip:1@a>").join(",")])).length).toBe(20);
  });

  it("is written from fields", () => {
    const base = { uri: sipUri("+1555", "a"), displayName: "", counter: 1, privacy: "", screen: "" };
    expect(formatDiversion({ ...base, reason: "unconditional" })).toBe("<sip:+1555@a>;reason=unconditional");
    expect(
      formatDiversion({ ...base, displayName: "B", reason: "user-busy", counter: 2, privacy: "full", screen: "no" }),
    ).toBe('"B" <sip:+1555@a>;reason=user-busy;counter=2;privacy=full;screen=no');
    expect(() => formatDiversion({ ...base, reason: "away", privacy: "x\r\ny" })).toThrow(TypeError);
  });
});
