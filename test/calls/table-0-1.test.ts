/**
 * Table 0.1 of the requirements, row by row: each is made to happen on the wire, and its status, its text and its alert are
 * looked at, the alert as the `twilio` client reads it (R-GEN-8).
 */
import { createHash } from "node:crypto";
import { connect } from "node:tls";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { SipResponse } from "../../src/sip/message.ts";
import { CALLER, CARRIER, type CallRig, GATEWAY, type InviteFields, sdp, startCallRig } from "../support/call-rig.ts";
import { BASE, until } from "../support/gateway.ts";
import { gatewayClient } from "../support/gateway-client.ts";
import { lines, nameOf, ownAddress, StreamPeer } from "../support/sip-wire.ts";

const UNLISTED = ownAddress(4);
const NUMBER = "+15550600001";
const CRYPTO = ["a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:WVNfX19zZW1jdGwgKCkgewkyMjA7fQp9CnVubGVz"];
const PASSWORD = "a Secret of 12";
let rig: CallRig;
let client: ReturnType<typeof gatewayClient>;

beforeAll(async () => {
  rig = await startCallRig({
    sip: "  callsPerSecondMax: 1000",
    objects: `
  - { name: elsewhere, domain: elsewhere, ipAccessControlLists: [nobody], callerIdPolicy: any }
  - { name: digest, domain: digest, credentialLists: [users], callerIdPolicy: any }
  - { name: owned, domain: owned, ipAccessControlLists: [peers] }
  - { name: secure, domain: secure, secure: true, ipAccessControlLists: [peers], callerIdPolicy: any }
  - { name: slow, domain: slow, ipAccessControlLists: [peers], callerIdPolicy: any, callsPerSecondMax: 1 }
  - { name: near, domain: near, ipAccessControlLists: [peers], callerIdPolicy: any, destinationAllowList: ["+49"] }
  - { name: empty, domain: empty, ipAccessControlLists: [peers] }
  - name: failing
    domain: failing
    ipAccessControlLists: [peers]
    originationUrls: [{ name: pbx, url: "sip:${CALLER}:5060" }]
  - name: still
    domain: still
    ipAccessControlLists: [peers]
    callerIdPolicy: any
    transferMode: disable-all
phoneNumbers:
  - { number: "${NUMBER}", trunk: empty }
  - { number: "+15550600002", trunk: failing }
credentialLists:
  - { name: users, credentials: [{ username: alice, password: "${PASSWORD}" }] }
`,
    lists: `  - { name: nobody, addresses: [${UNLISTED}] }`,
  });
  client = gatewayClient(rig.gateway);
  // A declared trunk must have a list.
  await client.trunking.v1.trunks.create({ domainName: domain("open") });
});
afterAll(() => rig.stop());

const domain = (name: string): string => `${name}.pstn.${BASE}`;

/** What was answered, and the alert of the call as REST shows it: none, or exactly one. */
async function refused(fields: InviteFields): Promise<{ answer: SipResponse; alert: AlertSeen | undefined }> {
  const call = await rig.caller.invite(fields);
  const answer = await call.final();
  return { answer, alert: await alertOf(call.callId) };
}

type AlertSeen = Awaited<ReturnType<ReturnType<typeof gatewayClient>["monitor"]["v1"]["alerts"]["list"]>>[number];

async function alertOf(sipCallId: string): Promise<AlertSeen | undefined> {
  const { calls } = rig.gateway.gateway;
  const call = [...calls.ended(), ...calls.live()].find((one) => one.sipCallId === sipCallId);
  if (call === undefined) return undefined;
  const found = (await client.monitor.v1.alerts.list()).filter(({ resourceSid }) => resourceSid === call.sid);
  expect(found.length, `alerts of ${sipCallId}`).toBeLessThanOrEqual(1);
  const notifications = await (
    await fetch(
      `${rig.gateway.gateway.httpUrl}/2010-04-01/Accounts/${client.accountSid}/Calls/${call.sid}/Notifications.json`,
      {
        headers: { authorization: `Basic ${Buffer.from(`${client.username}:${client.password}`).toString("base64")}` },
      },
    )
  ).json();
  expect(
    (notifications as { notifications: { error_code: string }[] }).notifications.map((one) => one.error_code),
  ).toEqual(found.map(({ errorCode }) => errorCode));
  return found[0];
}

/** A row whose INVITE comes over UDP from the caller. */
async function row(fields: InviteFields, status: number, code: number | undefined, text: RegExp): Promise<void> {
  const { answer, alert } = await refused(fields);
  expect(answer.status).toBe(status);
  if (code === undefined) expect(alert).toBeUndefined();
  else {
    expect(alert).toMatchObject({ errorCode: String(code), logLevel: "error" });
    expect(alert!.alertText).toMatch(text);
    // Cause without a packet trace: status and address are told as well.
    expect(alert!.alertText).toContain(`SIP ${status}`);
    expect(alert!.alertText).toContain(CALLER);
    const fetched = await client.monitor.v1.alerts(alert!.sid).fetch();
    expect(fetched).toMatchObject({ sid: alert!.sid, errorCode: String(code), accountSid: client.accountSid });
  }
}

const authorization = (answer: SipResponse, password: string, uri: string): string => {
  const challenge = answer.headers.get("Proxy-Authenticate")!;
  const field = (name: string): string => new RegExp(`${name}="?([^",]+)`).exec(challenge)![1]!;
  const md5 = (text: string): string => createHash("md5").update(text).digest("hex");
  const [realm, nonce] = [field("realm"), field("nonce")];
  const ha1 = md5(`alice:${realm}:${password}`);
  const response = md5(`${ha1}:${nonce}:00000001:abcd:auth:${md5(`INVITE:${uri}`)}`);
  return `Proxy-Authorization: Digest username="alice", realm="${realm}", nonce="${nonce}", uri="${uri}", qop=auth, nc=00000001, cnonce="abcd", response="${response}", algorithm=MD5`;
};

describe("R-GEN-8: table 0.1, calls to a trunk", () => {
  it("host that is no configured domain: no answer, no alert", async () => {
    const before = rig.gateway.gateway.alerts.all().length;
    const unknown = await rig.caller.invite({ domain: domain("nobody") });
    // What comes behind it has its answer; the other one never gets one.
    await row({ domain: domain("open") }, 403, 32200, /no authentication/);
    expect(rig.caller.received.filter(({ callId }) => callId === unknown.callId)).toEqual([]);
    expect(rig.gateway.gateway.alerts.all().length).toBe(before + 1);
  });

  it("R-AUTH-1, domain without any list: 403, 32200", () =>
    row({ domain: domain("open") }, 403, 32200, /no authentication/));

  it("R-AUTH-2, source in no list: 403 without a challenge, 32201", async () => {
    const { answer, alert } = await refused({ domain: domain("elsewhere") });
    expect(answer.status).toBe(403);
    expect(answer.headers.has("Proxy-Authenticate")).toBe(false);
    expect(alert).toMatchObject({ errorCode: "32201" });
    expect(alert!.alertText).toContain(CALLER);
  });

  it("R-AUTH-3, no credentials: 407 and no alert; wrong ones: 403, 32202", async () => {
    const { answer, alert } = await refused({ domain: domain("digest") });
    expect(answer.status).toBe(407);
    expect(alert).toBeUndefined();
    const uri = `sip:+15550200300@${domain("digest")}`;
    const headers = [authorization(answer, "another Secret 1", uri)];
    await row({ domain: domain("digest"), headers }, 403, 32202, /wrong credentials/);
  });

  it("R-TERM-6, called number without plus: 400, 32101", () => row({ to: "15550200300" }, 400, 32101, /E\.164/));

  it("table 0.1, caller id that is no number: 400, 32206", () =>
    row({ from: "<sip:15550100200@caller.test>", domain: domain("owned") }, 400, 32206, /caller id .*E\.164/));

  it("R-CID-3, caller id of somebody else: 403, 32204", () =>
    row({ domain: domain("owned") }, 403, 32204, /neither a number of the account nor verified/));

  it("R-SEC-3, secure trunk over UDP: 403, 32209", () => row({ domain: domain("secure") }, 403, 32209, /needs TLS/));

  it("R-SEC-4, SAVP only on a trunk that is not secure: 488, 32207", () =>
    row({ sdp: sdp(CALLER, { profile: "RTP/SAVP", lines: CRYPTO }) }, 488, 32207, /SRTP|SAVP/));

  it("SDP that cannot be read: 400, no usable codec: 488, both 32102", async () => {
    await row({ sdp: "v=0\r\nthis is none\r\n" }, 400, 32102, /./);
    await row({ sdp: sdp(CALLER, { formats: "18", lines: ["a=rtpmap:18 G729/8000"] }) }, 488, 32102, /./);
  });

  it("R-TERM-14, Max-Forwards 0: 483, 32006", () => row({ maxForwards: 0 }, 483, 32006, /Max-Forwards/));

  it("R-TERM-15, above the trunk's calls per second: 503 that names the limit, 32001", async () => {
    const fields = { domain: domain("slow") };
    let limited: SipResponse | undefined;
    // Two at once, again where the machine took a second between them.
    for (let round = 0; limited === undefined && round < 50; round++) {
      const calls = await Promise.all([rig.caller.invite(fields), rig.caller.invite(fields)]);
      const answers = Promise.all(calls.map((call) => call.final()));
      let isOver = false;
      void answers.then(() => {
        isOver = true;
      });
      await until(() => {
        if (rig.carrier.hasRequest("INVITE"))
          void rig.carrier.request("INVITE").then((carried) => rig.carrier.answer(carried, 486));
        return isOver;
      }, "both answers");
      limited = (await answers).find(({ status }) => status === 503);
    }
    expect(limited!.reason).toBe("Trunk CPS limit exceeded");
    expect(await alertOf(limited!.callId)).toMatchObject({ errorCode: "32001" });
  });

  it("R-CID-6, destination that is not permitted: 403, 32205", () =>
    row({ domain: domain("near") }, 403, 32205, /allow list/));
});

describe("R-GEN-8: table 0.1, TLS", () => {
  it("R-SEC-3, secure trunk over TLS with plain RTP: 488, 32208", async () => {
    const { gateway, certificates } = rig.gateway;
    const port = gateway.listening.find(({ transport }) => transport === "tls")!.port;
    const servername = domain("secure");
    const peer = await StreamPeer.openTls(port, certificates.caPem, {
      host: GATEWAY,
      localAddress: CALLER,
      servername,
    });
    const uri = `sip:+15550200300@${servername}`;
    const head = [
      `INVITE ${uri} SIP/2.0`,
      `Via: SIP/2.0/TLS ${CALLER}:5061;branch=z9hG4bKtable${process.pid};rport`,
      "Max-Forwards: 70",
      "From: <sip:+15550100200@caller.test>;tag=tls",
      `To: <${uri}>`,
      `Call-ID: table-tls-${process.pid}`,
      "CSeq: 1 INVITE",
      `Contact: <sip:${CALLER}:5061;transport=tls>`,
      "Content-Type: application/sdp",
    ];
    await peer.send(lines(head, sdp(CALLER)));
    const final = () => peer.received.find((one) => one.kind === "response" && one.status >= 200);
    await until(() => final() !== undefined, "the final answer");
    expect(nameOf(final()!)).toBe("488 INVITE");
    expect(await alertOf(`table-tls-${process.pid}`)).toMatchObject({ errorCode: "32208" });
    await peer.close();
  });

  it("R-SEC-2, TLS 1.1: the handshake is refused, 32222 once a minute", async () => {
    const { gateway } = rig.gateway;
    const port = gateway.listening.find(({ transport }) => transport === "tls")!.port;
    const alerts = () => gateway.alerts.all().filter(({ code }) => code === 32222);
    for (let attempt = 0; attempt < 3; attempt++) {
      const error = await new Promise<NodeJS.ErrnoException>((done) => {
        const options = { host: GATEWAY, port, localAddress: CALLER, rejectUnauthorized: false } as const;
        connect({ ...options, minVersion: "TLSv1.1", maxVersion: "TLSv1.1", ciphers: "DEFAULT@SECLEVEL=0" }).once(
          "error",
          done,
        );
      });
      expect(error.code).toMatch(/ERR_SSL|EPROTO|ECONNRESET/);
    }
    await until(() => alerts().length > 0, "the alert");
    expect(alerts()).toHaveLength(1);
    expect(alerts()[0]).toMatchObject({ level: "warning", remote: expect.stringContaining(CALLER) });
    expect(alerts()[0]!.text).toMatch(/TLS version/);
  });
});

describe("R-GEN-8: table 0.1, calls from a carrier, and requests that are no calls", () => {
  const fromCarrier = { domain: `carrier.sip.${BASE}` };

  it("R-DR-2, no enabled origination URI and no DR URL: 480, 32010", async () => {
    const call = await rig.carrier.invite({ ...fromCarrier, to: NUMBER });
    expect((await call.final()).status).toBe(480);
    expect(await alertOf(call.callId)).toMatchObject({ errorCode: "32010" });
  });

  it("R-ORIG-18, a target that fails: 32011 for the attempt, a warning", async () => {
    const call = await rig.carrier.invite({ ...fromCarrier, to: "+15550600002" });
    await rig.caller.answer(await rig.caller.request("INVITE"), 500);
    expect((await call.final()).status).toBe(500);
    const alert = await alertOf(call.callId);
    expect(alert).toMatchObject({ errorCode: "32011", logLevel: "warning" });
    expect(alert!.alertText).toContain("500");
  });

  it("R-REDIR-4, a redirect that is refused: 480, 32219", async () => {
    const call = await rig.carrier.invite({ ...fromCarrier, to: "+15550600002" });
    const headers = [`Contact: <sip:a@b.pstn.${BASE}>`];
    await rig.caller.answer(await rig.caller.request("INVITE"), 302, { headers });
    expect((await call.final()).status).toBe(480);
    expect(await alertOf(call.callId)).toMatchObject({ errorCode: "32219" });
  });

  it("R-XFER-11, REFER while transfers are off: 403 to the REFER, 32218, and the call goes on", async () => {
    const call = await rig.caller.invite({ domain: domain("still") });
    const carried = await rig.carrier.request("INVITE");
    await rig.carrier.answer(carried, 200, { sdp: sdp(CARRIER) });
    await rig.carrier.request("ACK");
    expect((await call.final()).status).toBe(200);
    await call.request("REFER", ["Refer-To: <sip:+15550200999@carrier.test>"]);
    expect((await rig.caller.final("REFER")).status).toBe(403);
    expect(await alertOf(call.callId)).toMatchObject({ errorCode: "32218" });
    await call.bye();
    await rig.carrier.answer(await rig.carrier.request("BYE"), 200);
  });

  it("R-TERM-13, REGISTER to a trunk: 405 with Allow, 32210", async () => {
    const uri = `sip:${domain("office")}`;
    await rig.caller.send(
      lines([
        `REGISTER ${uri} SIP/2.0`,
        `Via: SIP/2.0/UDP ${CALLER}:5060;branch=z9hG4bKregister${process.pid};rport`,
        "Max-Forwards: 70",
        `From: <${uri}>;tag=register`,
        `To: <${uri}>`,
        `Call-ID: register-${process.pid}`,
        "CSeq: 1 REGISTER",
        `Contact: <sip:${CALLER}:5060>`,
      ]),
    );
    const answer = await rig.caller.response(405, "REGISTER");
    expect(answer.headers.get("Allow")).toContain("INVITE");
    const [alert] = (await client.monitor.v1.alerts.list({ logLevel: "warning" })).filter(
      ({ errorCode }) => errorCode === "32210",
    );
    expect(alert!.alertText).toContain("SIP 405");
  });
});

describe("alerts by REST", () => {
  it("R-GEN-8: newest first, by level, by time, in pages; others' and unknown ones do not exist", async () => {
    const all = await client.monitor.v1.alerts.list();
    expect(all.length).toBeGreaterThan(15);
    expect(all.map(({ dateGenerated }) => dateGenerated.getTime())).toEqual(
      all.map(({ dateGenerated }) => dateGenerated.getTime()).toSorted((a, b) => b - a),
    );
    expect((await client.monitor.v1.alerts.list({ pageSize: 4 })).map(({ sid }) => sid)).toEqual(
      all.map(({ sid }) => sid),
    );
    const warnings = await client.monitor.v1.alerts.list({ logLevel: "warning" });
    expect(warnings.length).toBeGreaterThan(0);
    expect(warnings.every(({ logLevel }) => logLevel === "warning")).toBe(true);
    const { dateGenerated } = all.at(-1)!;
    expect(await client.monitor.v1.alerts.list({ endDate: new Date(dateGenerated.getTime() - 1000) })).toEqual([]);
    expect(await client.monitor.v1.alerts.list({ startDate: dateGenerated })).toHaveLength(all.length);
    await expect(client.monitor.v1.alerts(`NO${"0".repeat(32)}`).fetch()).rejects.toMatchObject({ status: 404 });
    await expect(client.monitor.v1.alerts.list({ logLevel: "loud" })).rejects.toMatchObject({ status: 400 });
  });
});
