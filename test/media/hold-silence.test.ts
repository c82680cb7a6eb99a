/** SDP-9: who is held hears what the holder plays, and silence when it plays nothing; never nothing at all. */
import { describe, expect, it } from "vitest";
import { Meeting } from "../support/meeting.ts";

const TONE = Buffer.from(Array.from({ length: 1600 }, (_, i) => (i % 5 === 0 ? 0x80 : 0x12)));

function bridged(codec: "PCMU" | "PCMA" = "PCMU") {
  const meet = new Meeting();
  const held = meet.party({ codec });
  const holder = meet.party();
  meet.core.bridge(held.leg, holder.leg, meet.nowMs);
  held.say = TONE;
  holder.say = TONE;
  meet.pass(1000);
  return { meet, held, holder };
}

describe("the other side of a hold", () => {
  it.each([
    ["PCMU", 0xff],
    ["PCMA", 0xd5],
  ] as const)(
    "a=sendonly and nothing to hear: 20 ms packets of %s silence, one stream without a gap",
    (codec, silence) => {
      const { meet, held, holder } = bridged(codec);
      meet.core.configureLeg(holder.leg, { sending: false }, meet.nowMs);
      holder.say = undefined;
      meet.pass(300);
      meet.forget();
      meet.pass(2000);
      expect(held.received).toHaveLength(100);
      expect(held.heard.every((octet) => octet === silence)).toBe(true);
      expect(holder.received).toHaveLength(0);
      // Resume: what is said comes through again, behind the silence, with numbers that go on.
      const last = held.received.at(-1)!;
      meet.core.configureLeg(holder.leg, { sending: true }, meet.nowMs);
      holder.say = TONE;
      meet.forget();
      meet.pass(1000);
      expect(held.received.length).toBeGreaterThanOrEqual(48);
      const numbers = held.received.map(({ sequence }) => (sequence - last.sequence) & 0xffff);
      expect(numbers).toEqual(Array.from(numbers, (_, i) => i + 1));
      const times = held.received.map(({ timestamp }) => (timestamp - last.timestamp) >>> 0);
      for (let i = 1; i < times.length; i++) expect(times[i]! - times[i - 1]!).toBe(160);
      expect(held.heard.subarray(-1600).every((octet) => octet === silence)).toBe(false);
      expect(holder.received.length).toBeGreaterThanOrEqual(48);
    },
  );

  it("a=sendonly with music: only the music", () => {
    const { meet, held, holder } = bridged();
    meet.core.configureLeg(holder.leg, { sending: false }, meet.nowMs);
    meet.forget();
    meet.pass(1000);
    expect(held.received).toHaveLength(50);
    const tone = Buffer.concat([TONE, TONE, TONE, TONE, TONE, TONE]);
    expect(tone.includes(held.heard.subarray(0, 1600))).toBe(true);
  });

  it("a=inactive: silence at once", () => {
    const { meet, held, holder } = bridged();
    meet.core.configureLeg(holder.leg, { sending: false, receiving: false }, meet.nowMs);
    meet.pass(40);
    meet.forget();
    meet.pass(1000);
    expect(held.received).toHaveLength(50);
    expect(held.heard.every((octet) => octet === 0xff)).toBe(true);
  });

  it("without a hold a pause stays a pause: the far end knows best why it says nothing", () => {
    const { meet, held, holder } = bridged();
    holder.say = undefined;
    meet.forget();
    meet.pass(1000);
    expect(held.received).toHaveLength(0);
  });
});
