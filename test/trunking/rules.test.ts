import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { aclEntryProblem, addressInRange, matchingAclEntry, parseRange } from "../../src/trunking/acl.ts";
import { TRUNKING_ALERTS } from "../../src/trunking/alerts.ts";
import {
  isDomainLabel,
  labelOfDomainName,
  labelsAbove,
  servedHost,
  subdomainProblem,
} from "../../src/trunking/domains.ts";
import { DEFAULT_EDGES, EdgeTable } from "../../src/trunking/edges.ts";
import { AuthFailures, admitCall, CallRates, TokenBuckets } from "../../src/trunking/limits.ts";
import { callerIdOf, isE164, readPrivacy } from "../../src/trunking/numbers.ts";
import { testAcl, testTrunk } from "../support/records.ts";

const BASE = "voice.example.net";
const edges = new EdgeTable([{ name: "cellar", region: "ce1" }]);

describe("R-TERM-2, R-TERM-9, R-BYOC-3, R-EDGE-2 host names", () => {
  it.each([
    ["example.pstn.voice.example.net", "pstn", "example", null],
    ["EXAMPLE.PSTN.Voice.Example.NET", "pstn", "example", null],
    ["example.pstn.voice.example.net.", "pstn", "example", null],
    ["a.b.pstn.voice.example.net", "pstn", "a.b", null],
    ["example.sip.voice.example.net", "sip", "example", null],
    ["x.sip.pstn.voice.example.net", "pstn", "x.sip", null],
    ["tokyo.pstn.voice.example.net", "pstn", "tokyo", null],
    ["example.pstn.tokyo-ix.voice.example.net", "pstn", "example", "tokyo-ix"],
    ["example.pstn.jp1-ix.voice.example.net", "pstn", "example", "tokyo-ix"],
    ["example.sip.cellar.voice.example.net", "sip", "example", "cellar"],
    ["a.b.sip.ce1.voice.example.net", "sip", "a.b", "cellar"],
  ])("%s", (host, kind, label, edge) => {
    expect(servedHost(host, BASE, edges)).toEqual({ kind, label, edge });
  });

  it.each(DEFAULT_EDGES)("R-EDGE-2 knows $name and $region in all four forms", ({ name, region }) => {
    for (const kind of ["pstn", "sip"])
      for (const place of [name, region])
        expect(servedHost(`example.${kind}.${place}.${BASE}`, BASE, edges)).toEqual({
          kind,
          label: "example",
          edge: name,
        });
  });

  it.each([
    "voice.example.net",
    "pstn.voice.example.net",
    "sip.tokyo.voice.example.net",
    ".pstn.voice.example.net",
    "a..pstn.voice.example.net",
    "example.pstn.voice.example.net.evil.example",
    "examplepstn.voice.example.net",
    "example.pstn.atlantis.voice.example.net",
    "example.fax.voice.example.net",
    "a_b.pstn.voice.example.net",
    "-a.pstn.voice.example.net",
    "192.0.2.1",
    "",
    "__proto__.pstn.constructor.voice.example.net",
    `${"a.".repeat(300)}pstn.voice.example.net`,
  ])("does not serve %j", (host) => {
    expect(servedHost(host, BASE, edges)).toBeNull();
  });

  it("R-TERM-2 takes labels of letters, digits and -", () => {
    expect(labelOfDomainName(`My-PBX2.pstn.${BASE}`, "pstn", BASE)).toBe("my-pbx2");
    for (const bad of [`a_b.pstn.${BASE}`, `a.sip.${BASE}`, "a.pstn.other.example", `.pstn.${BASE}`, `pstn.${BASE}`])
      expect(labelOfDomainName(bad, "pstn", BASE)).toBeNull();
    expect(isDomainLabel("a".repeat(64))).toBe(false);
  });

  it("R-TERM-3, R-TERM-4 sub-domains", () => {
    const owner = (label: string) => (label === "b" ? { accountSid: "AC1" } : undefined);
    expect(subdomainProblem("solo", "AC9", null, owner)).toBeNull();
    expect(subdomainProblem("a.b", "AC1", null, owner)).toBeNull();
    expect(subdomainProblem("a.b", "AC2", "AC1", owner)).toBeNull();
    expect(subdomainProblem("a.b", "AC2", null, owner)).toContain("another account");
    expect(subdomainProblem("a.c", "AC1", null, owner)).toContain("does not exist");
    expect(subdomainProblem("x.a.b", "AC1", null, owner)).toContain('"a.b" does not exist');
    expect([labelsAbove("x.a.b"), labelsAbove("b")]).toEqual([["a.b", "b"], []]);
  });
});

describe("R-AUTH-7 access control lists", () => {
  it.each([
    ["192.0.2.129", true],
    ["192.0.2.128", true],
    ["192.0.2.255", true],
    ["192.0.2.1", false],
    ["192.0.3.129", false],
    ["::ffff:192.0.2.129", true],
    ["2001:db8::1", true],
    ["2001:db9::1", false],
    ["", false],
    ["192.0.2", false],
    ["not an address", false],
  ])("192.0.2.128/25 and 2001:db8::/32: %s", (source, matches) => {
    const acls = [testAcl(), testAcl(["192.0.2.128", 25], ["2001:db8::", 32])];
    expect(matchingAclEntry(acls, source) !== undefined).toBe(matches);
  });

  it("gives the first entry that each one by itself would match", () => {
    const ipv4 = fc
      .tuple(fc.constantFrom(0, 10, 127, 128, 192, 255), fc.nat(1), fc.nat(255), fc.nat(255))
      .map((parts) => parts.join("."));
    const entry = fc.tuple(
      fc.oneof(ipv4, fc.constantFrom("2001:db8::", "2001:db8:1::7")),
      fc.integer({ min: 1, max: 32 }),
    );
    fc.assert(
      fc.property(fc.array(entry, { maxLength: 12 }), fc.oneof(ipv4, fc.ipV6()), (entries, source) => {
        const acl = testAcl(...entries);
        const expected = acl.addresses.find((one) => addressInRange(source, one.ipAddress, one.prefixLength));
        expect(matchingAclEntry([acl], source)?.entry).toBe(expected);
      }),
    );
  });

  it("takes whole addresses and prefixes from 1", () => {
    for (const [address, prefix] of [
      ["192.0.2.1", 32],
      ["0.0.0.0", 1],
      ["2001:db8::", 64],
    ] as const)
      expect(aclEntryProblem(address, prefix)).toBeNull();
    for (const [address, prefix] of [
      ["192.0.2", 32],
      ["0x7f.1", 32],
      ["192.0.2.1", 0],
      ["192.0.2.1", 33],
      ["192.0.2.1", 1.5],
      ["fe80::1%eth0", 64],
      ["x", 32],
    ] as const)
      expect(aclEntryProblem(address, prefix)).not.toBeNull();
  });

  it("reads ranges", () => {
    expect(parseRange("192.0.2.0/24")).toEqual({ ipAddress: "192.0.2.0", prefixLength: 24 });
    expect(parseRange("2001:db8::1")).toEqual({ ipAddress: "2001:db8::1", prefixLength: 128 });
    for (const bad of ["192.0.2.0/", "192.0.2.0/x", "192.0.2.0/24/8", "/24", "192.0.2.0/99"])
      expect(parseRange(bad)).toBeNull();
  });

  it("agrees with arithmetic on every IPv4 prefix", () => {
    const text = (n: number) => [n >>> 24, (n >>> 16) & 255, (n >>> 8) & 255, n & 255].join(".");
    fc.assert(
      fc.property(fc.nat(0xffffffff), fc.nat(0xffffffff), fc.integer({ min: 1, max: 32 }), (a, b, prefix) => {
        const same = a >>> (32 - prefix) === b >>> (32 - prefix);
        expect(addressInRange(text(a), text(b), prefix)).toBe(same);
      }),
    );
  });
});

describe("R-CID-1, R-CID-2, R-CID-5 who is calling", () => {
  const N1 = "+14155551212";
  const N2 = "+14155553434";
  it.each([
    [N1, N2, N2, { number: N1, source: "From" }],
    [`${N1};cpc=ordinary`, undefined, undefined, { number: N1, source: "From" }],
    ["anonymous", N1, N2, { number: N1, source: "Remote-Party-ID" }],
    [undefined, undefined, N2, { number: N2, source: "P-Asserted-Identity" }],
    ["alice", undefined, N2, { number: N2, source: "P-Asserted-Identity" }],
    ["", "bob", N2, { number: N2, source: "P-Asserted-Identity" }],
    ["4155551212", N1, N2, { number: "4155551212", source: "From" }],
    ["+1-415-555", N1, N2, { number: "+1-415-555", source: "From" }],
    ["...", undefined, undefined, { number: undefined, source: undefined }],
  ])("From %s, RPID %s, PAI %s", (fromUser, remotePartyIdUser, assertedUser, expected) => {
    expect(callerIdOf({ fromUser, remotePartyIdUser, assertedUser, privacy: [] })).toMatchObject(expected);
  });

  it.each([
    ["Anonymous", [], true],
    ["alice", [], false],
    [N1, ["id"], true],
    [N1, ["user;critical"], true],
    [N1, ["none"], false],
    [N1, ["none;id"], false],
    [N1, ["session"], false],
  ])("From %s, Privacy %j: hidden %s", (fromUser, privacy, hidden) => {
    expect(callerIdOf({ fromUser, remotePartyIdUser: undefined, assertedUser: N2, privacy }).hidden).toBe(hidden);
  });

  it("SIP-ID-4 knows when privacy cannot be given", () => {
    expect(readPrivacy(["ID ; Critical"]).unmet).toBe(false);
    expect(readPrivacy(["magic", "critical"]).unmet).toBe(true);
    expect(readPrivacy(["magic"]).unmet).toBe(false);
  });

  it("R-TERM-6 E.164", () => {
    for (const good of ["+12", "+123456789012345"]) expect(isE164(good)).toBe(true);
    for (const bad of ["+1", "+0123", "12", "+1234567890123456", "+12 3", "+12\n", "", "+", "+١٢"])
      expect(isE164(bad)).toBe(false);
  });
});

describe("R-TERM-15, R-KEEP-2, R-AUTH-15 limits", () => {
  it("takes 5 of 20 calls within a second, and 5 again in the next", () => {
    const rates = new CallRates();
    const taken = (fromMs: number) =>
      Array.from({ length: 20 }, (_, call) => rates.take("TK1", 5, fromMs + call * 50)).filter(Boolean).length;
    expect(taken(1000)).toBe(5);
    expect(taken(2000)).toBe(5);
    expect(rates.take("TK2", 1, 2001)).toBe(true);
  });

  it("never takes more than the limit in any one second", () => {
    fc.assert(
      fc.property(fc.array(fc.nat(300), { maxLength: 100 }), fc.integer({ min: 1, max: 9 }), (gaps, limit) => {
        const rates = new CallRates();
        const taken: number[] = [];
        let nowMs = 0;
        for (const gap of gaps) {
          nowMs += gap;
          if (rates.take("TK", limit, nowMs)) taken.push(nowMs);
        }
        taken.forEach((time, index) => {
          const later = taken[index + limit];
          if (later !== undefined) expect(later - time).toBeGreaterThanOrEqual(1000);
        });
      }),
    );
  });

  it("R-KEEP-2 answers a burst of 5, then one per 10 s", () => {
    const buckets = new TokenBuckets(5, 10_000);
    const burst = Array.from({ length: 30 }, (_, index) => buckets.take("192.0.2.1 example", index * 100));
    expect(burst.filter(Boolean)).toHaveLength(5);
    for (let time = 12_000; time < 120_000; time += 12_000) expect(buckets.take("192.0.2.1 example", time)).toBe(true);
    expect(buckets.take("192.0.2.2 example", 3000)).toBe(true);
  });

  it("R-AUTH-15 drops an address for 60 s after the eleventh failure of a minute", () => {
    const failures = new AuthFailures();
    for (let index = 0; index < 10; index++) failures.failed("192.0.2.1", index * 1000);
    expect(failures.isBlocked("192.0.2.1", 10_000)).toBe(false);
    failures.failed("192.0.2.1", 11_000);
    expect(failures.isBlocked("192.0.2.1", 12_000)).toBe(true);
    expect(failures.isBlocked("192.0.2.2", 12_000)).toBe(false);
    expect(failures.isBlocked("192.0.2.1", 71_000)).toBe(false);
    for (let index = 0; index < 30; index++) failures.failed("192.0.2.3", index * 7000);
    expect(failures.isBlocked("192.0.2.3", 211_000)).toBe(false);
  });

  it("keeps a bounded number of keys", () => {
    const buckets = new TokenBuckets(1, 1000, 2);
    expect(["a", "b", "a", "c", "a", "b"].map((key) => buckets.take(key, 0))).toEqual([
      true,
      true,
      false,
      true,
      false,
      true,
    ]);
  });

  it("hardening R19 counts calls that are up, and spares the rate when they are too many", () => {
    const rates = new CallRates();
    const trunk = testTrunk({ callsPerSecondMax: 1, concurrentCallsMax: 2 });
    expect(admitCall(trunk, 2, rates, 0)).toEqual({ admitted: false, limit: "concurrent-calls", max: 2 });
    expect(admitCall(trunk, 1, rates, 0)).toEqual({ admitted: true });
    expect(admitCall(trunk, 1, rates, 1)).toEqual({ admitted: false, limit: "calls-per-second", max: 1 });
    expect(admitCall(testTrunk(), 1e6, rates, 1)).toEqual({ admitted: true });
  });

  it("SIP-OVL-1 the rate of the whole gateway holds for all together, and a trunk beyond its own uses up none of it", () => {
    const rates = new CallRates();
    const slow = testTrunk({ sid: "TK1", callsPerSecondMax: 1 });
    expect(admitCall(slow, 0, rates, 0, 2)).toEqual({ admitted: true });
    for (let call = 0; call < 5; call++)
      expect(admitCall(slow, 0, rates, 1, 2)).toEqual({ admitted: false, limit: "calls-per-second", max: 1 });
    expect(admitCall(undefined, 0, rates, 2, 2)).toEqual({ admitted: true });
    const refused = { admitted: false, limit: "gateway-calls-per-second", max: 2 };
    expect(admitCall(testTrunk({ sid: "TK2" }), 0, rates, 3, 2)).toEqual(refused);
    expect(admitCall(undefined, 0, rates, 999, 2)).toEqual(refused);
    expect(admitCall(undefined, 0, rates, 1000, 2)).toEqual({ admitted: true });
  });
});

describe("alerts", () => {
  it("have a text for every code of requirements 0.1", () => {
    for (const code of [
      32200, 32201, 32202, 32101, 32206, 32204, 32209, 32208, 32207, 32222, 32102, 32006, 32001, 32012, 32205, 32010,
      32011, 32218, 32219, 32210,
    ])
      expect(TRUNKING_ALERTS).toHaveProperty(String(code));
  });
});
