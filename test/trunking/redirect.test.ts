import { describe, expect, it } from "vitest";
import { EdgeTable } from "../../src/trunking/edges.ts";
import {
  type DivertPolicy,
  placeProblem,
  planDiverted,
  ruleRedirect,
  ruleTransfer,
} from "../../src/trunking/redirect.ts";
import type { UriParts } from "../../src/trunking/uri-parts.ts";

const policy: DivertPolicy = {
  base: "voice.example.net",
  edges: new EdgeTable(),
  reach: "private",
  denied: ["evil.example", "198.51.100.0/24"],
};

function uri(host: string, changes: Partial<UriParts> = {}): UriParts {
  return { scheme: "sip", user: "bob", host, port: undefined, params: new Map(), headers: [], ...changes };
}

describe("R-REDIR which redirections are followed", () => {
  const call = { contact: uri("pbx.example"), followed: 0, toRegisteredEndpoint: false };

  it("follows the first", () => {
    expect(ruleRedirect(call, policy)).toEqual({ allowed: true });
    expect(ruleRedirect({ ...call, contact: uri("10.0.0.5") }, policy)).toEqual({ allowed: true });
  });

  it.each([
    ["R-REDIR-2 a second one", { followed: 1 }],
    ["R-REDIR-3 no Contact", { contact: null }],
    ["R-REDIR-4 our trunk domains", { contact: uri("b.pstn.voice.example.net") }],
    ["R-REDIR-4 our SIP domains at an edge", { contact: uri("B.sip.tokyo.Voice.Example.net") }],
    ["R-REDIR-5 registered endpoints", { toRegisteredEndpoint: true }],
    ["R-REDIR-10 loopback", { contact: uri("127.0.0.1") }],
    ["R-REDIR-10 loopback in IPv6 form", { contact: uri("::ffff:127.0.0.1") }],
    ["R-REDIR-10 localhost", { contact: uri("localhost") }],
    ["R-REDIR-10 link-local", { contact: uri("169.254.169.254") }],
    ["R-REDIR-10 multicast", { contact: uri("224.0.0.1") }],
    ["R-REDIR-10 unspecified", { contact: uri("0.0.0.0") }],
    ["R-REDIR-10 no host", { contact: uri("a..b") }],
    ["R-REDIR-10 denied name", { contact: uri("sbc.EVIL.example") }],
    ["R-REDIR-10 denied name with its root", { contact: uri("evil.example.") }],
    ["R-REDIR-10 localhost with its root", { contact: uri("localhost.") }],
    ["R-REDIR-10 an address in hexadecimal", { contact: uri("0x7f000001") }],
    ["R-REDIR-10 denied range", { contact: uri("198.51.100.7") }],
    ["another scheme", { contact: uri("", { scheme: "tel", user: "+1900" }) }],
  ])("refuses %s with 480 and alert 32219", (_name, changes) => {
    expect(ruleRedirect({ ...call, ...changes }, policy)).toMatchObject({
      allowed: false,
      status: 480,
      alertCode: 32219,
    });
  });

  it.each([
    ["10.0.0.5", "public", false],
    ["fd00::1", "public", false],
    ["100.64.0.1", "public", false],
    ["10.0.0.5", "private", true],
    ["127.0.0.1", "any", true],
    ["localhost", "any", true],
    ["224.0.0.1", "any", false],
    ["192.0.2.1", "public", true],
  ] as const)("%s with reach %s", (host, reach, good) => {
    expect(placeProblem(host, { ...policy, reach }) === null).toBe(good);
  });
});

describe("R-REDIR-6 to R-REDIR-8, R-REDIR-13 the INVITE to a Contact", () => {
  const first = { headers: [["X-a", "1"]] as [string, string][], edge: "tokyo", user: "+14158675309" };

  it("keeps edge and headers, and drops parameters that are ours to decide", () => {
    const params = new Map([
      ["edge", "dublin"],
      ["tnx", "9"],
      ["transport", "tcp"],
      ["maddr", "127.0.0.1"],
      ["x", "y"],
    ]);
    const plan = planDiverted(uri("pbx.example", { params }), { ...first, security: "none" });
    expect(plan).toMatchObject({ edge: "tokyo", headers: [["X-a", "1"]], transport: "tcp", security: "none" });
    expect(plan.requestUri.params).toEqual(
      new Map([
        ["x", "y"],
        ["transport", "tcp"],
      ]),
    );
    expect(plan.nextHop.params).toEqual(new Map([["transport", "tcp"]]));
  });

  it.each([
    ["required", "sip", "udp", "tls"],
    ["none", "sip", "udp", "udp"],
    ["none", "sip", "sctp", "udp"],
    ["none", "sips", "udp", "tls"],
    ["none", "sip", "TLS", "tls"],
  ] as const)("security %s, %s with transport %s: %s", (security, scheme, asked, transport) => {
    const contact = uri("pbx.example", { scheme, user: undefined, params: new Map([["transport", asked]]) });
    const plan = planDiverted(contact, { ...first, security });
    expect(plan).toMatchObject({ transport, security, requestUri: { scheme: "sip", user: "+14158675309" } });
  });
});

describe("R-XFER-2, R-XFER-9, R-XFER-11, SIP-REF which transfers are allowed", () => {
  const sip = uri("pbx.example");
  const tel = uri("", { scheme: "tel", user: "+442079460000" });
  const own = uri("example.pstn.voice.example.net", { user: "+442079460000" });
  const rule = (
    mode: "disable-all" | "sip-only" | "enable-all",
    referTo: UriParts[],
    underWay = false,
    destinationAllowList: string[] = [],
  ) => ruleTransfer({ referTo, underWay }, { transferMode: mode, destinationAllowList }, policy);

  it.each([
    ["disable-all", sip, 403],
    ["disable-all", tel, 403],
    ["sip-only", sip, "sip"],
    ["sip-only", tel, 403],
    ["sip-only", own, 403],
    ["enable-all", sip, "sip"],
    ["enable-all", tel, "pstn"],
    ["enable-all", own, "pstn"],
  ] as const)("%s, %s", (mode, target, expected) => {
    const ruling = rule(mode, [target]);
    if (typeof expected === "string") expect(ruling).toMatchObject({ allowed: true, to: expected });
    else expect(ruling).toMatchObject({ allowed: false, status: expected, alertCode: 32218 });
  });

  it.each([
    ["no Refer-To", rule("enable-all", []), 400],
    ["two Refer-To", rule("enable-all", [sip, sip]), 400],
    ["SIP-REF-9 another under way", rule("enable-all", [sip], true), 491],
    ["SIP-REF-8 another scheme", rule("enable-all", [uri("x", { scheme: "http" })]), 416],
    ["SIP-REF-8 our own loop", rule("enable-all", [uri("a.sip.voice.example.net")]), 482],
    ["a number that is none", rule("enable-all", [uri("", { scheme: "tel", user: "911" })]), 400],
    ["hardening R19 a destination that is not permitted", rule("enable-all", [tel], false, ["+1"]), 403],
    ["hardening R19 a closed place", rule("sip-only", [uri("127.0.0.1")]), 403],
  ])("refuses %s", (_name, ruling, status) => {
    expect(ruling).toMatchObject({ allowed: false, status, alertCode: 32218 });
  });

  it("R-XFER-9 passes X- and User-to-User headers on, and no others", () => {
    const headers = [
      ["X-a", "b"],
      ["User-to-User", "c"],
      ["Route", "<sip:x>"],
      ["X-bad", "a\r\nVia: b"],
      ["x-", "d"],
    ] as const;
    expect(rule("sip-only", [uri("pbx.example", { headers })])).toMatchObject({
      headers: [
        ["X-a", "b"],
        ["User-to-User", "c"],
      ],
    });
  });
});
