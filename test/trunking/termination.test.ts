import { describe, expect, it } from "vitest";
import type { LimitVerdict } from "../../src/trunking/limits.ts";
import type { CallerIdentity } from "../../src/trunking/numbers.ts";
import {
  type CredentialVerdict,
  judgeTermination,
  type TerminationContext,
  type TerminationDomain,
  type TerminationRequest,
} from "../../src/trunking/termination.ts";
import { testAcl, testSipDomain, testTrunk } from "../support/records.ts";

const acl = testAcl(["192.0.2.128", 25]);
const identity = (changes: Partial<CallerIdentity> = {}): CallerIdentity => ({
  fromUser: "+14155551212",
  remotePartyIdUser: undefined,
  assertedUser: undefined,
  privacy: [],
  ...changes,
});

interface Case {
  readonly request?: Partial<TerminationRequest>;
  readonly domain?: TerminationDomain | undefined;
  readonly credentials?: CredentialVerdict;
  readonly limits?: LimitVerdict;
  readonly context?: Partial<TerminationContext>;
}

function judge(given: Case) {
  const asked: string[] = [];
  const request: TerminationRequest = {
    host: "example.pstn.example.net",
    user: "+12128675309",
    transport: "udp",
    source: { remoteAddress: "192.0.2.129" },
    identity: identity(),
    ...given.request,
  };
  const context: TerminationContext = {
    acls: [acl],
    shortCodes: [],
    unknownDomain: "drop",
    isActive: () => true,
    ownsCallerId: (_account, number) => number === "+14155551212",
    ask: {
      credentials: () => {
        asked.push("credentials");
        return given.credentials ?? { kind: "valid", username: "pbx" };
      },
      limits: (trunk) => {
        asked.push(trunk === undefined ? "limits of the gateway" : "limits");
        return given.limits ?? { admitted: true };
      },
    },
    ...given.context,
  };
  const domain = "domain" in given ? given.domain : trunk({ ipAclSids: [acl.sid] });
  return { ...judgeTermination(request, domain, context), asked };
}

const trunk = (changes: Parameters<typeof testTrunk>[0] = {}): TerminationDomain => ({
  kind: "trunk",
  record: testTrunk(changes),
});
const sipDomain = (changes: Parameters<typeof testSipDomain>[0] = {}): TerminationDomain => ({
  kind: "sip-domain",
  record: testSipDomain(changes),
});
const byAcl = { ipAclSids: [acl.sid] };
const byList = { credentialListSids: ["CL1"] };
const wrong = { kind: "wrong" } as const;
const absent = { kind: "absent" } as const;
const outside = { source: { remoteAddress: "192.0.2.1" } };
const certified = { source: { remoteAddress: "192.0.2.1", tlsNames: ["pbx.example.com"] }, transport: "tls" } as const;

describe("requirements 0.1 each row", () => {
  it.each<[string, Case, object]>([
    [
      "unknown host: no answer",
      { domain: undefined },
      { outcome: "drop", status: 0, alertCode: null, check: "domain" },
    ],
    [
      "unknown host, set to 404",
      { domain: undefined, context: { unknownDomain: "404" } },
      { outcome: "reject", status: 404, alertCode: null },
    ],
    [
      "account suspended: told to who is authenticated",
      { domain: trunk(byAcl), context: { isActive: () => false } },
      { status: 403, alertCode: 10001, check: "account" },
    ],
    [
      "account suspended: not told to a stranger",
      { domain: trunk(byList), context: { isActive: () => false }, credentials: absent },
      { outcome: "challenge", status: 407, alertCode: null },
    ],
    ["R-AUTH-1 nothing mapped", { domain: trunk() }, { status: 403, alertCode: 32200, check: "authentication-mapped" }],
    ["R-AUTH-2 not in the list", { request: outside }, { status: 403, alertCode: 32201, check: "access-control-list" }],
    [
      "SIP-TP-13 the certificate of another name",
      { request: certified, domain: trunk({ certificateNames: ["other.example.com"] }) },
      { status: 403, alertCode: 32201, check: "access-control-list" },
    ],
    [
      "SIP-TP-13 names of certificates, and none shown",
      { request: outside, domain: trunk({ certificateNames: ["pbx.example.com"] }) },
      { status: 403, alertCode: 32201 },
    ],
    [
      "SIP-TP-13, R-AUTH-4 the right certificate, and no credentials",
      { request: certified, domain: trunk({ ...byList, certificateNames: ["pbx.example.com"] }), credentials: absent },
      { outcome: "challenge", status: 407 },
    ],
    [
      "R-AUTH-3 no credentials",
      { domain: trunk(byList), credentials: absent },
      { outcome: "challenge", status: 407, alertCode: null, stale: false },
    ],
    [
      "nonce too old",
      { domain: trunk(byList), credentials: { kind: "stale" } },
      { outcome: "challenge", status: 407, alertCode: null, stale: true },
    ],
    [
      "wrong password",
      { domain: trunk(byList), credentials: wrong },
      { outcome: "reject", status: 403, alertCode: 32202 },
    ],
    [
      "R-TERM-6 no plus",
      { request: { user: "12128675309" } },
      { status: 400, reason: "Bad Request", alertCode: 32101 },
    ],
    ["R-TERM-6 separators", { request: { user: "+1-212-867-5309" } }, { status: 400, alertCode: 32101 }],
    ["R-TERM-6 leading zero", { request: { user: "+0123" } }, { status: 400, alertCode: 32101 }],
    ["R-TERM-6 no user", { request: { user: undefined } }, { status: 400, alertCode: 32101 }],
    [
      "caller id no E.164",
      { request: { identity: identity({ fromUser: "4155551212" }) } },
      { status: 400, alertCode: 32206 },
    ],
    [
      "R-CID-3 caller id foreign",
      { request: { identity: identity({ fromUser: "+14155559999" }) } },
      { status: 403, alertCode: 32204 },
    ],
    [
      "no caller id at all",
      { request: { identity: identity({ fromUser: "anonymous" }) } },
      { status: 403, alertCode: 32204 },
    ],
    [
      "R-SEC-3 secure over UDP",
      { domain: trunk({ ...byAcl, secure: true }) },
      { status: 403, alertCode: 32209, check: "secure" },
    ],
    [
      "R-SEC-3 secure domain over TCP",
      { domain: sipDomain({ ...byAcl, secure: true }), request: { transport: "tcp" } },
      { status: 403, alertCode: 32209 },
    ],
    [
      "R-TERM-15 rate",
      { limits: { admitted: false, limit: "calls-per-second", max: 5 } },
      { status: 503, reason: "Trunk CPS limit exceeded", alertCode: 32001 },
    ],
    [
      "concurrent calls",
      { limits: { admitted: false, limit: "concurrent-calls", max: 5 } },
      { status: 503, alertCode: 32001 },
    ],
    [
      "rate of the whole gateway",
      { limits: { admitted: false, limit: "gateway-calls-per-second", max: 5 } },
      { status: 503, reason: "Gateway CPS limit exceeded", alertCode: 32012 },
    ],
    [
      "rate of the whole gateway, for a SIP domain",
      { domain: sipDomain(byAcl), limits: { admitted: false, limit: "gateway-calls-per-second", max: 5 } },
      { status: 503, alertCode: 32012 },
    ],
    [
      "R-CID-6 destination",
      { domain: trunk({ ...byAcl, destinationAllowList: ["+44", "+1415"] }) },
      { status: 403, alertCode: 32205 },
    ],
    [
      "SIP-ID-4 critical privacy",
      { request: { identity: identity({ privacy: ["id;critical;magic"] }) } },
      { status: 500, check: "privacy" },
    ],
  ])("%s", (_name, given, expected) => {
    const verdict = judge(given);
    expect(verdict).toMatchObject(expected);
    expect(verdict.outcome === "accept" ? "" : verdict.text).not.toBe("");
  });

  it("SIP-TP-13 a client certificate of one of its names stands in for an address of a list", () => {
    const names = { certificateNames: ["sbc.example.com", "pbx.example.com"] };
    for (const domain of [trunk(names), trunk({ ...names, ...byAcl }), sipDomain(names)])
      expect(judge({ request: certified, domain })).toMatchObject({ outcome: "accept" });
    // Either is enough.
    expect(judge({ domain: trunk({ ...names, ...byAcl }) })).toMatchObject({ outcome: "accept" });
  });

  it("lets a good call in and says which checks it passed", () => {
    expect(judge({})).toMatchObject({
      outcome: "accept",
      called: "+12128675309",
      caller: { number: "+14155551212", source: "From", hidden: false },
      username: null,
      passed: [
        "domain",
        "authentication-mapped",
        "access-control-list",
        "credentials",
        "account",
        "secure",
        "privacy",
        "called-number",
        "caller-id-form",
        "caller-id-owned",
        "destination",
        "limits",
      ],
    });
  });
});

describe("R-AUTH-4 both kinds mapped: both are enforced", () => {
  const domain = trunk({ ...byAcl, ...byList });
  it.each([
    ["listed, right", {}, undefined, "accept", ["credentials", "limits"]],
    ["listed, wrong", {}, wrong, "reject", ["credentials"]],
    ["listed, none", {}, absent, "challenge", ["credentials"]],
    ["unlisted, right: no challenge, digest not even looked at", outside, undefined, "reject", []],
    ["unlisted, wrong", outside, wrong, "reject", []],
  ] as const)("%s", (_name, request, credentials, outcome, asked) => {
    const verdict = judge({ domain, request, ...(credentials === undefined ? {} : { credentials }) });
    expect(verdict.outcome).toBe(outcome);
    expect(verdict.asked).toEqual(asked);
  });

  it("does not look at credentials when only lists of addresses are mapped (R-AUTH-2)", () => {
    expect(judge({ credentials: wrong })).toMatchObject({ outcome: "accept", asked: ["limits"] });
  });

  it("stays closed when a mapped list is gone", () => {
    expect(judge({ context: { acls: [] } })).toMatchObject({ status: 403, alertCode: 32201 });
  });
});

describe("order of the checks", () => {
  it("R-TERM-7 a bad number without credentials is challenged, with credentials 400", () => {
    const bad = { request: { user: "12" }, domain: trunk(byList) };
    expect(judge({ ...bad, credentials: absent }).outcome).toBe("challenge");
    expect(judge(bad)).toMatchObject({ status: 400, alertCode: 32101 });
  });

  it("takes a call from the rate only when all else is right (hardening R7)", () => {
    expect(judge({ request: { user: "12" } }).asked).toEqual([]);
    expect(judge({ domain: trunk({ ...byAcl, destinationAllowList: ["+44"] }) }).asked).toEqual([]);
  });
});

describe("called numbers", () => {
  it("R-TERM-6 leaves parameters of the user part out", () => {
    expect(judge({ request: { user: "+12128675309;npdi" } })).toMatchObject({
      outcome: "accept",
      called: "+12128675309",
    });
  });

  it("R-TERM-8 lets configured short codes pass, allow list or not", () => {
    const request = { user: "112" };
    expect(judge({ request }).outcome).toBe("reject");
    expect(judge({ request, context: { shortCodes: ["112"] } })).toMatchObject({ outcome: "accept", called: "112" });
    const domain = trunk({ ...byAcl, destinationAllowList: ["+44"] });
    expect(judge({ request, domain, context: { shortCodes: ["112"] } }).outcome).toBe("accept");
  });

  it("R-BYOC-9 takes any user and any caller on a SIP domain, without limits of a trunk", () => {
    const request = { user: "alice", identity: identity({ fromUser: "bob" }) };
    expect(judge({ request, domain: sipDomain(byAcl) })).toMatchObject({
      outcome: "accept",
      called: "alice",
      asked: ["limits of the gateway"],
    });
  });

  it("R-CID-3 takes any caller id on a trunk with that policy, R-CID-2 even none", () => {
    const domain = trunk({ ...byAcl, callerIdPolicy: "any" });
    for (const fromUser of ["+14155559999", "anonymous", undefined])
      expect(judge({ domain, request: { identity: identity({ fromUser }) } }).outcome).toBe("accept");
  });
});
