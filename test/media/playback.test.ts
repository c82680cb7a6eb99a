/** Playing into legs: a queue with back-pressure, marks as events, clear (media-streams.md 6.2 to 6.4), at every ptime. */
import { describe, expect, it } from "vitest";
import { Meeting, type Party } from "../support/meeting.ts";

const ramp = (from: number, octets: number) => Buffer.from(Array.from({ length: octets }, (_, i) => (from + i) % 251));
const marksOf = (meet: Meeting) => meet.events.flatMap((event) => (event.type === "mark" ? event.name : []));

function playing(ptimeMs = 20) {
  const meet = new Meeting({ playbackSecondsMax: 2 });
  const party = meet.party({ ptimeMs });
  return { meet, core: meet.core, party, leg: party.leg };
}

/** Octets of the ramp that a party has got, silence left out. */
const got = (party: Party) => party.heard.filter((octet) => octet !== 0xff).length;

describe("queue", () => {
  it("14.6: pieces of any size are joined without a gap, padded at the end", () => {
    const { meet, core, party, leg } = playing();
    let at = 0;
    for (const size of [1, 159, 160, 161, 1000, 3000, 7]) {
      expect(core.play(leg, ramp(at, size))).toBe(size);
      at += size;
    }
    meet.pass(1000);
    expect(party.heard.subarray(0, at).equals(ramp(0, at))).toBe(true);
    expect(party.heard.subarray(at).every((octet) => octet === 0xff)).toBe(true);
    expect(core.playQueued(leg)).toBe(0);
  });

  it("back-pressure: what does not fit is not taken, and fits when time has passed", () => {
    const { meet, core, leg } = playing();
    expect(core.play(leg, new Uint8Array(20_000))).toBe(16_000);
    expect(core.play(leg, new Uint8Array(1))).toBe(0);
    expect(core.playQueued(leg)).toBe(16_000);
    meet.pass(500);
    expect(core.playQueued(leg)).toBe(12_000);
    expect(core.play(leg, new Uint8Array(20_000))).toBe(4000);
  });

  it("waits while the leg is held or bridged, and goes on afterwards where it stopped", () => {
    const { meet, core, party, leg } = playing();
    const other = meet.party();
    core.play(leg, ramp(0, 4800));
    meet.pass(100);
    core.configureLeg(leg, { sending: false }, meet.nowMs);
    meet.pass(500);
    core.configureLeg(leg, { sending: true }, meet.nowMs);
    meet.pass(100);
    core.bridge(leg, other.leg, meet.nowMs);
    meet.pass(500);
    expect(core.playQueued(leg)).toBe(4800 - 1600);
    core.unbridge(leg, meet.nowMs);
    meet.pass(600);
    expect(Buffer.from(party.heard.filter((octet) => octet !== 0xff)).equals(ramp(0, 4800))).toBe(true);
  });

  it("a closed leg takes its queue along; the next one under its number begins with an empty one", () => {
    const { meet, core, leg } = playing();
    core.play(leg, ramp(0, 8000));
    core.playMark(leg, "never");
    core.closeLeg(leg, 0);
    const next = meet.party();
    expect(next.leg).toBe(leg);
    expect(core.playQueued(leg)).toBe(0);
    meet.pass(1500);
    expect(marksOf(meet)).toEqual([]);
    expect(got(next)).toBe(0);
  });
});

describe("marks (6.3)", () => {
  it.each([10, 20, 30, 40, 50, 60])(
    "come when the last octet before them has left as RTP, not before (ptime %i)",
    (ptimeMs) => {
      const { meet, core, party, leg } = playing(ptimeMs);
      const borders = [1, 160, 200, 479, 480, 481, 1000, 2400, 2401, 5000];
      let at = 0;
      for (const border of borders) {
        core.play(leg, ramp(at, border - at));
        core.playMark(leg, String(border));
        at = border;
      }
      const cameAt = new Map<string, number>();
      const sentBefore = new Map<string, number>();
      let before = 0;
      for (let step = 0; step < 200; step++) {
        before = got(party);
        meet.events.length = 0;
        meet.pass(5);
        for (const name of marksOf(meet)) {
          cameAt.set(name, got(party));
          sentBefore.set(name, before);
        }
      }
      expect([...cameAt.keys()]).toEqual(borders.map(String));
      for (const border of borders) {
        expect(cameAt.get(String(border))).toBeGreaterThanOrEqual(border);
        // At the very tick that sent it.
        expect(sentBefore.get(String(border))).toBeLessThan(border);
      }
    },
  );

  it("with nothing before them they come at once, in order, repeated names too", () => {
    const { meet, core, leg } = playing();
    for (const name of ["a", "b", "a", '{"json":"in a mark"}', ""]) core.playMark(leg, name);
    core.forEachEvent((event) => meet.events.push(event));
    expect(marksOf(meet)).toEqual(["a", "b", "a", '{"json":"in a mark"}', ""]);
    meet.pass(100);
    expect(marksOf(meet)).toHaveLength(5);
  });

  it("10,000 may wait, the next is refused; the world cannot make more of them", () => {
    const { core, leg } = playing();
    core.play(leg, ramp(0, 100));
    for (let i = 0; i < 10_000; i++) expect(core.playMark(leg, "m")).toBe(true);
    expect(core.playMark(leg, "one too many")).toBe(false);
    expect(() => core.playMark(leg, "x".repeat(65_537))).toThrowError(RangeError);
  });

  it("a visitor may close the leg of the event that it sees", () => {
    const { core, leg } = playing();
    core.playMark(leg, "a");
    core.playMark(leg, "b");
    const seen: string[] = [];
    core.forEachEvent((event) => {
      if (event.type === "mark") seen.push(event.name);
      if (core.has(leg)) core.closeLeg(leg, 0);
    });
    expect(seen).toEqual(["a", "b"]);
    expect(core.forEachEvent(() => undefined)).toBe(0);
  });
});

describe("clear (6.4)", () => {
  it.each([10, 20, 30, 60])("silence from the next packet on; all marks come, in order (ptime %i)", (ptimeMs) => {
    const { meet, core, party, leg } = playing(ptimeMs);
    core.play(leg, ramp(0, 8000));
    core.playMark(leg, "one");
    core.play(leg, ramp(0, 4000));
    core.playMark(leg, "two");
    meet.pass(200);
    core.playClear(leg);
    meet.forget();
    core.playMark(leg, "three");
    meet.pass(200);
    expect(party.heard.every((octet) => octet === 0xff)).toBe(true);
    expect(marksOf(meet)).toEqual(["one", "two", "three"]);
    expect(core.playQueued(leg)).toBe(0);
    core.play(leg, ramp(0, 800));
    core.playMark(leg, "four");
    meet.pass(300);
    expect(Buffer.from(party.heard.filter((octet) => octet !== 0xff)).equals(ramp(0, 800))).toBe(true);
    expect(marksOf(meet).at(-1)).toBe("four");
    for (let i = 1; i < party.received.length; i++)
      expect((party.received[i]!.timestamp - party.received[i - 1]!.timestamp) >>> 0).toBe(ptimeMs * 8);
  });

  it("of an empty queue is nothing", () => {
    const { core, leg } = playing();
    core.playClear(leg);
    core.playClear(leg);
    expect(core.forEachEvent(() => undefined)).toBe(0);
  });
});

describe("tracks of streams while something else than audio is sent (media-streams.md 5)", () => {
  it("the outbound track steps by 20 ms through digits and hold", () => {
    const meet = new Meeting();
    const party = meet.party({ telephoneEventPayloadType: 101 });
    const tap = meet.core.openTap({ leg: party.leg, tracks: ["outbound"] }, 0);
    meet.core.play(party.leg, ramp(0, 1600));
    meet.pass(100);
    meet.core.sendDigit(party.leg, "5");
    meet.pass(300);
    meet.core.configureLeg(party.leg, { sending: false }, meet.nowMs);
    meet.pass(400);
    meet.core.configureLeg(party.leg, { sending: true }, meet.nowMs);
    meet.pass(200);
    expect(meet.tapped(tap, "outbound").length).toBe(50 * 160);
  });

  it("where the clock stood still the time of the next frame jumps by what is missing (5.4)", () => {
    const meet = new Meeting();
    const party = meet.party();
    const stream = meet.core.openStream({ leg: party.leg, tracks: ["inbound", "outbound"], streamSid: "MZ1" }, 0);
    const times = (track: string) =>
      (meet.taps.get(`${stream} ${track}`) ?? []).map((frame) => {
        const key = frame.subarray(4, 8);
        const text = Buffer.from(frame.subarray(8).map((octet, i) => octet ^ key[i % 4]!)).toString();
        return Number(JSON.parse(text).media.timestamp);
      });
    meet.pass(200);
    meet.nowMs += 3000;
    meet.pass(200);
    for (const track of ["inbound", "outbound"]) {
      const steps = times(track)
        .slice(1)
        .map((time, i) => time - times(track)[i]!);
      expect(steps.filter((step) => step !== 20)).toHaveLength(1);
      expect(times(track).at(-1)! - times(track)[0]!).toBe(3380);
    }
  });
});
