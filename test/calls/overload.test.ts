/** Admission while the gateway is busy, and limits for strangers (SIP-OVL-1, SIP-OVL-2, SIP-OVL-4, R-MEDIA-8, hardening R18). */
import { afterEach, describe, expect, it } from "vitest";
import { LoopLag } from "../../src/base/loop-lag.ts";
import { Overload, type WatchedWorker } from "../../src/calls/overload.ts";
import { serializeMessage } from "../../src/sip/serialize.ts";
import { CALLER, type CallRig, sdp, startCallRig, WireParty } from "../support/call-rig.ts";
import { BASE, MemoryLog, until } from "../support/gateway.ts";
import { ManualClock } from "../support/manual-clock.ts";
import { lines, ownAddress, reached, UdpPeer } from "../support/sip-wire.ts";

/** A thread that is busy for `busyMs` again and again. */
function busy(clock: ManualClock, busyMs: number, turns: number): void {
  for (let turn = 0; turn < turns; turn++) {
    clock.stall(busyMs);
    clock.advance(1);
  }
}

describe("lateness of the event loop", () => {
  it("SIP-OVL-1: is the median of its probes: one pause of a second is no load", () => {
    const clock = new ManualClock();
    const lag = new LoopLag(clock, () => undefined);
    lag.start();
    for (let step = 0; step < 20; step++) clock.advance(50);
    expect(lag.medianMs).toBe(0);
    clock.stall(1000);
    for (let step = 0; step < 5; step++) clock.advance(50);
    expect(lag.medianMs).toBe(0);
    busy(clock, 140, 9);
    expect(lag.medianMs).toBeGreaterThan(50);
    lag.stop();
    expect(clock.pendingTimers).toBe(0);
  });
});

describe("overload", () => {
  function made(workers: WatchedWorker[] = []) {
    const clock = new ManualClock();
    const log = new MemoryLog();
    const overload = new Overload({ clock, log, lagMaxMs: 50, workers: () => workers });
    overload.start();
    return { clock, log, overload };
  }

  it("SIP-OVL-1: is entered above 50 ms, left below 25 ms, told once each", () => {
    const { clock, log, overload } = made();
    busy(clock, 130, 12);
    expect(overload.reason).toBe("the main thread is late");
    // 35 ms late: below the limit, not yet below half of it.
    busy(clock, 84, 20);
    expect(overload.lagMs).toBeGreaterThan(25);
    expect(overload.lagMs).toBeLessThan(50);
    expect(overload.reason).not.toBe("");
    for (let step = 0; step < 20; step++) clock.advance(50);
    expect(overload.reason).toBe("");
    expect(log.lines.map((line) => line.split(" {")[0])).toEqual([
      "warn overload: new calls are refused",
      "info overload is over: new calls are taken",
    ]);
  });

  const worker = (index: number, worstLatenessMs: number, alive = true): WatchedWorker => ({
    index,
    alive,
    load: { worstLatenessMs },
  });

  it("SIP-OVL-1: two late reports of every worker that is alive; one that keeps time is enough to go on", () => {
    const workers: WatchedWorker[] = [worker(0, 80), worker(1, 80), worker(2, 0, false)];
    const { clock, overload } = made(workers);
    clock.advance(500);
    expect(overload.reason).toBe("");
    workers[0] = worker(0, 90);
    workers[1] = worker(1, 3);
    clock.advance(500);
    expect(overload.reason).toBe("");
    workers[1] = worker(1, 80);
    clock.advance(100);
    workers[1] = worker(1, 80);
    clock.advance(100);
    expect(overload.reason).toBe("media workers are late");
    workers[0] = worker(0, 1);
    clock.advance(100);
    expect(overload.reason).toBe("");
  });

  it("SIP-OVL-1: with a limit of 0 nothing is measured", () => {
    const clock = new ManualClock();
    new Overload({ clock, log: new MemoryLog(), lagMaxMs: 0, workers: () => [] }).start();
    expect(clock.pendingTimers).toBe(0);
  });
});

describe("a gateway that is busy", () => {
  let rig: CallRig;
  const others: { close(): Promise<void> }[] = [];
  afterEach(async () => {
    await rig.stop();
    for (const other of others.splice(0)) await other.close();
  });

  /** Keeps this process, which is the gateway's too, too busy for its timers. */
  async function overloaded(): Promise<void> {
    while (rig.gateway.gateway.status().overload.reason === "") {
      const end = performance.now() + 150;
      while (performance.now() < end);
      await new Promise<void>((done) => setTimeout(done, 1));
    }
  }

  it("SIP-OVL-1: new calls get 503 with Retry-After from 1 to 10 s and leave nothing; the call that is up is served", async () => {
    rig = await startCallRig({ sip: "  overloadLagMs: 50" });
    await until(() => rig.gateway.gateway.status().overload.lagMs < 25, "a quiet loop");
    const up = await rig.caller.invite();
    await rig.carrier.answer(await rig.carrier.request("INVITE"), 200, { sdp: sdp(rig.carrier.address) });
    expect((await up.final()).status).toBe(200);
    await rig.carrier.request("ACK");
    await overloaded();
    const { transactions } = rig.gateway.gateway.status();
    const refused = await rig.caller.invite({ to: "+15550200999" });
    const options = lines([
      `OPTIONS sip:office.pstn.${BASE} SIP/2.0`,
      `Via: SIP/2.0/UDP ${CALLER}:5060;branch=z9hG4bKbusy;rport`,
      `From: <sip:a@${CALLER}>;tag=o`,
      `To: <sip:office.pstn.${BASE}>`,
      "Call-ID: busy-options",
      "CSeq: 1 OPTIONS",
    ]);
    await rig.caller.send(options);
    const answer = await refused.final();
    expect(answer.status).toBe(503);
    const seconds = Number(answer.headers.get("Retry-After"));
    expect(seconds).toBeGreaterThanOrEqual(1);
    expect(seconds).toBeLessThanOrEqual(10);
    expect((await rig.caller.final("OPTIONS")).status).toBe(503);
    expect(rig.gateway.gateway.status().transactions).toBeLessThanOrEqual(transactions);
    expect(rig.gateway.gateway.calls.liveCount).toBe(2);
    expect(rig.gateway.gateway.status().overload.shed.overloaded).toBe(2);
    // In the dialog all is as ever.
    await up.request("OPTIONS");
    expect((await rig.caller.final("OPTIONS")).status).toBe(200);
    await up.bye();
    const metrics = await (await fetch(`${rig.gateway.gateway.httpUrl}/metrics`)).text();
    expect(metrics).toContain('tandem_sip_shed_total{kind="overloaded"} 2');
    await until(() => rig.gateway.gateway.status().overload.reason === "", "the end of the overload");
    await rig.caller.invite();
    await rig.carrier.request("INVITE");
  }, 60_000);

  it("R-MEDIA-8, R-NET-10, SIP-OVL-2: above media.maxCalls 503 with Retry-After, without a transaction", async () => {
    rig = await startCallRig({ media: "  maxCalls: 2" });
    const up = await rig.caller.invite();
    const invite = await rig.carrier.request("INVITE");
    await rig.carrier.answer(invite, 200, { sdp: sdp(rig.carrier.address) });
    expect((await up.final()).status).toBe(200);
    await rig.carrier.request("ACK");
    const more = await rig.caller.invite({ to: "+15550200999" });
    const refused = await more.final();
    expect(refused.status).toBe(503);
    expect(refused.headers.has("Retry-After")).toBe(true);
    expect(rig.gateway.gateway.calls.liveCount).toBe(2);
    // A repeat of the INVITE that is up is a repeat, and no new call.
    await up.repeatInvite();
    await up.bye();
    expect(rig.caller.names.filter((name) => name === "503 INVITE").length).toBe(1);
  });

  it("SIP-OVL-1: calls beyond the rate of the whole gateway get 503 with Retry-After, and alert 32012", async () => {
    rig = await startCallRig({ sip: "  callsPerSecondMax: 1" });
    // However slow the machine is, not each of so many begins a second after the one before.
    const calls = await Promise.all(Array.from({ length: 20 }, () => rig.caller.invite()));
    const refused = await rig.caller.response(503);
    expect(refused.headers.get("Retry-After")).toBe("1");
    expect(refused.reason).toBe("Gateway CPS limit exceeded");
    const alert = rig.gateway.gateway.alerts.all().find(({ code }) => code === 32012);
    expect(alert).toMatchObject({ sipStatus: 503, level: "error" });
    for (const call of calls) await call.cancel();
    await until(() => rig.gateway.gateway.calls.liveCount === 0, "the end of all calls");
  });

  it("SIP-OVL-4: a stranger is held to its rate, a listed source never is", async () => {
    rig = await startCallRig({
      sip: "  strangerBurst: 3\n  strangerRefillMs: 600000",
      objects: `credentialLists: [{ name: open, credentials: [{ username: pbx, password: Stranger-Pass-1 }] }]`,
      trunk: "credentialLists: []",
    });
    const stranger = await WireParty.open(ownAddress(3));
    others.push(stranger);
    for (let number = 0; number < 6; number++) await stranger.invite({ to: `+1555020100${number}` });
    await until(() => rig.gateway.gateway.status().overload.shed.strangers === 3, "the strangers");
    for (let number = 0; number < 3; number++) expect((await stranger.final()).status).toBe(403);
    const calls = await Promise.all(Array.from({ length: 10 }, () => rig.caller.invite()));
    for (const _call of calls) await rig.carrier.answer(await rig.carrier.request("INVITE"), 486);
    for (const call of calls) expect((await call.final()).status).toBe(486);
    expect(stranger.names.filter((name) => name === "403 INVITE").length).toBe(3);
  });
});

/** The least that is a request: compact names, no body. */
function probeOf(index: number, line: string, address: string): Buffer {
  return lines([
    `${line} SIP/2.0`,
    `v: SIP/2.0/UDP ${address};branch=z9hG4bK${index}`,
    "f: <sip:a@b>;tag=1",
    "t: <sip:a@b>",
    `i: ${index}`,
    `CSeq: 1 ${line.split(" ")[0]}`,
    "m: <sip:a@b>",
  ]);
}

describe("an address that may be forged", () => {
  let rig: CallRig;
  afterEach(() => rig.stop());

  it("SIP-OVL-4, hardening R18: an INVITE gets one answer, no larger than three times itself, and no transaction", async () => {
    rig = await startCallRig({
      objects: `credentialLists: [{ name: phones, credentials: [{ username: phone, password: Stranger-Pass-1 }] }]`,
      domains: "  - { name: open, domain: open, byocTrunk: carrier, credentialLists: [phones] }",
      top: "auth: { sha256: true }",
      // What would be repeated unasked is repeated soon.
      sip: "  t1Ms: 50",
    });
    const victim = await UdpPeer.open(ownAddress(3), 5060);
    const { transactions } = rig.gateway.gateway.status();
    const probes: [string, string][] = [
      [`INVITE sip:+15550100200@open.sip.${BASE}`, "407"],
      [`INVITE sip:+15550100200@office.pstn.${BASE}`, "403"],
      [`OPTIONS sip:open.sip.${BASE}`, "200"],
      [`REGISTER sip:open.sip.${BASE}`, "405"],
      [`SUBSCRIBE sip:1@open.sip.${BASE}`, "405"],
      [`FOO sip:1@open.sip.${BASE}`, "501"],
    ];
    for (const [index, [line, status]] of probes.entries()) {
      const method = line.split(" ")[0]!;
      const bytes = probeOf(index, line, victim.address);
      await victim.send(bytes, 5060, rig.gateway.gateway.listening[0]!.address);
      await reached(() => victim.received.length === index + 1, `an answer to ${method}`);
      const answer = victim.received[index]!;
      expect(String(answer.kind === "response" && answer.status), line).toBe(status);
      expect(serializeMessage(answer).length, line).toBeLessThanOrEqual(3 * bytes.length);
    }
    expect(rig.gateway.gateway.status().transactions - transactions).toBeLessThanOrEqual(5);
    // A final answer to a known peer is repeated until its ACK comes; all of that while the other waits in vain.
    await rig.caller.invite({ to: "1" });
    await until(() => rig.caller.names.filter((name) => name === "400 INVITE").length > 3, "repeats to a known peer");
    expect(victim.received.length).toBe(probes.length);
    // Who asks again is told again.
    await victim.send(probeOf(1, probes[1]![0], victim.address), 5060, rig.gateway.gateway.listening[0]!.address);
    await reached(() => victim.received.length === probes.length + 1, "the answer again");
    await victim.close();
  });
});
