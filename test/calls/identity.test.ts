/** Who the far end is told is calling, and which headers cross (SIP-ID-1 to SIP-ID-11, R-CID-1 to R-CID-5, R-ORIG-5), on the wire. */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type AttemptPlan, planForStranger } from "../../src/calls/plan-targets.ts";
import type { SipRequest } from "../../src/sip/message.ts";
import { formatNameAddr } from "../../src/sip/name-addr.ts";
import { passedHeaders, readPassedHeader } from "../../src/trunking/passed-headers.ts";
import { CALLER, CARRIER, type CallRig, type InviteFields, startCallRig } from "../support/call-rig.ts";
import { BASE } from "../support/gateway.ts";

let rig: CallRig;
const OWN = "+15550100200";

beforeAll(async () => {
  rig = await startCallRig({
    objects: `
  - name: trusted
    domain: trusted
    ipAccessControlLists: [peers]
    callerIdPolicy: any
    carrierLink: { byocTrunk: trusted }
  - name: owned
    domain: owned
    ipAccessControlLists: [peers]
  - name: customer
    domain: customer
    trusted: true
    ipAccessControlLists: [peers]
    passHeaders: [P-Charging-Vector]
    originationUrls: [{ name: pbx, url: "sip:${CALLER}:5060?X-Site=Tokyo" }]
phoneNumbers: [{ number: "+15550300001", trunk: customer }, { number: "${OWN}" }]
`,
    moreByoc: `
  - { name: trusted, connectionPolicy: carrier, trusted: true, userPhone: true, passHeaders: [X-Tag, X-Cost*, User-to-User, P-Charging-Vector] }
`,
    top: "redirect: { reach: any }",
    domains: `  - { name: trusted, domain: trusted-in, byocTrunk: trusted, ipAccessControlLists: [peers] }`,
  });
});
afterAll(() => rig.stop());

/** The INVITE that the carrier gets for such a call; it refuses it. */
async function onward(fields: InviteFields = {}): Promise<SipRequest> {
  const call = await rig.caller.invite(fields);
  const invite = await rig.carrier.request("INVITE");
  await rig.carrier.answer(invite, 486);
  await call.final();
  return invite;
}

async function refusal(fields: InviteFields): Promise<string> {
  const { status, reason } = await (await rig.caller.invite(fields)).final();
  return `${status} ${reason}`;
}

const fromOf = (invite: SipRequest): string => formatNameAddr({ ...invite.from, params: new Map() });
const TRUSTED = `trusted.pstn.${BASE}`;
const ANONYMOUS = '"Anonymous" <sip:anonymous@anonymous.invalid>';

describe("the caller, as a carrier is told", () => {
  it("SIP-ID-1, SIP-ID-2: From is the caller's number; a carrier that is not trusted gets no P-Asserted-Identity, not the one that came either", async () => {
    const invite = await onward({
      headers: [
        'P-Asserted-Identity: "CEO" <sip:+15550100999@pbx.test>',
        "P-Preferred-Identity: <sip:+15550100998@pbx.test>",
      ],
    });
    expect(fromOf(invite)).toBe(`<sip:${OWN}@sip.${BASE}>`);
    for (const name of ["P-Asserted-Identity", "P-Preferred-Identity", "Remote-Party-ID", "Privacy"])
      expect(invite.headers.has(name), name).toBe(false);
  });

  it("SIP-ID-1, SIP-ID-3, SIP-ID-11: a trusted carrier gets one P-Asserted-Identity of ours, and user=phone where that is set", async () => {
    const invite = await onward({
      domain: TRUSTED,
      headers: ["P-Asserted-Identity: <sip:+15550100999@pbx.test>, <tel:+15550100998>"],
    });
    expect(fromOf(invite)).toBe(`<sip:${OWN}@sip.${BASE};user=phone>`);
    expect(invite.headers.all("P-Asserted-Identity")).toEqual([`<sip:${OWN}@sip.${BASE};user=phone>`]);
    expect(invite.uri.params.get("user")).toBe("phone");
    expect(invite.to.uri.params.get("user")).toBe("phone");
  });

  it.each(["id", "user", "header", "id;critical"])(
    "SIP-ID-4, R-CID-5: Privacy: %s hides the caller from who is not trusted",
    async (privacy) => {
      const invite = await onward({ headers: [`Privacy: ${privacy}`] });
      expect(fromOf(invite)).toBe(ANONYMOUS);
      expect(invite.headers.get("Privacy")).toBe("id");
      expect(JSON.stringify([...invite.headers])).not.toContain(OWN);
    },
  );

  it.each(["none", "session", "history"])("SIP-ID-4: Privacy: %s does not", async (privacy) => {
    expect(fromOf(await onward({ headers: [`Privacy: ${privacy}`] }))).toBe(`<sip:${OWN}@sip.${BASE}>`);
  });

  it("SIP-ID-4, R-CID-5: who is trusted is told, and told to keep it", async () => {
    const invite = await onward({ domain: TRUSTED, headers: ["Privacy: id"] });
    expect(fromOf(invite)).toContain(OWN);
    expect(invite.headers.get("P-Asserted-Identity")).toContain(OWN);
    expect(invite.headers.get("Privacy")).toBe("id");
  });

  it("SIP-ID-4: a privacy that is critical and not known cannot be given: 500", async () => {
    expect(await refusal({ headers: ["Privacy: critical;magic"] })).toBe("500 Privacy Cannot Be Provided");
  });

  it("R-CID-2, SIP-ID-2: without a number in From: Remote-Party-ID, P-Asserted-Identity, P-Preferred-Identity; all checked", async () => {
    const domain = `owned.pstn.${BASE}`;
    const from = "<sip:anonymous@anonymous.invalid>";
    expect(await refusal({ domain, from, headers: ["P-Preferred-Identity: <sip:+15550100999@x.test>"] })).toBe(
      "403 Forbidden",
    );
    const invite = await onward({ domain, from, headers: [`P-Preferred-Identity: <sip:${OWN}@x.test>`] });
    // Anonymous in From and a number elsewhere: the number is for the rules, not for the carrier.
    expect(fromOf(invite)).toBe(ANONYMOUS);
  });

  it("SIP-ID-8: a display name with quotes is one quoted string, and does not reach the carrier unless a name was looked up", async () => {
    const invite = await onward({ from: `"A \\"B\\" <C>, D" <sip:${OWN}@caller.test>` });
    expect(fromOf(invite)).toBe(`<sip:${OWN}@sip.${BASE}>`);
  });
});

describe("headers that cross", () => {
  const headers = [
    "X-Tag: a,b",
    "X-Cost-Centre: 12",
    "X-Other: stays",
    "User-to-User: 56a390;encoding=hex",
    "P-Charging-Vector: icid-value=1",
    "Subject: stays",
  ];
  const crossed = (invite: SipRequest) =>
    [...invite.headers].filter(([name]) => /^(x-|user-to|p-c|subject)/i.test(name));

  it("SIP-ID-7, SIP-ID-9, SIP-ID-10: none by default", async () => {
    expect(crossed(await onward({ headers }))).toEqual([]);
  });

  it("SIP-ID-7, SIP-ID-9, SIP-ID-10: those that the trunk names; no charging header of a customer", async () => {
    expect(crossed(await onward({ domain: TRUSTED, headers }))).toEqual([
      ["X-Tag", "a,b"],
      ["X-Cost-Centre", "12"],
      ["User-to-User", "56a390;encoding=hex"],
    ]);
  });

  it("SIP-ID-5, SIP-ID-7, R-ORIG-5: a trusted carrier's charging header, its Diversions below ours, the URI's X- headers", async () => {
    const call = await rig.carrier.invite({
      to: "+15550300001",
      domain: `trusted-in.sip.${BASE}`,
      headers: [
        "P-Charging-Vector: icid-value=7",
        'Diversion: "Front \\"desk\\"" <sip:+15550400001@pbx.test>;reason=user-busy;counter=2;privacy=off;screen=yes',
        "Diversion: <<<",
        "Diversion: <sip:+15550400002@pbx.test>;reason=made-up",
      ],
    });
    const invite = await rig.caller.request("INVITE");
    expect(invite.headers.all("Diversion")).toEqual([
      `<sip:+15550300001@customer.pstn.${BASE}>;reason=unconditional`,
      '"Front \\"desk\\"" <sip:+15550400001@pbx.test>;reason=user-busy;counter=2;privacy=off;screen=yes',
      "<sip:+15550400002@pbx.test>;reason=unknown",
    ]);
    expect(invite.headers.get("P-Charging-Vector")).toBe("icid-value=7");
    expect(invite.headers.get("X-Site")).toBe("Tokyo");
    expect(invite.headers.get("P-Asserted-Identity")).toBe(`<sip:${OWN}@pstn.${BASE}>`);
    // SIP-AUTH-7, R-REDIR-13: a redirection is somebody else: it gets the X- headers of the URI and no identity.
    await rig.caller.answer(invite, 302, { headers: [`Contact: <sip:+15550500001@${CARRIER}:5060>`] });
    const redirected = await rig.carrier.request("INVITE");
    expect(redirected.headers.get("X-Site")).toBe("Tokyo");
    expect(redirected.headers.all("Diversion").length).toBe(3);
    expect(redirected.headers.has("P-Asserted-Identity")).toBe(false);
    expect(redirected.headers.has("P-Charging-Vector")).toBe(false);
    await rig.carrier.answer(redirected, 486);
    expect((await call.final()).status).toBe(486);
  });
});

describe("the rule of headers that cross", () => {
  it.each([
    ["X-Tag", "x-tag"],
    ["x-cost*", "x-cost*"],
    ["X-*", "x-*"],
    ["User-to-User", "user-to-user"],
    ["P-Charging-Vector", "p-charging-vector"],
    ["Identity", "identity"],
    ["P-Asserted-Identity", undefined],
    ["Route", undefined],
    ["Via", undefined],
    ["X-", undefined],
    ["X-a b", undefined],
    ["*", undefined],
    ["__proto__", undefined],
  ])("SIP-ID-10: %s may be named: %s", (text, expected) => {
    expect(readPassedHeader(text)).toBe(expected);
  });

  it("SIP-ID-10: values above 1024 characters in sum are cut", () => {
    const long: [string, string][] = [
      ["X-A", "a".repeat(1000)],
      ["X-B", "b".repeat(100)],
      ["X-C", "c"],
    ];
    expect(passedHeaders(long, ["x-*"], false).map(([name, value]) => [name, value.length])).toEqual([
      ["X-A", 1000],
      ["X-B", 24],
    ]);
  });

  it("SIP-AUTH-10: Identity is signed: it passes octet by octet or not at all, whatever else does", () => {
    const signed = `${"e".repeat(900)}.${"s".repeat(86)};info=<https://cert.example.org/x.pem>;alg=ES256;ppt=shaken`;
    const headers: [string, string][] = [
      ["X-A", "a".repeat(2000)],
      ["Identity", signed],
      ["Identity", "e".repeat(5000)],
    ];
    expect(passedHeaders(headers, ["identity", "x-a"], false)).toEqual([
      ["X-A", "a".repeat(1024)],
      ["Identity", signed],
    ]);
    expect(passedHeaders(headers, ["x-*"], false)).toHaveLength(1);
  });

  it("SIP-AUTH-7: credentials of one target never go to another", () => {
    const plan = {
      call: { dialled: "+15550300001", kind: "byoc", secure: false, diversionHost: null, diversions: [] },
      fromUser: "+15550100200",
      fromHost: "pstn.voice.test",
      hidden: false,
      maxForwards: 70,
      tlsVerify: true,
      edge: {} as AttemptPlan["edge"],
      credentials: { username: "trunk", password: "Secret-Password-1" },
      symmetricRtp: false,
      infoDigits: undefined,
      trusted: true,
      passed: [
        ["X-Tag", "1"],
        ["P-Charging-Vector", "icid-value=1"],
      ],
    } satisfies AttemptPlan;
    const stranger = planForStranger(plan);
    expect(stranger).toMatchObject({ trusted: false, passed: [["X-Tag", "1"]], fromUser: "+15550100200" });
    expect(JSON.stringify(stranger)).not.toContain("Secret");
  });
});
