/** Targets that are left out: two misses, Retry-After, and back again (R-KEEP-6, SIP-OVL-3); the OPTIONS on the wire. */
import { afterEach, describe, expect, it } from "vitest";
import { RETRY_AFTER_SECONDS_MAX, TargetHealth } from "../../src/calls/target-health.ts";
import { TargetPings } from "../../src/calls/target-pings.ts";
import type { SipRequest } from "../../src/sip/message.ts";
import { MemoryStore } from "../../src/store/memory-store.ts";
import { EdgeTable } from "../../src/trunking/edges.ts";
import { localEdges } from "../support/edges.ts";
import { testSid, testTarget, testTrunk } from "../support/records.ts";
import { lines, ownAddress, reached, startStack, type TestStack, UdpPeer } from "../support/sip-wire.ts";

const SID = `OU${"1".repeat(32)}`;

describe("the table of targets", () => {
  const at = { ms: 5_000 };
  const made = () => new TargetHealth(() => at.ms);

  it("R-KEEP-6: one miss changes nothing, the second takes a target out, one answer brings it back", () => {
    const health = made();
    expect(health.isUsable(SID)).toBe(true);
    expect(health.missed(SID, "sip:a.test")).toBe(false);
    expect(health.isUsable(SID)).toBe(true);
    expect(health.missed(SID, "sip:a.test")).toBe(true);
    expect(health.isUsable(SID)).toBe(false);
    at.ms += 31_000;
    expect(health.whyNot(SID)).toBe("it has not answered OPTIONS for 31 s (2 in a row)");
    expect(health.missed(SID, "sip:a.test")).toBe(false);
    expect(health.answered(SID, "sip:a.test")).toBe(true);
    expect(health.isUsable(SID)).toBe(true);
    expect(health.whyNot(SID)).toBe("");
  });

  it("R-KEEP-6: a miss, an answer and a miss are not two misses", () => {
    const health = made();
    health.missed(SID, "");
    expect(health.answered(SID, "")).toBe(false);
    health.missed(SID, "");
    expect(health.isUsable(SID)).toBe(true);
  });

  it.each([
    [1, 1],
    [30, 30],
    [RETRY_AFTER_SECONDS_MAX, 60],
    [86_400, 60],
  ])("SIP-OVL-3: Retry-After %i takes a target out for %i s", (said, seconds) => {
    const health = made();
    health.backOff(SID, "sip:a.test", said);
    at.ms += seconds * 1000 - 1;
    expect(health.isUsable(SID)).toBe(false);
    expect(health.whyNot(SID)).toBe("it answered 503 and wants to be left alone for 1 s more");
    at.ms += 1;
    expect(health.isUsable(SID)).toBe(true);
  });

  it("SIP-OVL-3: 503 without Retry-After, or with 0, takes nothing out", () => {
    const health = made();
    health.backOff(SID, "", undefined);
    health.backOff(SID, "", 0);
    expect(health.isUsable(SID)).toBe(true);
    expect([...health.list()]).toEqual([]);
  });

  it("an answer to OPTIONS does not end a Retry-After that still runs", () => {
    const health = made();
    health.backOff(SID, "", 10);
    health.answered(SID, "");
    expect(health.isUsable(SID)).toBe(false);
  });

  it("what is asked no longer is not left out for ever", () => {
    const health = made();
    health.missed(SID, "");
    health.missed(SID, "");
    health.forgetMisses(SID);
    expect(health.isUsable(SID)).toBe(true);
    expect([...health.list()]).toEqual([]);
  });
});

describe("R-KEEP-6 the gateway's own OPTIONS", () => {
  let stack: TestStack;
  let peer: UdpPeer;
  let pings: TargetPings;

  afterEach(async () => {
    pings.stop();
    await stack.stop();
    await peer.close();
  });

  async function start(seconds: number, changes: Parameters<typeof testTarget>[0] = {}) {
    stack = await startStack();
    peer = await UdpPeer.open(ownAddress(0), 0);
    const trunk = testTrunk();
    const target = testTarget({
      parentSid: trunk.sid,
      sipUrl: `sip:+1555@${peer.address}:${peer.port}?X-A=b`,
      ...changes,
    });
    const store = new MemoryStore();
    await store.apply([
      { kind: "trunks", put: trunk },
      { kind: "originationUrls", put: target },
    ]);
    const { clock, log } = stack;
    const targetHealth = new TargetHealth(() => clock.nowMs());
    pings = new TargetPings(
      {
        clock,
        log,
        store,
        edges: new EdgeTable([]),
        localEdges: localEdges(clock),
        random: () => 0,
        targetHealth,
        settings: { baseDomain: "voice.test", targetOptionsSeconds: seconds },
      },
      stack.stack,
    );
    pings.start();
    return { clock, target, targetHealth, store, log };
  }

  /** Lets what is on its way arrive. */
  const settled = async (): Promise<void> => {
    for (let turn = 0; turn < 20; turn++) await new Promise<void>((done) => setImmediate(done));
  };

  const answer = (request: SipRequest, status: number, headers: string[] = []): Promise<void> =>
    peer.send(
      lines([
        `SIP/2.0 ${status} Answer`,
        `Via: SIP/2.0/UDP ${request.vias[0]!.host}:${request.vias[0]!.port};branch=${request.vias[0]!.params.get("branch")}`,
        `From: <sip:ping@sip.voice.test>;tag=${request.from.params.get("tag")}`,
        "To: <sip:x>;tag=y",
        `Call-ID: ${request.callId}`,
        "CSeq: 1 OPTIONS",
        ...headers,
      ]),
      peer.from.port,
      peer.from.address,
    );

  it("two silences take a target out, one answer brings it back; the host is asked, not the number", async () => {
    const { clock, target, targetHealth, log } = await start(30);
    clock.advance(500);
    const first = await peer.nextRequest("OPTIONS");
    expect(first.uri).toMatchObject({ user: undefined, host: peer.address, port: peer.port });
    expect(first.headers.get("Accept")).toBe("application/sdp");
    await settled();
    clock.advance(4000);
    await settled();
    expect(targetHealth.isUsable(target.sid)).toBe(true);
    clock.advance(26_500);
    await reached(() => new Set(peer.received.map(({ callId }) => callId)).size === 2, "the second OPTIONS");
    await settled();
    clock.advance(4000);
    await settled();
    expect(targetHealth.whyNot(target.sid)).toMatch(/^it has not answered OPTIONS for \d+ s \(2 in a row\)$/);
    expect(log.lines.join("\n")).toContain("a target does not answer OPTIONS and gets no calls");
    clock.advance(26_500);
    await reached(() => new Set(peer.received.map(({ callId }) => callId)).size === 3, "the third OPTIONS");
    await answer(peer.received.findLast((message) => message.kind === "request")! as SipRequest, 405);
    await reached(() => targetHealth.isUsable(target.sid), "its return");
    expect(log.lines.join("\n")).toContain("a target answers OPTIONS again and gets calls");
  });

  it("503 counts as silence, and its Retry-After is kept", async () => {
    const { clock, target, targetHealth } = await start(30);
    clock.advance(500);
    await answer(await peer.nextRequest("OPTIONS"), 503, ["Retry-After: 7"]);
    await reached(() => !targetHealth.isUsable(target.sid), "the end of calls to it");
    clock.advance(7000);
    expect(targetHealth.isUsable(target.sid)).toBe(true);
  });

  it.each([
    ["the setting is 0", 0, {}],
    ["the target says 0", 30, { optionsSeconds: 0 }],
    ["the target is switched off", 30, { enabled: false }],
  ])("none are sent when %s", async (_why, seconds, changes) => {
    const { clock } = await start(seconds, changes);
    for (let second = 0; second < 70; second++) clock.advance(1000);
    await settled();
    expect(peer.received).toEqual([]);
  });

  it("a target's own interval counts over the setting", async () => {
    const { clock } = await start(0, { optionsSeconds: 10 });
    clock.advance(500);
    await answer(await peer.nextRequest("OPTIONS"), 200);
    await settled();
    clock.advance(9000);
    await settled();
    expect(peer.received.length).toBe(1);
    clock.advance(1250);
    await answer(await peer.nextRequest("OPTIONS"), 200);
  });

  it("targets behind one next hop are asked once for all", async () => {
    const { clock, target, targetHealth, store } = await start(30);
    const other = testTarget({ ...target, sid: testSid("OU"), sipUrl: target.sipUrl.replace("+1555", "+1666") });
    await store.apply([{ kind: "originationUrls", put: other }]);
    clock.advance(500);
    await answer(await peer.nextRequest("OPTIONS"), 503, ["Retry-After: 5"]);
    await reached(() => !targetHealth.isUsable(target.sid), "the first target");
    expect(targetHealth.isUsable(other.sid)).toBe(false);
    await settled();
    expect(peer.received.length).toBe(1);
  });
});
