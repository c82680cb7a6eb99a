/** What a call is refused for, before anything is dialled (voice-rest.md 1.1, 2.2, 2.4; R-CID-3). */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { Call } from "../../../src/calls/call.ts";
import type { CallOrder } from "../../../src/calls/place-call.ts";
import { ACCOUNT, clientFor, OTHER_ACCOUNT, type RestStage, startRest } from "../../support/rest.ts";

let stage: RestStage;
let client: ReturnType<typeof clientFor>;
const OWNED = "+15550400001";
const VERIFIED = "+15550400002";
const good = { To: "+15550400003", From: OWNED, Url: "https://app.example.net/voice" };

beforeAll(async () => {
  stage = await startRest();
  client = clientFor(stage);
  await client.incomingPhoneNumbers.create({ phoneNumber: OWNED });
  await client.outgoingCallerIds.list();
  await stage.store.apply([
    {
      kind: "outgoingCallerIds",
      put: {
        sid: `PN${"9".repeat(32)}`,
        accountSid: ACCOUNT.sid,
        dateCreated: "2026-01-01T00:00:00.000Z",
        dateUpdated: "2026-01-01T00:00:00.000Z",
        phoneNumber: VERIFIED,
        friendlyName: "",
      },
    },
  ]);
});
afterAll(() => stage.stop());

async function post(path: string, fields: Record<string, string>) {
  const answer = await fetch(`${stage.url}/2010-04-01/Accounts/${ACCOUNT.sid}/Calls${path}`, {
    method: "POST",
    headers: { authorization: `Basic ${Buffer.from(`${ACCOUNT.sid}:${ACCOUNT.token}`).toString("base64")}` },
    body: new URLSearchParams(fields),
  });
  return { status: answer.status, body: (await answer.json()) as { code: number; message: string } };
}

describe("voice-rest.md 1.1: a call that cannot be", () => {
  const rows: [code: number, why: string, fields: Record<string, string>][] = [
    [21201, "no To", { ...good, To: "" }],
    [21213, "no From", { ...good, From: "" }],
    [21211, "To without plus", { ...good, To: "15550400003" }],
    [21211, "a client", { ...good, To: "client:bob" }],
    [21211, "a SIP URI without host", { ...good, To: "sip:" }],
    [21211, "an edge that is none", { ...good, To: "sip:a@b.example;edge=atlantis" }],
    [21211, "control characters", { ...good, To: "+1555\r\n0400003" }],
    [21212, "From no number", { ...good, From: "reception" }],
    [21210, "R-CID-3: From of somebody else", { ...good, From: "+15550400009" }],
    [21210, "R-CID-3: CallerId of somebody else", { ...good, CallerId: "+15550400009" }],
    [21205, "no Url, no Twiml", { To: good.To, From: OWNED }],
    [21205, "a URL of another kind", { ...good, Url: "ftp://app.example.net/" }],
    [21205, "a relative URL", { ...good, Url: "/voice" }],
    [21205, "a fallback that is none", { ...good, FallbackUrl: "voice" }],
    [21206, "keys that no telephone has", { ...good, SendDigits: "12x" }],
    [21206, "too many keys", { ...good, SendDigits: "1".repeat(33) }],
    [21208, "Timeout too short", { ...good, Timeout: "4" }],
    [21208, "Timeout no number", { ...good, Timeout: "soon" }],
    [21209, "a method", { ...good, Method: "PUT" }],
    [21218, "an application that is none", { ...good, ApplicationSid: `AP${"0".repeat(32)}` }],
    [21218, "no SID of an application", { ...good, ApplicationSid: "mine" }],
    [21225, "user name without password", { ...good, To: "sip:a@b.example", SipAuthUsername: "a" }],
    [20422, "an unknown BYOC trunk", { ...good, Byoc: `BY${"0".repeat(32)}` }],
    [20422, "no SID of a BYOC trunk", { ...good, Byoc: "carrier" }],
    [20422, "an unknown event", { ...good, StatusCallbackEvent: "answered hello" }],
    [20422, "Record that is no flag", { ...good, Record: "often" }],
    [32018, "TwiML too long", { ...good, Url: "", Twiml: "x".repeat(4001) }],
  ];
  it.each(rows)("%i: %s", async (code, _why, fields) => {
    const { status, body } = await post(".json", fields);
    expect({ status, code: body.code }).toEqual({ status: 400, code });
    expect(stage.placed).toEqual([]);
  });
});

describe("voice-rest.md 2.2: what is asked for", () => {
  it("every parameter, and what is not given", async () => {
    await client.calls.create({
      to: good.To,
      from: VERIFIED,
      url: good.Url,
      method: "GET",
      fallbackUrl: "https://app.example.net/fallback",
      statusCallback: "https://app.example.net/status",
      statusCallbackEvent: ["initiated", "answered"],
      sendDigits: "1ww2#",
      timeout: 20,
      timeLimit: 600,
      record: false,
      trim: "do-not-trim",
      callReason: "kept for nothing",
    });
    expect(stage.placed.pop()).toEqual({
      accountSid: ACCOUNT.sid,
      edge: null,
      from: VERIFIED,
      to: good.To,
      destination: { kind: "number", number: good.To, byoc: null },
      callerId: VERIFIED,
      source: { url: good.Url, method: "GET" },
      fallback: { url: "https://app.example.net/fallback", method: "POST" },
      statusCallback: { url: "https://app.example.net/status", method: "POST", events: ["initiated", "answered"] },
      sendDigits: "1ww2#",
      timeoutSeconds: 20,
      timeLimitSeconds: 600,
    } satisfies CallOrder);
    await client.calls.create({
      to: "sip:bob@sbc.example?X-A=1",
      from: "sip:desk@office.example",
      twiml: "<Response/>",
    });
    expect(stage.placed.pop()).toMatchObject({
      from: "sip:desk@office.example",
      to: "sip:bob@sbc.example",
      callerId: "desk",
      destination: { kind: "sip", uri: "sip:bob@sbc.example?X-A=1", credentials: undefined },
      source: { twiml: "<Response/>" },
      fallback: undefined,
      statusCallback: { url: null, events: ["completed"] },
      timeoutSeconds: 60,
      timeLimitSeconds: 14_400,
    });
  });

  it("ApplicationSid: its URLs count, those of the request do not", async () => {
    const application = await client.applications.create({
      voiceUrl: "https://app.example.net/app",
      voiceMethod: "GET",
      voiceFallbackUrl: "https://app.example.net/app-fallback",
      statusCallback: "https://app.example.net/app-status",
    });
    await client.calls.create({ to: good.To, from: OWNED, url: good.Url, applicationSid: application.sid });
    expect(stage.placed.pop()).toMatchObject({
      source: { url: "https://app.example.net/app", method: "GET" },
      fallback: { url: "https://app.example.net/app-fallback", method: "POST" },
      statusCallback: { url: "https://app.example.net/app-status", method: "POST", events: ["completed"] },
    });
    const silent = await client.applications.create({ friendlyName: "without a URL" });
    expect(await post(".json", { ...good, ApplicationSid: silent.sid })).toMatchObject({
      status: 400,
      body: { code: 21218 },
    });
  });

  it("a status callback that is no URL costs the callbacks, not the call: alert 11100; Url wins over Twiml: 32019", async () => {
    const { status } = await post(".json", { ...good, StatusCallback: "nowhere", Twiml: "<Response/>" });
    expect(status).toBe(201);
    expect(stage.placed.pop()).toMatchObject({ statusCallback: { url: null }, source: { url: good.Url } });
    expect(
      stage.alerts
        .all()
        .map(({ code }) => code)
        .sort(),
    ).toEqual([11100, 32019]);
  });

  it("Record has no effect, and says so: alert 32230", async () => {
    await client.calls.create({ to: good.To, from: OWNED, url: good.Url, record: true });
    expect(stage.placed.pop()).toMatchObject({ to: good.To });
    expect(stage.alerts.all().at(-1)).toMatchObject({ code: 32230, level: "warning", accountSid: ACCOUNT.sid });
  });

  it("503 with Retry-After while the gateway takes no calls; calls of other accounts do not exist", async () => {
    stage.takesCalls = false;
    expect(await post(".json", good)).toMatchObject({ status: 503, body: { code: 20503 } });
    stage.takesCalls = true;
    const foreign = new Call(
      { accountSid: OTHER_ACCOUNT.sid, direction: "inbound", from: "+1", to: "+2" },
      stage.clock,
      () => undefined,
    );
    stage.calls.add(foreign);
    for (const fields of [{ Status: "completed" }, { Url: good.Url }])
      expect(await post(`/${foreign.sid}.json`, fields)).toMatchObject({ status: 404, body: { code: 20404 } });
    await expect(client.calls(foreign.sid).remove()).rejects.toMatchObject({ status: 404 });
    expect(foreign.ended).toBe(false);
  });

  it("409 for deleting a call that is up, 400 for a status that is none", async () => {
    const call = new Call(
      { accountSid: ACCOUNT.sid, direction: "inbound", from: "+1", to: "+2" },
      stage.clock,
      () => undefined,
    );
    stage.calls.add(call);
    await expect(client.calls(call.sid).remove()).rejects.toMatchObject({ status: 409, code: 20009 });
    expect(await post(`/${call.sid}.json`, { Status: "busy" })).toMatchObject({ status: 400, body: { code: 20422 } });
  });
});
