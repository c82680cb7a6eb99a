/** Host names in c= lines (SDP-15). */
import { describe, expect, it } from "vitest";
import { MediaNames } from "../../src/calls/media-names.ts";

const asked: string[] = [];
const names = new MediaNames(async (name) => {
  asked.push(name);
  if (name === "media.example.net") return ["2001:db8::1", "192.0.2.1", "192.0.2.2"];
  if (name === "audio.example.net") return ["192.0.2.9"];
  throw new Error("no such name");
});
const OWN = "198.51.100.1";

const described = (...lines: string[]): string => ["v=0", "o=- 1 1 IN IP4 pbx.example.net", ...lines, ""].join("\r\n");

describe("SDP-15 names in c=", () => {
  it("a description without names passes at once and as it is", () => {
    for (const text of [
      "",
      described("c=IN IP4 192.0.2.1"),
      described("c=IN IP6 2001:db8::1"),
      described("c=IN IP4 a b"),
    ])
      expect(names.numeric(text, OWN)).toBe(text);
    expect(asked).toEqual([]);
  });

  it("a name becomes an address of our family, at session and at media level", async () => {
    const text = described("c=IN IP4 media.example.net", "m=audio 4 RTP/AVP 0", "c=IN IP4 audio.example.net");
    expect(await names.numeric(text, OWN)).toBe(
      described("c=IN IP4 192.0.2.1", "m=audio 4 RTP/AVP 0", "c=IN IP4 192.0.2.9"),
    );
    expect(await names.numeric("c=IN IP4 media.example.net\n", "2001:db8::9")).toBe("c=IN IP6 2001:db8::1\n");
  });

  it("a name that nobody knows, or without an address of our family, stays", async () => {
    for (const [text, own] of [
      [described("c=IN IP4 nowhere.example.net"), OWN],
      [described("c=IN IP6 audio.example.net"), "2001:db8::9"],
    ] as const)
      expect(await names.numeric(text, own)).toBe(text);
  });

  it("of many names two are looked up", async () => {
    asked.length = 0;
    await names.numeric(described(...Array.from({ length: 50 }, (_, n) => `c=IN IP4 n${n}.example.net`)), OWN);
    expect(asked).toEqual(["n0.example.net", "n1.example.net"]);
  });
});
