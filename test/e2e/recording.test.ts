/** Recording of trunk calls (R-REC) with SIP and RTP on the wire, set and read by the unmodified `twilio` client. Every party says a tone of its own. */
import { existsSync, mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import twilio from "twilio";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import type { PartyCall } from "../../src/simulator/party.ts";
import { sineUlaw } from "../support/g711-tables.ts";
import { AUTH_TOKEN, BASE, startGateway, type TestGateway, until } from "../support/gateway.ts";
import { channelsOf, secondsOf, timesOf } from "../support/recorded.ts";
import { DialogWatch, hears, Talker, talking } from "../support/talkers.ts";

const GATEWAY = "127.77.50.1";
const PBX = "127.77.50.2";
const CARRIER = "127.77.50.3";
const TARGET = "127.77.50.4";
const HOP = `sip:${GATEWAY}:5060`;
const OFFICE = "+15550100200";
const NUMBER = "+15550200300";
const OURS = "+15550300001";
const [PBX_HZ, CARRIER_HZ, TARGET_HZ] = [400, 700, 1100];

type Mode = Parameters<
  ReturnType<ReturnType<ReturnType<typeof twilio>["trunking"]["v1"]["trunks"]>["recordings"]>["update"]
>[0];

const audio = mkdtempSync(join(tmpdir(), "tandem-audio-"));
let gateway: TestGateway;
let client: ReturnType<typeof twilio>;
let account: string;
let trunkSid: string;
let pbx: Talker;
let carrier: Talker;
let target: Talker;
const up: PartyCall[] = [];

beforeAll(async () => {
  gateway = await startGateway(
    GATEWAY,
    `
ipAccessControlLists:
  - { name: parties, addresses: [${PBX}, ${CARRIER}, ${TARGET}] }
connectionPolicies:
  - { name: carrier, targets: [{ name: carrier, url: "sip:${CARRIER}:5060" }] }
byocTrunks:
  - { name: carrier, connectionPolicy: carrier, defaultCarrier: true }
  - { name: incoming }
sipDomains:
  - { name: incoming, domain: incoming, byocTrunk: incoming, ipAccessControlLists: [parties] }
trunks:
  - name: all
    domain: all
    ipAccessControlLists: [parties]
    callerIdPolicy: any
    transferMode: enable-all
    originationUrls: [{ name: pbx, url: "sip:${PBX}:5060" }]
phoneNumbers:
  - { number: "${OURS}", trunk: all }
`,
    { top: `redirect: { reach: any }\nrecordings: { folder: ${audio} }` },
    2,
  );
  account = [...gateway.gateway.store.list("accounts")][0]!.sid;
  trunkSid = gateway.gateway.store.trunkByDomain("all")!.sid;
  client = twilio(account, AUTH_TOKEN);
  for (const product of [client.trunking, client.api]) product.baseUrl = gateway.gateway.httpUrl!;
});
afterAll(async () => {
  await gateway.stop();
  rmSync(audio, { recursive: true, force: true });
});

beforeEach(async () => {
  pbx = await Talker.start(PBX, PBX_HZ);
  carrier = await Talker.start(CARRIER, CARRIER_HZ);
  target = await Talker.start(TARGET, TARGET_HZ);
});
afterEach(async () => {
  for (const call of up.splice(0)) call.hangup();
  for (const talker of [pbx, carrier, target])
    for (const call of talker.party.received) if (call.dialog !== undefined) call.hangup();
  await until(() => gateway.gateway.calls.liveCount === 0, "the end of all calls");
  for (const talker of [pbx, carrier, target]) await talker.party.stop();
  await until(() => open().length === 0, "the end of all recordings");
  for (const { sid } of await client.recordings.list()) await client.recordings(sid).remove();
});

const open = () => [...gateway.gateway.store.list("recordings")].filter(({ status }) => status === "in-progress");
const mode = (params: Mode) => client.trunking.v1.trunks(trunkSid).recordings().update(params);

/** The PBX calls a number through its trunk. */
async function termination() {
  const count = carrier.party.received.length;
  const near = await pbx.call(`sip:${NUMBER}@all.pstn.${BASE}`, HOP, `sip:${OFFICE}@${PBX}`);
  up.push(near);
  const far = await carrier.received(count + 1);
  await talking([near, pbx], [far, carrier]);
  return { near, far };
}

/** The carrier delivers a call to a number of the trunk, which `callee` takes. */
async function origination(callee = pbx) {
  const near = await carrier.call(`sip:${OURS}@incoming.sip.${BASE}`, HOP, `sip:${NUMBER}@${CARRIER}`);
  up.push(near);
  const far = await callee.received(1);
  await talking([near, carrier], [far, callee]);
  return { near, far };
}

/** Waits until it has heard a second more. */
async function talkOn({ leg }: PartyCall): Promise<void> {
  const before = leg.heard.length;
  await until(() => leg.heard.length >= before + 8000, "a second of audio");
}

/** Which of two workers the gateway's media are in. */
function workerOf(call: PartyCall): number {
  const port = Number(/m=audio (\d+)/.exec(Buffer.from(call.invite!.request.body).toString())![1]);
  return port < 25_000 ? 0 : 1;
}

/** Hangs up and waits for the recordings to be there. */
async function recordings(call: PartyCall, count = 1) {
  call.hangup();
  await until(() => gateway.gateway.calls.liveCount === 0 && open().length === 0, "the end of the call");
  const list = await client.recordings.list();
  expect(list).toHaveLength(count);
  return list;
}

async function download(sid: string, headers: Record<string, string> = {}): Promise<Response> {
  const authorization = `Basic ${Buffer.from(`${account}:${AUTH_TOKEN}`).toString("base64")}`;
  return await fetch(`${gateway.gateway.httpUrl}/2010-04-01/Accounts/${account}/Recordings/${sid}.wav`, {
    headers: { authorization, ...headers },
  });
}

async function channels(sid: string): Promise<Int16Array[]> {
  const answer = await download(sid);
  expect(answer.status).toBe(200);
  return channelsOf(new Uint8Array(await answer.arrayBuffer()));
}

const rings = (hz: number) => () =>
  ({ kind: "answer", early: true, afterMs: 700, play: sineUlaw(hz, 8000, 8000), loop: true }) as const;

describe("R-REC-1 the modes of a trunk", () => {
  it.each([
    { name: "record-from-ringing", ringing: true, dual: false },
    { name: "record-from-answer", ringing: false, dual: false },
    { name: "record-from-ringing-dual", ringing: true, dual: true },
    { name: "record-from-answer-dual", ringing: false, dual: true },
  ] as const)("R-REC-2, R-REC-3, R-REC-4: $name, both ways", async ({ name, ringing, dual }) => {
    await mode({ mode: name });
    carrier.script = rings(CARRIER_HZ);
    pbx.script = rings(PBX_HZ);
    const out = await termination();
    await talkOn(out.near);
    const [first] = await recordings(out.near);
    const inward = await origination();
    await talkOn(inward.near);
    const [second] = await recordings(inward.near, 2);
    for (const [recording, caller, callee] of [
      [first!, PBX_HZ, CARRIER_HZ],
      [second!, CARRIER_HZ, PBX_HZ],
    ] as const) {
      expect(recording).toMatchObject({ source: "Trunking", status: "completed", channels: dual ? 2 : 1 });
      const call = gateway.gateway.calls.bySid(recording.callSid)!;
      expect(call.details.trunkSid ?? trunkSid).toBe(trunkSid);
      const { startTime, durationMs } = gateway.gateway.store.get("recordings", recording.sid)!;
      const isBeforeAnswer = Date.parse(startTime) < call.answeredAt!.getTime();
      expect(isBeforeAnswer).toBe(ringing);
      expect(recording.duration).toBe(String(Math.round(durationMs! / 1000)));
      const tracks = await channels(recording.sid);
      expect(tracks).toHaveLength(dual ? 2 : 1);
      expect(tracks[0]!.length / 8).toBeCloseTo(durationMs!, 0);
      const [left, right] = [tracks[0]!, tracks.at(-1)!];
      expect(secondsOf(left, caller)).toBeGreaterThan(0);
      expect(secondsOf(right, callee)).toBeGreaterThan(0);
      if (dual) {
        expect(secondsOf(left, callee)).toBe(0);
        expect(secondsOf(right, caller)).toBe(0);
      }
    }
  });

  it("R-REC-1, R-REC-7: do-not-record records nothing, and a change of mode is for later calls", async () => {
    await mode({ mode: "do-not-record" });
    const silent = await termination();
    await mode({ mode: "record-from-answer" });
    await recordings(silent.near, 0);
    const recorded = await termination();
    await mode({ mode: "do-not-record" });
    await recordings(recorded.near, 1);
    expect(readdirSync(join(audio, account))).toHaveLength(1);
  });

  it("R-REC-3: a call that nobody answers has its ringing recorded, from answer on nothing", async () => {
    for (const [name, count] of [
      ["record-from-answer-dual", 0],
      ["record-from-ringing-dual", 1],
    ] as const) {
      await mode({ mode: name });
      carrier.script = () => ({
        kind: "answer",
        early: true,
        afterMs: 60_000,
        play: sineUlaw(CARRIER_HZ, 8000, 8000),
        loop: true,
      });
      const call = await pbx.party.call(`sip:${NUMBER}@all.pstn.${BASE}`, {
        from: `sip:${OFFICE}@${PBX}`,
        nextHop: HOP,
      });
      await until(() => hears(call, CARRIER_HZ), "early media");
      await talkOn(call);
      call.hangup();
      await until(() => gateway.gateway.calls.liveCount === 0 && open().length === 0, "the end of the call");
      const list = await client.recordings.list();
      expect(list).toHaveLength(count);
      if (count === 1) expect(secondsOf((await channels(list[0]!.sid))[1]!, CARRIER_HZ)).toBeGreaterThan(0);
    }
  });
});

describe("calls that change", () => {
  it("R-XFER-10: the transferred part is in the same file, and the target has the channel of who left", async () => {
    await mode({ mode: "record-from-answer-dual" });
    const { near, far } = await termination();
    await talkOn(far);
    const watch = new DialogWatch(near);
    new DialogWatch(far);
    await near.dialog!.request("REFER", { headers: [["Refer-To", `<sip:bob@${TARGET}:5060>`]] });
    const there = await target.received();
    await talking([far, carrier], [there, target]);
    await until(() => watch.ended, "BYE to the transferor");
    const [recording] = await recordings(there);
    const [left, right] = await channels(recording!.sid);
    const [before, after] = [timesOf(left!, PBX_HZ), timesOf(left!, TARGET_HZ)];
    expect(before.filter(Boolean).length).toBeGreaterThan(0);
    expect(after.filter(Boolean).length).toBeGreaterThan(0);
    // A window of 100 ms may hold the end of one and the beginning of the other.
    expect(before.lastIndexOf(true)).toBeLessThanOrEqual(after.indexOf(true));
    expect(secondsOf(right!, CARRIER_HZ)).toBeGreaterThan(0);
    for (const hz of [PBX_HZ, TARGET_HZ]) expect(secondsOf(right!, hz)).toBe(0);
  });

  it("R-XFER-10: it follows parties that are joined, whichever worker they are in", async () => {
    await mode({ mode: "record-from-answer-dual" });
    const first = await termination();
    await mode({ mode: "do-not-record" });
    // Workers take calls by their load: one in the other worker comes after a few.
    let second = await termination();
    for (let tries = 0; tries < 8 && workerOf(second.far) === workerOf(first.far); tries++)
      second = await termination();
    expect(workerOf(second.far)).not.toBe(workerOf(first.far));
    // The call that is not recorded refers to the one that is: what was recorded goes on with the two that are left.
    for (const { near } of [first, second]) new DialogWatch(near);
    const { callId, localTag, remoteTag } = first.near.dialog!;
    const replaces = `${callId};to-tag=${remoteTag};from-tag=${localTag}`;
    await second.near.dialog!.request("REFER", {
      headers: [["Refer-To", `<sip:${NUMBER}@all.pstn.${BASE}?Replaces=${encodeURIComponent(replaces)}>`]],
    });
    await until(
      () => hears(first.far, CARRIER_HZ) && hears(second.far, CARRIER_HZ),
      "the carrier's two calls together",
    );
    const moved = [...gateway.gateway.calls.live()].filter((call) =>
      call.decisions.entries.some(({ fields }) => fields["code"] === "media.moved"),
    );
    expect(moved).toHaveLength(1);
    await talkOn(first.far);
    for (const one of up) if (one !== first.near && one !== second.near) one.hangup();
    const [recording] = await recordings(first.far);
    const tracks = await channels(recording!.sid);
    expect(secondsOf(tracks[0]!, PBX_HZ)).toBeGreaterThan(0);
    // From the join on the carrier speaks in both.
    expect(secondsOf(tracks[0]!, CARRIER_HZ)).toBeGreaterThan(0);
    expect(secondsOf(tracks[1]!, CARRIER_HZ)).toBeGreaterThan(0);
    expect(secondsOf(tracks[1]!, PBX_HZ)).toBe(0);
  });

  it("R-REDIR-9: the redirected call is recorded too", async () => {
    await mode({ mode: "record-from-ringing-dual" });
    pbx.script = () => ({ kind: "redirect", contact: `sip:bob@${TARGET}:5060` });
    const { near } = await origination(target);
    const [recording] = await recordings(near);
    const [left, right] = await channels(recording!.sid);
    expect(secondsOf(left!, CARRIER_HZ)).toBeGreaterThan(0);
    expect(secondsOf(right!, TARGET_HZ)).toBeGreaterThan(0);
  });
});

describe("R-REC-6 the Recordings resource", () => {
  it("lists, fetches, downloads and deletes; files are for their owner alone", async () => {
    await mode({ mode: "record-from-answer-dual" });
    const { near } = await termination();
    const [running] = await client.recordings.list();
    expect(running).toMatchObject({ status: "in-progress", duration: null });
    expect((await download(running!.sid)).status).toBe(404);
    await expect(client.recordings(running!.sid).remove()).rejects.toMatchObject({ status: 409, code: 20409 });
    const [recording] = await recordings(near);
    const { sid, callSid } = recording!;
    expect((await client.recordings(sid).fetch()).mediaUrl).toContain(sid);
    expect(await client.recordings.list({ callSid })).toHaveLength(1);
    expect(await client.recordings.list({ callSid: `CA${"0".repeat(32)}` })).toHaveLength(0);
    expect(await client.calls(callSid).recordings.list()).toMatchObject([{ sid, track: "both", channels: 2 }]);
    expect(await client.calls(callSid).recordings(sid).fetch()).toMatchObject({ source: "Trunking" });
    const dayMs = 86_400_000;
    expect(await client.recordings.list({ dateCreatedAfter: new Date(Date.now() - dayMs) })).toHaveLength(1);
    expect(await client.recordings.list({ dateCreatedBefore: new Date(Date.now() - 2 * dayMs) })).toHaveLength(0);
    const path = join(audio, account, `${sid}.wav`);
    expect(statSync(path).mode & 0o777).toBe(0o600);
    expect(statSync(join(audio, account)).mode & 0o777).toBe(0o700);
    const whole = Buffer.from(await (await download(sid)).arrayBuffer());
    expect(whole.length).toBe(statSync(path).size);
    const part = await download(sid, { range: "bytes=100-199" });
    expect(part.status).toBe(206);
    expect(part.headers.get("content-range")).toBe(`bytes 100-199/${whole.length}`);
    expect(Buffer.from(await part.arrayBuffer())).toEqual(whole.subarray(100, 200));
    expect((await download(sid, { range: `bytes=${whole.length}-` })).status).toBe(416);
    expect(await client.recordings(sid).remove()).toBe(true);
    expect(existsSync(path)).toBe(false);
    await expect(client.recordings(sid).fetch()).rejects.toMatchObject({ status: 404, code: 20404 });
    expect((await download(sid)).status).toBe(404);
  });

  it("a folder that cannot be written raises an alert, and the call goes on", async () => {
    await mode({ mode: "record-from-answer" });
    rmSync(join(audio, account), { recursive: true, force: true });
    writeFileSync(join(audio, account), "no folder");
    try {
      const { near } = await termination();
      await until(() => gateway.gateway.alerts.all().some(({ code }) => code === 32230), "the alert");
      const heardBefore = near.leg.heard.length;
      await until(() => near.leg.heard.length > heardBefore + 4000, "audio after the alert");
      const [recording] = await recordings(near);
      expect(recording).toMatchObject({ status: "failed", duration: "0", errorCode: 32230 });
      const alerts = gateway.gateway.alerts.all().filter(({ code }) => code === 32230);
      expect(alerts.map(({ callSid }) => callSid)).toEqual([recording!.callSid]);
    } finally {
      rmSync(join(audio, account), { force: true });
    }
  });
});
