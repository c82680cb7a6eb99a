/** Who may read stories over HTTP, and what odd questions get (RFC 7617, hardening R5, R25; `tandem explain`). */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { HttpAuth } from "../../src/api/auth.ts";
import { HttpServer } from "../../src/api/http-server.ts";
import { silentLog } from "../../src/base/log.ts";
import { AlertLog } from "../../src/calls/alert-log.ts";
import { Call } from "../../src/calls/call.ts";
import { CallStories } from "../../src/calls/call-stories.ts";
import { CallTable } from "../../src/calls/call-table.ts";
import { SipTrace } from "../../src/calls/sip-trace.ts";
import { Usage } from "../../src/calls/usage.ts";
import type { CallReport, CallSummary } from "../../src/explain/types.ts";
import type { Flow } from "../../src/sip/message.ts";
import { parseMessage } from "../../src/sip/parser.ts";
import { MemoryStore } from "../../src/store/memory-store.ts";
import { Secrets } from "../../src/store/secrets.ts";
import { EdgeTable } from "../../src/trunking/edges.ts";
import { edgeDirectory } from "../support/edges.ts";
import { keptAudio } from "../support/kept-audio.ts";
import { ManualClock } from "../support/manual-clock.ts";
import { testAccount } from "../support/records.ts";

const clock = new ManualClock();
const store = new MemoryStore();
const secrets = Secrets.ephemeral();
const trace = new SipTrace(clock, { dialogsMax: 100, bytesMax: 1 << 20 });
const calls = new CallTable(trace);
const alerts = new AlertLog(clock, silentLog);
const parent = testAccount({ authToken: "token of the parent" });
const child = testAccount({ authToken: "token of the child", parentSid: parent.sid });
const other = testAccount({ authToken: "token of another" });
const mute = testAccount({ authToken: "" });

let server: HttpServer;

function message(callId: string, method = "INVITE"): void {
  const bytes = Buffer.from(
    [
      `${method} sip:+15550100200@office.pstn.test SIP/2.0`,
      "Via: SIP/2.0/UDP 192.0.2.1:5060;branch=z9hG4bK1",
      "From: <sip:+15550100100@192.0.2.1>;tag=1",
      "To: <sip:+15550100200@office.pstn.test>",
      `Call-ID: ${callId}`,
      `CSeq: 1 ${method}`,
      "Contact: <sip:a@192.0.2.1>",
      "Content-Length: 0",
      "",
      "",
    ].join("\r\n"),
  );
  const flow: Flow = {
    transport: "udp",
    remoteAddress: "192.0.2.1",
    remotePort: 5060,
    localAddress: "192.0.2.2",
    localPort: 5060,
    connectionId: undefined,
  };
  trace.observe("in", parseMessage(bytes), flow, bytes);
}

function call(accountSid: string, callId: string, parentSid?: string): Call {
  const made = new Call(
    {
      accountSid,
      direction: "inbound",
      from: "+15550100100",
      to: "+15550100200",
      sipCallId: callId,
      remote: "192.0.2.1:5060",
      ...(parentSid === undefined ? {} : { parentSid }),
    },
    clock,
    () => undefined,
  );
  calls.add(made);
  return made;
}

beforeAll(async () => {
  await store.apply([parent, child, other, mute].map((account) => ({ kind: "accounts", put: account })));
  server = new HttpServer({
    address: "127.0.0.1",
    port: 0,
    status: () => {
      throw new Error("not asked for here");
    },
    caPem: "",
    documents: null,
    stories: new CallStories(calls, alerts, trace, store),
    auth: new HttpAuth(store, secrets.operatorToken, clock),
    rest: {
      store,
      calls,
      alerts,
      usage: new Usage(),
      voice: {
        place: () => {
          throw new Error("no call is made here");
        },
        takesCalls: () => true,
        test: async () => {
          throw new Error("nothing is tested here");
        },
      },
      secrets,
      clock,
      baseDomain: "voice.test",
      edgeDirectory: edgeDirectory(clock, calls),
      edges: new EdgeTable(),
      symmetricDefault: false,
      audio: keptAudio(store, clock),
      noAudioAtRest: false,
      verification: "off",
      staticIp: { ranges: [], anywhere: false, edges: [] },
      publicBaseUrl: null,
      defaultRegion: "us1",
    },
    log: silentLog,
  });
  await server.start();
});
afterAll(() => server.stop());

const basic = (user: string, password: string) => `Basic ${Buffer.from(`${user}:${password}`).toString("base64")}`;
const as = (account: { sid: string; authToken: string }) => basic(account.sid, account.authToken);
const OPERATOR = basic("operator", secrets.operatorToken);

async function get(path: string, authorization?: string) {
  const answer = await fetch(`${server.url}/v1/Explain/Calls${path}`, {
    headers: authorization === undefined ? {} : { authorization },
  });
  return { status: answer.status, headers: answer.headers, body: (await answer.json()) as Record<string, unknown> };
}

const idsFor = async (authorization: string, query = "") =>
  ((await get(query, authorization)).body["calls"] as CallSummary[]).map(({ id }) => id).sort();

describe("access", () => {
  it("is refused with 401 and a challenge without credentials and with wrong ones", async () => {
    const wrong = [
      undefined,
      "",
      "Basic",
      "Basic !!!",
      `Bearer ${parent.authToken}`,
      basic(parent.sid, ""),
      basic(parent.sid, other.authToken),
      basic(`AC${"0".repeat(32)}`, parent.authToken),
      basic("operator", ""),
      basic("operator", parent.authToken),
      basic("__proto__", ""),
      // An account without a token cannot log in at all.
      basic(mute.sid, ""),
      basic(parent.sid, "x".repeat(2000)),
    ];
    for (const authorization of wrong) {
      const { status, headers, body } = await get("", authorization);
      expect([authorization, status]).toEqual([authorization, 401]);
      expect(headers.get("www-authenticate")).toContain('Basic realm="tandem"');
      expect(headers.get("cache-control")).toBe("no-store");
      expect(body).toMatchObject({ code: 20003, status: 401 });
    }
  });

  it("shows a call to its account, to the account above, and to the operator", async () => {
    const own = call(child.sid, "of-the-child");
    const foreign = call(other.sid, "of-another");
    expect(await idsFor(as(child))).toEqual([own.sid]);
    expect(await idsFor(as(parent))).toEqual([own.sid]);
    expect(await idsFor(as(other))).toEqual([foreign.sid]);
    expect(await idsFor(OPERATOR)).toEqual([own.sid, foreign.sid].sort());
    for (const id of [foreign.sid, "of-another"]) {
      expect((await get(`/${id}`, as(child))).status).toBe(404);
      expect((await get(`/${id}`, OPERATOR)).status).toBe(200);
    }
  });

  it("shows INVITEs that named nobody to the operator only, where there are several accounts", async () => {
    message("nobody");
    trace.note("nobody", { step: "matched", text: "no such host", fields: { code: "refused.domain", host: "x.test" } });
    message("for-another");
    trace.assign("for-another", other.sid);
    expect(await idsFor(OPERATOR, "?From=192.0.2.1&Status=failed")).toEqual(["for-another", "nobody"]);
    expect(await idsFor(as(other), "?Status=failed")).toEqual(["for-another"]);
    expect(await idsFor(as(child), "?Status=failed")).toEqual([]);
    const { body } = await get("/nobody", OPERATOR);
    expect(body).toMatchObject({ call: { callSid: null, status: "dropped" }, diagnosis: { code: "refused.domain" } });
  });

  it("withholds messages when another account has a call of the same Call-ID", async () => {
    message("twice");
    const mine = call(child.sid, "twice");
    const before = (await get(`/${mine.sid}`, as(child))).body as unknown as CallReport;
    expect([before.trace, before.messages.length]).toEqual(["kept", 1]);
    call(other.sid, "twice");
    const after = (await get(`/${mine.sid}`, as(child))).body as unknown as CallReport;
    expect([after.trace, after.messages.length]).toEqual(["withheld", 0]);
    const all = (await get(`/${mine.sid}`, OPERATOR)).body as unknown as CallReport;
    expect(all.messages).toHaveLength(1);
  });

  it("tells the story of the whole family for each of its legs, but shows no leg of another account", async () => {
    const inbound = call(child.sid, "family");
    const outbound = call(child.sid, "family-out", inbound.sid);
    call(other.sid, "family-foreign", inbound.sid);
    for (const sid of [inbound.sid, outbound.sid]) {
      const report = (await get(`/${sid}`, as(child))).body as unknown as CallReport;
      expect(report.call.callSid).toBe(sid);
      expect(report.legs.map(({ callSid }) => callSid)).toEqual([inbound.sid, outbound.sid]);
    }
  });
});

describe("questions", () => {
  it.each([
    "?Status=bad",
    "?Order=x",
    "?Limit=0",
    "?Limit=201",
    "?Limit=1e1",
    "?From=a&From=b",
    `?From=${"x".repeat(256)}`,
    "?__proto__=1",
    "?Unknown=1",
    "/CA1?Full=yes",
  ])("%s is 400", async (path) => {
    expect((await get(path, OPERATOR)).body).toMatchObject({ code: 20001, status: 400 });
  });

  it.each(["/CA1", "/__proto__", "/%00", `/${"x".repeat(500)}`, "/a%2F..%2Fb"])("%s is 404", async (path) => {
    expect((await get(path, OPERATOR)).body).toMatchObject({ code: 20404, status: 404 });
  });

  it("a Call-ID may have any character that a URL can carry", async () => {
    const callId = "a/b?c=d&e%f@[::1]";
    message(callId);
    expect((await get(`/${encodeURIComponent(callId)}`, OPERATOR)).body).toMatchObject({ call: { sipCallId: callId } });
  });
});

describe("guessing", () => {
  it("is stopped after 30 wrong tokens, for right ones as well, until a minute has passed", async () => {
    for (let n = 0; n < 30; n++) await get("", basic(parent.sid, `guess ${n}`));
    expect((await get("", as(parent))).body).toMatchObject({ status: 429 });
    clock.advance(61_000);
    expect((await get("", as(parent))).status).toBe(200);
  });
});
