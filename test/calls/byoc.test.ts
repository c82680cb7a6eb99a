/** BYOC trunks in calls: which web application is asked, what its verbs answer, and how calls leave (R-BYOC), on real sockets. */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { SystemClock } from "../../src/base/clock.ts";
import { Application, type ApplicationAnswer } from "../../src/simulator/application.ts";
import { Consumer } from "../../src/simulator/consumer.ts";
import { answerChallenge, parseChallenge } from "../../src/sip/digest.ts";
import type { SipMessage, SipRequest } from "../../src/sip/message.ts";
import { CALLER, CARRIER, type CallRig, GATEWAY, sdp, startCallRig } from "../support/call-rig.ts";
import { BASE, until } from "../support/gateway.ts";
import { lines, nameOf, ownAddress, StreamPeer, startStack, type TestStack } from "../support/sip-wire.ts";

const SECURE = ownAddress(3);
const NUMBER = "+15550200300";
const PASSWORD = "Phone-Password-1";
let rig: CallRig;
let application: Application;
let consumer: Consumer;
let secure: TestStack;
/** INVITEs that came over TLS. */
const overTls: SipRequest[] = [];
/** What the application answers. */
let voice: (path: string) => ApplicationAnswer | Promise<ApplicationAnswer>;

const sid = (name: string): string =>
  [...rig.gateway.gateway.store.list("byocTrunks")].find(({ friendlyName }) => friendlyName === name)!.sid;
const domain = (name: string): string => `${name}.sip.${BASE}`;
const body = (message: SipMessage): string => new TextDecoder().decode(message.body);

beforeAll(async () => {
  application = await Application.start(
    new Map(
      ["/trunk", "/domain", "/next", "/fallback"].map((path) => [
        path,
        ({ path: asked }: { path: string }) => voice(asked),
      ]),
    ),
  );
  consumer = await Consumer.start({ clock: new SystemClock(), mode: "ignore" });
  rig = await startCallRig({
    byoc: ", fromDomain: first",
    moreByoc: `
  - { name: app, voiceUrl: "${application.url}/trunk", voiceFallbackUrl: "${application.url}/fallback" }
  - { name: plain, connectionPolicy: carrier }
  - { name: tls, connectionPolicy: tls, tlsVerify: false }
  - { name: srtp, connectionPolicy: srtp, tlsVerify: false }`,
    domains: `
  - { name: first, domain: first, byocTrunk: app, ipAccessControlLists: [peers], voiceUrl: "${application.url}/domain" }
  - { name: second, domain: second, byocTrunk: app, ipAccessControlLists: [peers] }
  - { name: phones, domain: phones, byocTrunk: app, credentialLists: [phones] }
  - { name: strangers, domain: strangers, byocTrunk: app, ipAccessControlLists: [strangers] }
  - { name: secure, domain: secure, byocTrunk: app, secure: true, ipAccessControlLists: [peers] }`,
    trunk: "",
    targets: [
      `{ name: carrier, url: "sip:${CARRIER}:5060" }
  - name: tls
    targets: [{ name: tls, url: "sip:${SECURE};transport=tls" }]
  - name: srtp
    targets: [{ name: srtp, url: "sip:${SECURE};transport=tls;secure=true" }]`,
    ],
    objects: `
credentialLists: [{ name: phones, credentials: [{ username: phone, password: ${PASSWORD} }] }]`,
    lists: `  - { name: strangers, addresses: [192.0.2.1] }`,
  });
  const { certPem, keyPem } = rig.gateway.certificates;
  secure = await startStack({
    listen: [{ transport: "tls", address: SECURE, port: 5061 }],
    tls: { certPem, keyPem },
  });
  secure.stack.onInvite = (invite) => {
    overTls.push(invite.request);
    invite.reject(486);
  };
});
afterAll(async () => {
  await rig.stop();
  await Promise.all([application.stop(), consumer.stop(), secure.stop()]);
});

/** Paths that were asked for since the last time. */
let asked = 0;
function paths(): string[] {
  const fresh = application.requests.slice(asked).map(({ path }) => path);
  asked = application.requests.length;
  return fresh;
}

const document = (verbs: string): ApplicationAnswer => `<Response>${verbs}</Response>`;
const busy = () => document('<Reject reason="busy"/>');

describe("a call that comes in", () => {
  it("R-BYOC-2, R-BYOC-4: two domains feed one trunk, whose voice URL is asked and not the domain's own", async () => {
    voice = busy;
    for (const name of ["first", "second"]) {
      const call = await rig.caller.invite({ domain: domain(name) });
      expect((await call.final()).status).toBe(486);
      expect(paths()).toEqual(["/trunk"]);
      const { parameters } = application.requests.at(-1)!;
      expect([parameters.get("SipDomain"), parameters.get("ByocTrunkSid")]).toEqual([domain(name), sid("app")]);
    }
  });

  it("R-BYOC-4: the domain's lists decide first, and nobody is asked when they refuse", async () => {
    const call = await rig.caller.invite({ domain: domain("strangers") });
    expect((await call.final()).status).toBe(403);
    expect(paths()).toEqual([]);
  });

  it.each(["us1", "us2", "ie1", "de1", "sg1", "jp1", "br1", "au1"])(
    "R-BYOC-3: first.sip.%s is first.sip",
    async (at) => {
      voice = busy;
      const call = await rig.caller.invite({ domain: `first.sip.${at}.${BASE}` });
      expect((await call.final()).status).toBe(486);
      expect(paths()).toEqual(["/trunk"]);
    },
  );

  it("R-BYOC-9: any user will do, and is told as it was called", async () => {
    voice = busy;
    const call = await rig.caller.invite({ domain: domain("first"), to: "alice" });
    expect((await call.final()).status).toBe(486);
    expect(application.requests.at(-1)!.parameters.get("To")).toBe(`sip:alice@${domain("first")}`);
    paths();
  });

  it("R-AUTH-9, R-BYOC-6: SipUsername is the digest user, whatever From says, beside address, Call-ID and X- headers", async () => {
    voice = busy;
    const from = "<sip:somebody-else@pbx.test>";
    const challenged = await (await rig.caller.invite({ domain: domain("phones"), from })).final();
    expect(challenged.status).toBe(407);
    const challenge = parseChallenge(challenged.headers.get("Proxy-Authenticate")!)!;
    const answer = answerChallenge(
      challenge,
      { method: "INVITE", uri: `sip:${NUMBER}@${domain("phones")}` },
      { username: "phone", password: PASSWORD },
      "c0ffee",
    );
    const headers = [`Proxy-Authorization: ${answer}`, "X-Colour: red"];
    const call = await rig.caller.invite({ domain: domain("phones"), from, headers });
    expect((await call.final()).status).toBe(486);
    expect(Object.fromEntries(application.requests.at(-1)!.parameters)).toMatchObject({
      SipUsername: "phone",
      SipSourceIp: CALLER,
      SipCallId: call.callId,
      "SipHeader_X-Colour": "red",
      CallStatus: "ringing",
      Direction: "inbound",
    });
    paths();
  });

  it("R-BYOC-5: it rings while the application is still asked", async () => {
    const { promise, resolve } = Promise.withResolvers<ApplicationAnswer>();
    voice = () => promise;
    const call = await rig.caller.invite({ domain: domain("first") });
    await until(() => application.requests.length > asked, "the request");
    await rig.caller.response(180);
    const seen = rig.caller.received.filter(({ callId }) => callId === call.callId).map(nameOf);
    // 100 is left out where 180 is there within 200 ms (RFC 3261 17.2.1).
    expect(seen.filter((name) => name !== "100 INVITE")).toEqual(["180 INVITE"]);
    resolve(document('<Reject reason="busy"/>'));
    expect((await call.final()).status).toBe(486);
    paths();
  });

  it.each([
    ["<Reject/>", 404],
    ['<Reject reason="rejected"/>', 404],
    ['<Reject reason="busy"/>', 486],
    ['<Play loop="0">/none.wav</Play>', 200],
    ["<Pause/>", 200],
    ["<Connect><Stream url='CONSUMER'/></Connect>", 200],
    ["<Start><Stream url='CONSUMER'/></Start><Pause/>", 200],
    ["<Hangup/>", 200],
    ["", 200],
    ["<Redirect>/next</Redirect>", 486],
  ])("R-BYOC-5: %s answers %i", async (verbs, status) => {
    voice = (path) => (path === "/next" ? busy() : document(verbs.replace("CONSUMER", consumer.url)));
    const call = await rig.caller.invite({ domain: domain("first") });
    expect((await call.final()).status).toBe(status);
    expect(rig.caller.received.filter(({ callId }) => callId === call.callId).map(nameOf)).toContain("180 INVITE");
    if (status === 200) await call.request("BYE");
    await until(() => rig.gateway.gateway.calls.liveCount === 0, "the end of the call");
    // The far side may have hung up first.
    while (rig.caller.hasRequest("BYE")) await rig.caller.answer(await rig.caller.request("BYE"), 200);
    paths();
  });

  it("R-BYOC-7: a voice URL that fails is told to the fallback; when that fails too the call is 500", async () => {
    voice = (path) => (path === "/fallback" ? busy() : { status: 500, body: "" });
    expect((await (await rig.caller.invite({ domain: domain("first") })).final()).status).toBe(486);
    expect(paths()).toEqual(["/trunk", "/fallback"]);
    expect(Object.fromEntries(application.requests.at(-1)!.parameters)).toMatchObject({
      ErrorUrl: `${application.url}/trunk`,
      ErrorCode: "11200",
    });
    voice = () => ({ status: 500, body: "" });
    expect((await (await rig.caller.invite({ domain: domain("first") })).final()).status).toBe(500);
    paths();
  });
});

describe("a call that leaves by a trunk", () => {
  const dial = (trunk: string): string =>
    `<Dial><Number byoc="${sid(trunk)}">${NUMBER}</Number></Dial><Reject reason="busy"/>`;

  /** Dials through a trunk to the carrier, and returns the INVITE that it gets. */
  async function dialled(trunk: string): Promise<SipRequest> {
    voice = () => document(dial(trunk));
    const call = await rig.caller.invite({ domain: domain("first") });
    const invite = await rig.carrier.request("INVITE");
    await rig.carrier.answer(invite, 486);
    await call.final();
    await call.request("BYE");
    await until(() => rig.gateway.gateway.calls.liveCount === 0, "the end of the call");
    paths();
    return invite;
  }

  it("R-BYOC-12, R-BYOC-15: the number is called at the target; From is of the SIP domain that is named, else of sip.BASE", async () => {
    const named = await dialled("carrier");
    expect(named.uri).toMatchObject({ user: NUMBER, host: CARRIER });
    expect(named.from.uri).toMatchObject({ user: "+15550100200", host: domain("first") });
    expect((await dialled("plain")).from.uri.host).toBe(`sip.${BASE}`);
  });

  it.each([
    ["tls", "RTP/AVP"],
    ["srtp", "RTP/SAVP"],
  ])("R-BYOC-17: transport=tls gives TLS, secure=true SRTP besides: %s is %s", async (trunk, profile) => {
    voice = () => document(dial(trunk));
    const before = overTls.length;
    const call = await rig.caller.invite({ domain: domain("first") });
    await until(() => overTls.length > before, "the INVITE over TLS");
    const invite = overTls.at(-1)!;
    expect(invite.vias[0]!.transport.toLowerCase()).toBe("tls");
    expect(body(invite)).toMatch(new RegExp(`\r\nm=audio \\d+ ${profile} `));
    expect(body(invite).includes("a=crypto:")).toBe(profile === "RTP/SAVP");
    await call.final();
    await call.request("BYE");
    await until(() => rig.gateway.gateway.calls.liveCount === 0, "the end of the call");
    paths();
  });

  it("R-BYOC-16: what a secure domain lets in leaves by UDP and plain RTP, where the target says nothing else", async () => {
    voice = () => document(dial("plain"));
    const { gateway, certificates } = rig.gateway;
    const tls = gateway.listening.find(({ transport }) => transport === "tls")!.port;
    const peer = await StreamPeer.openTls(tls, certificates.caPem, {
      host: GATEWAY,
      localAddress: CALLER,
      servername: domain("secure"),
    });
    const crypto = "a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:WVNfX19zZW1jdGwgKCkgewkyMjA7fQp9CnVubGVz";
    const head = [
      `INVITE sip:${NUMBER}@${domain("secure")} SIP/2.0`,
      `Via: SIP/2.0/TLS ${CALLER}:5061;branch=z9hG4bKsecure${process.pid};rport`,
      "Max-Forwards: 70",
      "From: <sip:+15550100200@caller.test>;tag=secure",
      `To: <sip:${NUMBER}@${domain("secure")}>`,
      `Call-ID: secure-${process.pid}`,
      "CSeq: 1 INVITE",
      `Contact: <sip:${CALLER}:5061;transport=tls>`,
      "Content-Type: application/sdp",
    ];
    await peer.send(lines(head, sdp(CALLER, { profile: "RTP/SAVP", lines: [crypto] })));
    const invite = await rig.carrier.request("INVITE");
    expect(invite.vias[0]!.transport.toLowerCase()).toBe("udp");
    expect(body(invite)).toMatch(/\r\nm=audio \d+ RTP\/AVP /);
    await rig.carrier.answer(invite, 486);
    await until(() => peer.received.some((one) => one.kind === "response" && one.status >= 200), "the answer");
    await peer.close();
    for (const call of rig.gateway.gateway.calls.live()) expect(call.details.to).toContain("secure");
    paths();
  });

  it("R-GEN-7: one Call SID a leg, the parent named: the same in webhook, stream, log and REST", async () => {
    voice = () => document(`<Start><Stream url="${consumer.url}"/></Start>${dial("plain")}`);
    const call = await rig.caller.invite({ domain: domain("first") });
    const invite = await rig.carrier.request("INVITE");
    await rig.carrier.answer(invite, 200, { sdp: sdp(CARRIER) });
    expect((await call.final()).status).toBe(200);
    await rig.carrier.request("ACK");
    const callSid = application.requests.at(-1)!.parameters.get("CallSid")!;
    await until(() => consumer.streams.some((stream) => stream.callSid === callSid), "its stream");
    const { httpUrl, store } = rig.gateway.gateway;
    const [account] = store.list("accounts");
    const headers = {
      Authorization: `Basic ${Buffer.from(`${account!.sid}:${account!.authToken}`).toString("base64")}`,
    };
    const calls = `${httpUrl}/2010-04-01/Accounts/${account!.sid}/Calls`;
    expect(await (await fetch(`${calls}/${callSid}.json`, { headers })).json()).toMatchObject({
      sid: callSid,
      parent_call_sid: null,
      status: "in-progress",
    });
    const children = (await (await fetch(`${calls}.json?ParentCallSid=${callSid}`, { headers })).json()) as {
      calls: { sid: string; parent_call_sid: string; to: string }[];
    };
    expect(children.calls).toMatchObject([{ parent_call_sid: callSid, to: NUMBER }]);
    expect(children.calls[0]!.sid).toMatch(/^CA[0-9a-f]{32}$/);
    await call.request("BYE");
    await rig.carrier.answer(await rig.carrier.request("BYE"), 200);
    await until(() => rig.gateway.gateway.calls.liveCount === 0, "the end of the call");
    const ended = rig.gateway.log.lines.filter((line) => line.startsWith("info call ended"));
    expect(ended.some((line) => line.includes(`"callSid":"${callSid}"`))).toBe(true);
    const child = ended.find((line) => line.includes(`"callSid":"${children.calls[0]!.sid}"`));
    expect(child).toContain(`"parentCallSid":"${callSid}"`);
  });
});
