/** `…/Calls` as the unmodified client reads it (voice-rest.md 2.1, 2.3). */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { Call, type CallDetails } from "../../../src/calls/call.ts";
import { ACCOUNT, clientFor, OTHER_ACCOUNT, type RestStage, startRest } from "../../support/rest.ts";

let stage: RestStage;
let client: ReturnType<typeof clientFor>;
let parent: Call;
let child: Call;
let busy: Call;

function made(details: Partial<CallDetails>): Call {
  stage.clock.advance(60_000);
  const call = new Call(
    { accountSid: ACCOUNT.sid, direction: "inbound", from: "+14155550100", to: "+15550200300", ...details },
    stage.clock,
    (error) => {
      throw error;
    },
  );
  stage.calls.add(call);
  return call;
}

beforeAll(async () => {
  stage = await startRest();
  client = clientFor(stage);
  parent = made({ direction: "trunking-terminating", trunkSid: `TK${"5".repeat(32)}` });
  parent.apply("sent");
  parent.apply("answered");
  child = made({ direction: "trunking-terminating", parentSid: parent.sid, to: "sip:bob@192.0.2.1" });
  child.apply("sent");
  busy = made({ from: "anonymous" });
  busy.apply("end-busy");
  made({ accountSid: OTHER_ACCOUNT.sid });
  stage.clock.advance(89_500);
  parent.apply("hung-up");
});
afterAll(() => stage.stop());

const sids = (calls: { sid: string }[]) => calls.map(({ sid }) => sid);

describe("Calls", () => {
  it("an ended call with its times and duration", async () => {
    const call = await client.calls(parent.sid).fetch();
    expect(call).toMatchObject({
      sid: parent.sid,
      accountSid: ACCOUNT.sid,
      status: "completed",
      direction: "trunking-terminating",
      from: "+14155550100",
      fromFormatted: "(415) 555-0100",
      to: "+15550200300",
      duration: String(parent.durationSeconds),
      parentCallSid: null,
      trunkSid: `TK${"5".repeat(32)}`,
      price: null,
      priceUnit: "USD",
      apiVersion: "2010-04-01",
    });
    expect(parent.durationSeconds).toBeGreaterThan(0);
    expect(call.startTime.getTime()).toBe(Math.floor(parent.createdAt.getTime() / 1000) * 1000);
    expect(call.endTime.getTime()).toBe(Math.floor(parent.endedAt!.getTime() / 1000) * 1000);
  });

  it("a call that is up has no end and no duration; one that nobody took lasted 0 s", async () => {
    expect(await client.calls(child.sid).fetch()).toMatchObject({ status: "queued", endTime: null, duration: null });
    expect(await client.calls(busy.sid).fetch()).toMatchObject({ status: "busy", duration: "0" });
  });

  it("lists newest first, of the account only, and by each filter", async () => {
    expect(sids(await client.calls.list())).toEqual([busy.sid, child.sid, parent.sid]);
    expect(sids(await client.calls.list({ pageSize: 1 }))).toEqual([busy.sid, child.sid, parent.sid]);
    expect(sids(await client.calls.list({ status: "busy" }))).toEqual([busy.sid]);
    expect(sids(await client.calls.list({ parentCallSid: parent.sid }))).toEqual([child.sid]);
    expect(sids(await client.calls.list({ to: "sip:bob@192.0.2.1" }))).toEqual([child.sid]);
    expect(sids(await client.calls.list({ from: "anonymous" }))).toEqual([busy.sid]);
    expect(sids(await client.calls.list({ startTimeAfter: child.createdAt }))).toEqual([busy.sid, child.sid]);
    expect(sids(await client.calls.list({ startTimeBefore: parent.createdAt }))).toEqual([parent.sid]);
  });

  it("404 for what is not there or belongs to another account, 400 for a status or date that is none", async () => {
    await expect(clientFor(stage, OTHER_ACCOUNT).calls(parent.sid).fetch()).rejects.toMatchObject({ status: 404 });
    await expect(client.calls(`CA${"0".repeat(32)}`).fetch()).rejects.toMatchObject({ status: 404, code: 20404 });
    await expect(client.calls.list({ status: "asleep" as never })).rejects.toMatchObject({ status: 400 });
    const url = `${stage.url}/2010-04-01/Accounts/${ACCOUNT.sid}/Calls.json?StartTime=yesterday`;
    const authorization = `Basic ${Buffer.from(`${ACCOUNT.sid}:${ACCOUNT.token}`).toString("base64")}`;
    expect((await fetch(url, { headers: { authorization } })).status).toBe(400);
  });
});
