/** The secure switch of a trunk in both directions (R-SEC-1 to R-SEC-6, R-SEC-12, R-SEC-19), with TLS on real sockets. */
import twilio from "twilio";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { SipRequest } from "../../src/sip/message.ts";
import { CALLER, CARRIER, type CallRig, GATEWAY, sdp, startCallRig } from "../support/call-rig.ts";
import { AUTH_TOKEN, BASE, until } from "../support/gateway.ts";
import { lines, nameOf, ownAddress, StreamPeer, startStack, type TestStack } from "../support/sip-wire.ts";

const PBX = ownAddress(3);
const NUMBER = "+15550300001";
const CRYPTO = "a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:WVNfX19zZW1jdGwgKCkgewkyMjA7fQp9CnVubGVz";
let rig: CallRig;
let pbx: TestStack;
/** INVITEs that the PBX got, with where they came in. */
const invites: { readonly request: SipRequest; readonly where: string }[] = [];

beforeAll(async () => {
  rig = await startCallRig({
    objects: `
  - name: switched
    domain: switched
    tlsVerify: false
    ipAccessControlLists: [peers]
    originationUrls: [{ name: pbx, url: "sip:${PBX};transport=udp" }]
  - name: ported
    domain: ported
    tlsVerify: false
    secure: true
    ipAccessControlLists: [peers]
    originationUrls: [{ name: pbx, url: "sip:${PBX}:5099" }]
  - name: half
    domain: half
    tlsVerify: false
    ipAccessControlLists: [peers]
    originationUrls: [{ name: pbx, url: "sip:${PBX};transport=tls" }]
  - { name: safe, domain: safe, secure: true, ipAccessControlLists: [peers], callerIdPolicy: any }
phoneNumbers:
  - { number: "${NUMBER}", trunk: switched }
  - { number: "+15550300002", trunk: ported }
  - { number: "+15550300003", trunk: half }`,
  });
  const { certPem, keyPem } = rig.gateway.certificates;
  pbx = await startStack({
    listen: [
      { transport: "udp", address: PBX, port: 5060 },
      { transport: "tls", address: PBX, port: 5061 },
      { transport: "tls", address: PBX, port: 5099 },
    ],
    tls: { certPem, keyPem },
  });
  pbx.stack.onInvite = (invite) => {
    invites.push({ request: invite.request, where: `${invite.flow.transport} ${invite.flow.localPort}` });
    invite.reject(486);
  };
});
afterAll(async () => {
  await rig.stop();
  await pbx.stop();
});

const body = (request: SipRequest): string => new TextDecoder().decode(request.body);

/** What the PBX gets for a call to a number: transport and port, profile, and its lines of keys. */
async function delivered(to: string) {
  const before = invites.length;
  const call = await rig.carrier.invite({ to, domain: `carrier.sip.${BASE}` });
  expect((await call.final()).status).toBe(486);
  expect(invites.length).toBe(before + 1);
  const { request, where } = invites.at(-1)!;
  const text = body(request);
  return {
    where,
    profile: /\r\nm=audio \d+ (\S+) /.exec(text)![1],
    suites: [...text.matchAll(/\r\na=crypto:\S+ (\S+) /g)].map((match) => match[1]),
    line: `${request.uri.scheme}:${request.uri.user}@${request.uri.host}`,
  };
}

describe("origination", () => {
  it("R-SEC-1, R-SEC-5, R-SEC-6, R-SEC-7: Secure=true makes TLS to 5061 and SRTP with one suite of a URI that says UDP", async () => {
    const before = await delivered(NUMBER);
    expect(before).toMatchObject({ where: "udp 5060", profile: "RTP/AVP", suites: [] });
    const { gateway } = rig.gateway;
    const [account] = gateway.store.list("accounts");
    const client = twilio(account!.sid, AUTH_TOKEN);
    client.trunking.baseUrl = gateway.httpUrl!;
    const trunk = [...gateway.store.list("trunks")].find(({ friendlyName }) => friendlyName === "switched")!;
    await client.trunking.v1.trunks(trunk.sid).update({ secure: true });
    expect(await delivered(NUMBER)).toEqual({
      where: "tls 5061",
      profile: "RTP/SAVP",
      suites: ["AES_CM_128_HMAC_SHA1_80"],
      line: before.line,
    });
  });

  it("R-SEC-6: a port in the URI wins", async () => {
    expect((await delivered("+15550300002")).where).toBe("tls 5099");
  });

  it("R-SEC-19: transport=tls on a trunk that is not secure is TLS with plain RTP", async () => {
    expect(await delivered("+15550300003")).toMatchObject({ where: "tls 5061", profile: "RTP/AVP", suites: [] });
  });
});

describe("termination", () => {
  let sent = 0;

  /** Final answer to an INVITE over TLS; a call that gets to the carrier is busy there. */
  async function overTls(domain: string, offer: string): Promise<string> {
    const { gateway, certificates } = rig.gateway;
    const peer = await StreamPeer.openTls(
      gateway.listening.find(({ transport }) => transport === "tls")!.port,
      certificates.caPem,
      { host: GATEWAY, localAddress: CALLER, servername: domain },
    );
    const uri = `sip:+15550200300@${domain}`;
    const head = [
      `INVITE ${uri} SIP/2.0`,
      `Via: SIP/2.0/TLS ${CALLER}:5061;branch=z9hG4bKtls${++sent}p${process.pid};rport`,
      "Max-Forwards: 70",
      "From: <sip:+15550100200@caller.test>;tag=tls",
      `To: <${uri}>`,
      `Call-ID: tls-${sent}-${process.pid}`,
      "CSeq: 1 INVITE",
      `Contact: <sip:${CALLER}:5061;transport=tls>`,
      "Content-Type: application/sdp",
    ];
    await peer.send(lines(head, offer));
    const final = () => peer.received.find((one) => one.kind === "response" && one.status >= 200);
    await until(() => final() !== undefined || rig.carrier.hasRequest("INVITE"), "an answer");
    if (final() === undefined) await rig.carrier.answer(await rig.carrier.request("INVITE"), 486);
    await until(() => final() !== undefined, "the final answer");
    await peer.close();
    return nameOf(final()!);
  }
  const plain = sdp(CALLER);
  const secured = sdp(CALLER, { profile: "RTP/SAVP", lines: [CRYPTO] });
  const host = (name: string) => `${name}.pstn.${BASE}`;

  it("R-SEC-3, R-SEC-12: a secure trunk takes neither UDP, with keys or without, nor RTP without keys", async () => {
    for (const offer of [plain, secured]) {
      const call = await rig.caller.invite({ domain: host("safe"), sdp: offer });
      expect((await call.final()).status).toBe(403);
    }
    expect(await overTls(host("safe"), plain)).toBe("488 INVITE");
    expect(await overTls(host("safe"), secured)).toBe("486 INVITE");
    expect(rig.carrier.received.filter((one) => nameOf(one) === "INVITE")).toHaveLength(1);
    const codes = rig.gateway.gateway.alerts.all().map(({ code }) => code);
    for (const code of [32209, 32208]) expect(codes).toContain(code);
  });

  it("R-SEC-4: a trunk that is not secure takes TLS with plain RTP, and refuses an offer of nothing but SRTP", async () => {
    expect(await overTls(host("office"), plain)).toBe("486 INVITE");
    expect(await overTls(host("office"), secured)).toBe("488 INVITE");
    expect((await (await rig.caller.invite({ sdp: secured })).final()).status).toBe(488);
    expect(rig.gateway.gateway.alerts.all().map(({ code }) => code)).toContain(32207);
    expect(rig.carrier.address).toBe(CARRIER);
  });
});
