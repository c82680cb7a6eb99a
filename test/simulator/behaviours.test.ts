/** The carrier simulator: which number does what, and that it does it, between two parties on real sockets (docs/carrier-simulator.md). */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { SystemClock } from "../../src/base/clock.ts";
import { silentLog } from "../../src/base/log.ts";
import { BEHAVIOURS, behaviourOf, DEFAULT_RULES, readBehaviour, readRule } from "../../src/simulator/behaviours.ts";
import { Party, type PartyCall } from "../../src/simulator/party.ts";
import { placeCalls } from "../../src/simulator/placed-calls.ts";
import { fromUlaw, tone } from "../../src/simulator/tones.ts";
import { until } from "../support/gateway.ts";

describe("which number does what", () => {
  it.each([
    ["+15550109486", "status:486"],
    ["+15550109503", "status:503"],
    ["+15550109603", "status:603"],
    ["+15550109000", "silent"],
    ["+15550109180", "ring"],
    ["+15550109205", "slow:5"],
    ["+15550109399", "answer"],
    ["alice", "answer"],
    ["", "answer"],
  ])("%s: %s", (number, expected) => {
    expect(behaviourOf(number, DEFAULT_RULES)).toBe(expected);
  });

  it("the first rule that fits wins, one's own before the usual ones, and the rest is what one says", () => {
    const rules = [readRule("+15550109486=answer:tone"), readRule("77=busy"), ...DEFAULT_RULES];
    expect(behaviourOf("+15550109486", rules)).toBe("answer:tone");
    expect(behaviourOf("+15550109177", rules)).toBe("busy");
    expect(behaviourOf("+15550109999", rules, "status:404")).toBe("status:404");
  });

  it("each word of the list can be read, and so can each rule of the default", () => {
    const samples = { CODE: "503", URI: "sip:a@b", SECONDS: "1.5", KEYS: "12#" } as const;
    for (const [word] of BEHAVIOURS) {
      const text = word.replace(/[A-Z]+$/, (name) => samples[name as keyof typeof samples]);
      expect(() => readBehaviour(text), text).not.toThrow();
    }
    for (const { behaviour } of DEFAULT_RULES) expect(() => readBehaviour(behaviour)).not.toThrow();
  });

  it.each([
    "",
    "answer:loud",
    "status:",
    "status:200",
    "status:700",
    "redirect:",
    "redirect:tel:1",
    "slow:",
    "slow:-1",
    "slow:3601",
    "slow:1e3",
    "digits:",
    "digits:12x",
    "digits:123456789012345678901234567890123",
    "__proto__",
  ])("%j is refused with what was expected", (text) => {
    expect(() => readBehaviour(text)).toThrow(RangeError);
  });

  it.each(["busy", "300", "3 0=busy", "300=nothing", `${"3".repeat(65)}=busy`])("the rule %j is refused", (text) => {
    expect(() => readRule(text)).toThrow(RangeError);
  });
});

describe("what a behaviour does", () => {
  const clock = new SystemClock();
  let carrier: Party;
  let elsewhere: Party;
  let caller: Party;
  const words = new Map<string, string>();

  const start = (name: string, script: (user: string) => string): Promise<Party> =>
    Party.start({
      name,
      clock,
      log: silentLog,
      address: "127.0.0.1",
      listen: [{ transport: "udp", address: "127.0.0.1", port: 0 }],
      script: ({ request }) => readBehaviour(script(request.uri.user ?? "")),
    });
  beforeAll(async () => {
    elsewhere = await start("elsewhere", () => "answer");
    carrier = await start("carrier", (user) => words.get(user)!);
    caller = await start("caller", () => "answer");
  });
  afterAll(async () => {
    await Promise.all([carrier.stop(), elsewhere.stop(), caller.stop()]);
  });

  const at = (party: Party, user: string): string => `sip:${user}@127.0.0.1:${party.stack.listening[0]!.port}`;
  let users = 0;

  /** A call to a carrier that does this; the caller plays a tone. */
  async function calling(behaviour: string): Promise<PartyCall> {
    const user = `user${++users}`;
    words.set(user, behaviour);
    return caller.call(at(carrier, user), { from: "sip:caller@127.0.0.1", play: tone(800), loop: true });
  }

  /** The strongest of three frequencies in a stretch of what was heard. */
  function heardHz(call: PartyCall): number {
    const samples = fromUlaw(call.leg.heard.subarray(-1600));
    const power = (hertz: number): number => {
      let [re, im] = [0, 0];
      for (const [index, sample] of samples.entries()) {
        re += sample * Math.cos((2 * Math.PI * hertz * index) / 8000);
        im += sample * Math.sin((2 * Math.PI * hertz * index) / 8000);
      }
      return (re * re + im * im) / samples.length ** 2;
    };
    const [best] = [440, 800].sort((a, b) => power(b) - power(a));
    return samples.length < 1600 || power(best!) < 1e4 ? 0 : best!;
  }

  it.each([
    ["answer", 800],
    ["answer:tone", 440],
  ])("%s: the caller hears %i Hz", async (behaviour, hertz) => {
    const call = await calling(behaviour);
    expect(await call.answered).toBe(true);
    await until(() => heardHz(call) === hertz, `${hertz} Hz`);
    call.hangup();
  });

  it("answer:silence: packets come, and nothing is in them", async () => {
    const call = await calling("answer:silence");
    expect(await call.answered).toBe(true);
    await until(() => call.leg.heard.length > 4000, "half a second of packets");
    expect(call.leg.firstSoundMs).toBe(0);
    call.hangup();
  });

  it.each([
    ["busy", 486],
    ["status:404", 404],
    ["status:503", 503],
    ["status:603", 603],
  ])("%s is %i", async (behaviour, status) => {
    const call = await calling(behaviour);
    expect(await call.answered).toBe(false);
    expect(call.status).toBe(status);
  });

  it("redirect: 302 with the Contact", async () => {
    const call = await calling(`redirect:${at(elsewhere, "x")}`);
    expect(await call.answered).toBe(false);
    expect(call.status).toBe(302);
  });

  it("ring: 180 and nothing more; slow: 180, then the answer; early: sound before the answer", async () => {
    const ringing = await calling("ring");
    await until(() => ringing.progress.includes(180), "180");
    const slow = await calling("slow:0.3");
    expect(await slow.answered).toBe(true);
    expect(slow.progress).toContain(180);
    expect(slow.answeredMs - slow.placedMs).toBeGreaterThanOrEqual(290);
    slow.hangup();
    const early = await calling("early:1");
    await until(() => early.leg.firstSoundMs > 0, "a sound");
    expect(early.progress).toContain(183);
    expect(early.leg.firstSoundMs).toBeGreaterThan(0);
    expect(await early.answered).toBe(true);
    early.hangup();
    expect(ringing.status).toBe(0);
  });

  it("silent: nothing comes at all", async () => {
    const call = await calling("silent");
    const answered = await calling("answer");
    expect(await answered.answered).toBe(true);
    answered.hangup();
    expect([call.status, call.progress]).toEqual([0, []]);
  });

  it("hangup: BYE comes; digits: the keys are heard; hold: told to stop, and to go on", async () => {
    const short = await calling("hangup:0.2");
    expect(await short.answered).toBe(true);
    await short.ended;
    const keys = await calling("digits:19*#");
    await until(() => keys.leg.digits.join("") === "19*#", "the keys");
    keys.hangup();
    const held = await calling("hold:0.3");
    expect(await held.answered).toBe(true);
    await until(() => held.negotiated?.direction.sending === false, "the hold");
    await until(() => held.negotiated?.direction.sending === true, "its end");
    held.hangup();
  });

  it("calls are placed at a rate and summed up", async () => {
    words.set("many", "answer:tone");
    const result = await placeCalls(caller, clock, {
      to: at(carrier, "many"),
      from: "sip:caller@127.0.0.1",
      count: 5,
      perSecond: 50,
      durationMs: 200,
      record: false,
    });
    expect(result).toMatchObject({ placed: 5, answered: 5, statuses: new Map([[200, 5]]), packetsLost: 0 });
    expect(result.setupMs).toHaveLength(5);
    expect(result.packetsReceived).toBeGreaterThan(0);
    words.set("many", "busy");
    const refused = await placeCalls(caller, clock, {
      to: at(carrier, "many"),
      from: "sip:caller@127.0.0.1",
      count: 2,
      perSecond: 50,
      durationMs: 200,
    });
    expect(refused).toMatchObject({ placed: 2, answered: 0, statuses: new Map([[486, 2]]) });
  });
});
