/**
 * Calls made, changed and ended by the unmodified `twilio` client, with telephones of bare sockets at the far ends and an application
 * that is asked over HTTP (voice-rest.md 2, R-BYOC-13, R-BYOC-15, R-GEN-7).
 */
import twilio from "twilio";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { SipRequest } from "../../src/sip/message.ts";
import { CARRIER, type CallRig, sdp, startCallRig, WireParty } from "../support/call-rig.ts";
import { AUTH_TOKEN, BASE, until } from "../support/gateway.ts";
import { accountOf, formOf, gatewayClient } from "../support/gateway-client.ts";
import { HttpPeer } from "../support/http-peer.ts";
import { ownAddress } from "../support/sip-wire.ts";

const SECOND = ownAddress(3);
const OWNED = "+15550400001";
const TO = "+15550400002";
let rig: CallRig;
let second: WireParty;
let application: HttpPeer;
let client: ReturnType<typeof gatewayClient>;
const twiml = new Map<string, string>();

beforeAll(async () => {
  application = await HttpPeer.start(({ url }, response) => {
    const document = twiml.get(url.split("?")[0]!);
    response.setHeader("Content-Type", "text/xml");
    response.statusCode = document === undefined ? 404 : 200;
    response.end(document ?? "");
  });
  rig = await startCallRig({
    // A machine that stands still for a while is no silent target.
    sip: "  noAnswerMs: 30000",
    moreByoc: "  - { name: other, connectionPolicy: other, fromDomain: carrier }",
    targets: [
      `{ name: carrier, url: "sip:${CARRIER}:5060" }
  - name: other
    targets: [{ name: second, url: "sip:${SECOND}:5060" }]`,
    ],
    objects: `phoneNumbers: [{ number: "${OWNED}", voiceUrl: "${application.url("/in")}" }]`,
  });
  second = await WireParty.open(SECOND);
  client = gatewayClient(rig.gateway);
});
afterAll(async () => {
  await rig.stop();
  await second.close();
  await application.stop();
});

const PAUSE = "<Response><Pause length='60'/></Response>";
const url = (path: string, document: string): string => {
  twiml.set(path, document);
  return application.url(path);
};
const seen = (path: string) => application.seen.filter((one) => one.url.split("?")[0] === path);
const sidOf = (name: string) =>
  [...rig.gateway.gateway.store.list("byocTrunks")].find((one) => one.friendlyName === name)!.sid;

/** Rings, answers, and takes the ACK. */
async function answered(party: WireParty): Promise<SipRequest> {
  const invite = await party.request("INVITE");
  await party.answer(invite, 180);
  await party.answer(invite, 200, { sdp: sdp(party.address) });
  await party.request("ACK");
  return invite;
}

async function byeFor(party: WireParty): Promise<SipRequest> {
  const bye = await party.request("BYE");
  await party.answer(bye, 200);
  return bye;
}

describe("calls by REST", () => {
  it("R-BYOC-13: create with Url runs TwiML after the answer, tells four signed callbacks in order, and update to completed sends BYE", async () => {
    const call = await client.calls.create({
      to: TO,
      from: OWNED,
      url: url("/voice", PAUSE),
      statusCallback: application.url("/status"),
      statusCallbackEvent: ["initiated", "ringing", "answered", "completed"],
    });
    expect(call).toMatchObject({ status: "queued", direction: "outbound-api", to: TO, from: OWNED, duration: null });
    const invite = await answered(rig.carrier);
    expect(invite.uri).toMatchObject({ user: TO, host: CARRIER });
    expect(invite.from.uri).toMatchObject({ user: OWNED, host: `sip.${BASE}` });
    await until(() => seen("/voice").length === 1, "the voice URL");
    expect(formOf(seen("/voice")[0]!)).toMatchObject({
      CallSid: call.sid,
      AccountSid: accountOf(rig.gateway),
      CallStatus: "in-progress",
      Direction: "outbound-api",
      From: OWNED,
      To: TO,
    });
    expect((await client.calls(call.sid).fetch()).status).toBe("in-progress");
    const ended = await client.calls(call.sid).update({ status: "completed" });
    expect(ended).toMatchObject({ status: "completed", sid: call.sid });
    expect(ended.endTime).toBeInstanceOf(Date);
    await byeFor(rig.carrier);
    await until(() => seen("/status").length === 4, "four callbacks");
    const told = seen("/status");
    expect(told.map((one) => formOf(one)["CallStatus"])).toEqual(["initiated", "ringing", "in-progress", "completed"]);
    expect(told.map((one) => formOf(one)["SequenceNumber"])).toEqual(["0", "1", "2", "3"]);
    expect(formOf(told[3]!)).toMatchObject({ CallSid: call.sid, Direction: "outbound-api", SipResponseCode: "200" });
    for (const one of told)
      expect(
        twilio.validateRequest(
          AUTH_TOKEN,
          one.headers["x-twilio-signature"] as string,
          application.url("/status"),
          formOf(one),
        ),
      ).toBe(true);
    // On a finished call nothing changes, and nothing can be run (voice-rest.md 2.4).
    expect((await client.calls(call.sid).update({ status: "completed" })).status).toBe("completed");
    await expect(client.calls(call.sid).update({ twiml: PAUSE })).rejects.toMatchObject({ status: 400, code: 21220 });
    expect(await client.calls(call.sid).remove()).toBe(true);
    await expect(client.calls(call.sid).fetch()).rejects.toMatchObject({ status: 404, code: 20404 });
  });

  it("R-BYOC-13, R-BYOC-15: Byoc takes another trunk, whose From host is that of its domain; it means nothing with a SIP URI", async () => {
    const call = await client.calls.create({ to: TO, from: OWNED, twiml: "<Response/>", byoc: sidOf("other") });
    const invite = await answered(second);
    expect(invite.uri).toMatchObject({ user: TO, host: SECOND });
    expect(invite.from.uri).toMatchObject({ user: OWNED, host: `carrier.sip.${BASE}` });
    await byeFor(second);
    await until(() => rig.gateway.gateway.calls.bySid(call.sid)!.ended, "the end");
    await client.calls.create({
      to: `sip:bob@${CARRIER}:5060?X-Case=7`,
      from: "reception",
      twiml: "<Response/>",
      byoc: sidOf("other"),
    });
    const direct = await answered(rig.carrier);
    expect(direct.uri).toMatchObject({ user: "bob", host: CARRIER });
    expect(direct.from.uri.user).toBe("reception");
    expect(direct.headers.get("X-Case")).toBe("7");
    await byeFor(rig.carrier);
  });

  it("voice-rest.md 2.2: credentials answer the challenge of a SIP destination, CallerId is what it is shown", async () => {
    await client.calls.create({
      to: `sip:bob@${CARRIER}:5060`,
      from: OWNED,
      callerId: "+15550400009",
      twiml: "<Response/>",
      sipAuthUsername: "tandem",
      sipAuthPassword: "a secret of 1",
    });
    const invite = await rig.carrier.request("INVITE");
    await rig.carrier.answer(invite, 407, {
      headers: ['Proxy-Authenticate: Digest realm="carrier", nonce="abc", qop="auth", algorithm=MD5'],
    });
    await rig.carrier.request("ACK");
    const again = await answered(rig.carrier);
    expect(again.headers.get("Proxy-Authorization")).toMatch(/username="tandem".*realm="carrier"/);
    expect(again.from.uri.user).toBe("+15550400009");
    await byeFor(rig.carrier);
  });

  it("voice-rest.md 2.4: canceled cancels what rings, has no effect on what talks; completed cancels what rings too", async () => {
    for (const status of ["canceled", "completed"] as const) {
      const call = await client.calls.create({ to: TO, from: OWNED, twiml: PAUSE });
      const invite = await rig.carrier.request("INVITE");
      await rig.carrier.answer(invite, 180);
      await until(() => rig.gateway.gateway.calls.bySid(call.sid)!.status === "ringing", "ringing");
      await expect(client.calls(call.sid).update({ twiml: PAUSE })).rejects.toMatchObject({ status: 400, code: 21220 });
      expect((await client.calls(call.sid).update({ status })).status).toBe("canceled");
      await rig.carrier.answer(await rig.carrier.request("CANCEL"), 200);
      await rig.carrier.answer(invite, 487);
      await rig.carrier.request("ACK");
    }
    const call = await client.calls.create({ to: TO, from: OWNED, twiml: PAUSE });
    await answered(rig.carrier);
    await until(() => rig.gateway.gateway.calls.bySid(call.sid)!.status === "in-progress", "the answer");
    expect((await client.calls(call.sid).update({ status: "canceled" })).status).toBe("in-progress");
    await client.calls(call.sid).update({ status: "completed" });
    await byeFor(rig.carrier);
  });

  it("voice-rest.md 2.4: Url and Twiml take over from what runs", async () => {
    const call = await client.calls.create({ to: TO, from: OWNED, url: url("/first", PAUSE) });
    await answered(rig.carrier);
    await until(() => seen("/first").length === 1, "the first document");
    const moved = await client.calls(call.sid).update({ url: url("/moved", PAUSE), method: "GET" });
    expect(moved.status).toBe("in-progress");
    await until(() => seen("/moved").length === 1, "the next document");
    expect(seen("/moved")[0]!.url).toContain("CallStatus=in-progress");
    await client.calls(call.sid).update({ twiml: "<Response><Hangup/></Response>" });
    await byeFor(rig.carrier);
    await until(() => rig.gateway.gateway.calls.bySid(call.sid)!.status === "completed", "the end");
  });

  it("voice-rest.md 2.4: the parent of a Dial that is moved loses its child; a child that is moved goes on alone", async () => {
    const dial = `<Response><Dial action="${application.url("/after")}"><Sip>sip:child@${SECOND}:5060</Sip></Dial></Response>`;
    twiml.set("/after", PAUSE);
    const together = async () => {
      const parent = await client.calls.create({ to: TO, from: OWNED, twiml: dial });
      await answered(rig.carrier);
      await answered(second);
      await until(
        () =>
          [...rig.gateway.gateway.calls.live()].some(
            (one) => one.details.parentSid === parent.sid && one.status === "in-progress",
          ),
        "both legs",
      );
      const child = (await client.calls.list({ parentCallSid: parent.sid }))[0]!;
      return { parent, child };
    };
    const first = await together();
    expect(first.child).toMatchObject({
      direction: "outbound-dial",
      status: "in-progress",
      parentCallSid: first.parent.sid,
    });
    await client.calls(first.parent.sid).update({ twiml: PAUSE });
    await byeFor(second);
    expect((await client.calls(first.parent.sid).fetch()).status).toBe("in-progress");
    await client.calls(first.parent.sid).update({ status: "completed" });
    await byeFor(rig.carrier);

    const next = await together();
    await client.calls(next.child.sid).update({ url: url("/alone", PAUSE) });
    await until(() => seen("/alone").length === 1 && seen("/after").length >= 1, "both on their own");
    expect(formOf(seen("/alone")[0]!)).toMatchObject({ CallSid: next.child.sid, ParentCallSid: next.parent.sid });
    expect(formOf(seen("/after").at(-1)!)).toMatchObject({ DialCallStatus: "completed", DialCallSid: next.child.sid });
    await client.calls(next.parent.sid).update({ status: "completed" });
    await byeFor(rig.carrier);
    expect((await client.calls(next.child.sid).fetch()).status).toBe("in-progress");
    await client.calls(next.child.sid).update({ status: "completed" });
    await byeFor(second);
  });

  it("R-GEN-7: a call that came in is ended by its SID, ringing with 480 and talking with BYE", async () => {
    twiml.set("/in", "<Response><Pause length='60'/></Response>");
    const ringing = await rig.caller.invite({ to: OWNED, domain: `carrier.sip.${BASE}` });
    await until(() => [...rig.gateway.gateway.calls.live()].length === 1, "the call");
    const [call] = [...rig.gateway.gateway.calls.live()];
    await until(() => seen("/in").length === 1 && formOf(seen("/in")[0]!)["CallSid"] === call!.sid, "the voice URL");
    expect((await client.calls(call!.sid).update({ status: "completed" })).status).toBe("canceled");
    expect((await ringing.final()).status).toBe(480);
    const talking = await rig.caller.invite({ to: "+15550400003", domain: `office.pstn.${BASE}` });
    await answered(rig.carrier);
    expect((await talking.final()).status).toBe(200);
    const live = [...rig.gateway.gateway.calls.live()];
    const child = live.find(({ details }) => details.parentSid !== undefined)!;
    await expect(client.calls(child.sid).update({ twiml: PAUSE })).rejects.toMatchObject({ code: 21220 });
    expect((await client.calls(child.sid).update({ status: "completed" })).status).toBe("completed");
    await byeFor(rig.carrier);
    await byeFor(rig.caller);
    await until(() => rig.gateway.gateway.calls.liveCount === 0, "the end of all");
  });

  it("R-ORIG-24: a ringing leg of a trunk call that is cancelled by its SID ends its caller too", async () => {
    const caller = await rig.caller.invite({ to: "+15550400004", domain: `office.pstn.${BASE}` });
    const invite = await rig.carrier.request("INVITE");
    await rig.carrier.answer(invite, 180);
    await rig.caller.response(180);
    const child = [...rig.gateway.gateway.calls.live()].find(({ details }) => details.parentSid !== undefined)!;
    await client.calls(child.sid).update({ status: "canceled" });
    await rig.carrier.answer(await rig.carrier.request("CANCEL"), 200);
    await rig.carrier.answer(invite, 487);
    expect((await caller.final()).status).toBe(480);
    await until(() => rig.gateway.gateway.calls.liveCount === 0, "the end of all");
  });

  it("R-GEN-11: what trunks were used for is counted by SID, in /metrics and by REST", async () => {
    const { httpUrl } = rig.gateway.gateway;
    const authorization = `Basic ${Buffer.from(`${accountOf(rig.gateway)}:${AUTH_TOKEN}`).toString("base64")}`;
    const usage = async (): Promise<Record<string, number>> => {
      const answer = await fetch(`${httpUrl}/v1/ByocTrunks/${sidOf("other")}/Usage`, { headers: { authorization } });
      return (await answer.json()) as Record<string, number>;
    };
    const before = await usage();
    const call = await client.calls.create({ to: TO, from: OWNED, twiml: "<Response/>", byoc: sidOf("other") });
    await answered(second);
    await byeFor(second);
    await until(() => rig.gateway.gateway.calls.bySid(call.sid)!.ended, "the end");
    const busy = await client.calls.create({ to: TO, from: OWNED, twiml: "<Response/>", byoc: sidOf("other") });
    await second.answer(await second.request("INVITE"), 486);
    await until(() => rig.gateway.gateway.calls.bySid(busy.sid)!.ended, "the end");
    const after = await usage();
    expect(after["calls"]).toBe(before["calls"]! + 2);
    expect(after["answered"]).toBe(before["answered"]! + 1);
    expect(after["seconds"]).toBe(before["seconds"]! + rig.gateway.gateway.calls.bySid(call.sid)!.durationSeconds);
    expect(after["minutes"]).toBe(Math.ceil(after["seconds"]! / 60));
    expect(after).toMatchObject({ recordings: 0, lookups: 0, transfers: 0 });
    const metrics = await (await fetch(`${httpUrl}/metrics`)).text();
    expect(metrics).toContain(`tandem_trunk_usage_total{trunk="${sidOf("other")}",kind="calls"} ${after["calls"]}`);
    const foreign = `${httpUrl}/v1/ByocTrunks/BY${"0".repeat(32)}/Usage`;
    expect((await fetch(foreign, { headers: { authorization } })).status).toBe(404);
  });

  it("voice-rest.md 2.2: busy, refusals and no target end the call with their status", async () => {
    const busy = await client.calls.create({ to: TO, from: OWNED, twiml: PAUSE });
    await rig.carrier.answer(await rig.carrier.request("INVITE"), 486);
    await until(() => rig.gateway.gateway.calls.bySid(busy.sid)!.ended, "the end");
    expect(await client.calls(busy.sid).fetch()).toMatchObject({ status: "busy", duration: "0" });
    const failed = await client.calls.create({ to: TO, from: OWNED, twiml: PAUSE });
    await rig.carrier.answer(await rig.carrier.request("INVITE"), 503);
    await until(() => rig.gateway.gateway.calls.bySid(failed.sid)!.ended, "the end");
    expect((await client.calls(failed.sid).fetch()).status).toBe("failed");
    expect(
      rig.gateway.gateway.alerts
        .all()
        .filter(({ callSid }) => callSid === failed.sid)
        .map(({ code }) => code),
    ).toEqual([32011]);
  });
});
