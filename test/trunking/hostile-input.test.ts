import { isIP } from "node:net";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { matchingAclEntry } from "../../src/trunking/acl.ts";
import { servedHost } from "../../src/trunking/domains.ts";
import { EdgeTable } from "../../src/trunking/edges.ts";
import { callerIdOf, isE164 } from "../../src/trunking/numbers.ts";
import { placeProblem } from "../../src/trunking/redirect.ts";
import { isHostName, readTargetUri } from "../../src/trunking/target-uri.ts";
import { testAcl } from "../support/records.ts";

const edges = new EdgeTable();
const acls = [testAcl(["192.0.2.0", 24])];
const policy = { base: "voice.example.net", edges, reach: "private", denied: ["evil.example", "10.0.0.0/8"] } as const;

/** Everything here that reads text from a message. */
function readAll(text: string): void {
  servedHost(text, policy.base, edges);
  servedHost(`${text}.pstn.${policy.base}`, policy.base, edges);
  matchingAclEntry(acls, text);
  isE164(text);
  isE164(`+${text}`);
  placeProblem(text, policy);
  callerIdOf({ fromUser: text, remotePartyIdUser: `+${text}`, assertedUser: text, privacy: [text, text] });
  readTargetUri(text, edges);
  readTargetUri(`sip:x.example;${text}`, edges);
  readTargetUri(`sip:x.example?${text}`, edges);
}

describe("hardening R24, R25 rules on text from strangers", () => {
  it("never throw", () => {
    const pieces = fc.constantFrom(
      "__proto__",
      "constructor",
      ".pstn.",
      "sip:",
      "%",
      "%00",
      "@",
      "[",
      "]",
      ":",
      ";",
      "?",
      "&",
      "=",
      "+",
      "1",
      "..",
      "edge=",
      "\r\n",
    );
    const text = fc.oneof(
      fc.string({ unit: "binary", maxLength: 200 }),
      fc.array(pieces, { maxLength: 30 }).map((parts) => parts.join("")),
    );
    fc.assert(fc.property(text, readAll), { numRuns: 1000 });
  });

  it.each(["a", "1", ".", "a.", "-", "+", ";", ",", " ", "%", "%41", "&", "X-a=b&", ";a=b", "@", "[", ":", "\0", "é"])(
    "read 64 KiB of %j in linear time",
    (token) => {
      // Quadratic work on 64 KiB would take minutes; the bound only tells the two apart.
      const started = performance.now();
      for (let run = 0; run < 5; run++) readAll(token.repeat(Math.ceil(65_536 / token.length)));
      expect(performance.now() - started).toBeLessThan(5_000);
    },
  );

  it("hardening R4 give URIs whose parts hold no control character", () => {
    const hostile = fc
      .array(fc.constantFrom("%0d%0a", "%00", "a", "=", "&", "X-a", ";", "\r\n", "%7f"), { maxLength: 8 })
      .map((parts) => parts.join(""));
    fc.assert(
      fc.property(hostile, hostile, (params, headers) => {
        const reading = readTargetUri(`sip:x.example;${params}?X-h=${headers}`, edges);
        if ("problem" in reading) return;
        const texts = [...reading.uri.params.flat(), ...reading.uri.headers.flat()].join("");
        // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what is looked for
        expect(texts).not.toMatch(/[\x00-\x1f\x7f]/);
      }),
    );
  });

  it("take only hosts that DNS or an IP stack would take", () => {
    fc.assert(
      fc.property(fc.string({ unit: fc.constantFrom("a", "1", ".", "-", "_", ":", "%"), maxLength: 20 }), (host) => {
        if (!isHostName(host)) return;
        expect(isIP(host) === 4 || /^[a-z0-9_.-]+$/.test(host)).toBe(true);
        expect(host).not.toMatch(/\.\.|^\.|^-|-$/);
      }),
    );
  });
});
