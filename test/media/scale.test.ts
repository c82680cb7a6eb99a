/** Many legs in one core: what they take, that they cost what is open and not what could be, and that none is forgotten. */
import { describe, expect, it } from "vitest";
import { MediaCore } from "../../src/media/media-core.ts";
import { RelayLoad } from "../support/relay-load.ts";

describe("memory", () => {
  const memoryOf = (legCountMax: number, streamCountMax = 16, conferenceCountMax = 8) =>
    MediaCore.createSync({ legCountMax, streamCountMax, conferenceCountMax }).memoryBytes;

  it("a leg takes at most 8 KiB and its jitter buffer, a stream 2 KiB, a conference 6 KiB", () => {
    const jitterBytes = 16 * 1024;
    const core = memoryOf(64);
    const leg = (memoryOf(4064) - core) / 4000;
    expect(leg).toBeLessThan(17 * 1024);
    expect(leg).toBeLessThanOrEqual(8192 + jitterBytes);
    expect((memoryOf(64, 4016) - core) / 4000).toBeLessThan(2048);
    expect((memoryOf(64, 16, 1008) - core) / 1000).toBeLessThan(6144);
  });

  it("10,240 legs fit into one core, and memory says what it takes and never grows", () => {
    const core = MediaCore.createSync({ legCountMax: 10_240, streamCountMax: 20_480 });
    const { memoryBytes } = core;
    expect(memoryBytes).toBe(core.bytes.buffer.byteLength);
    for (let i = 0; i < 10_240; i++) {
      const leg = core.openLeg({}, 0);
      core.openTap({ leg, tracks: ["inbound"] }, 0);
    }
    expect(core.legCount).toBe(10_240);
    expect(() => core.openLeg({}, 0)).toThrowError(expect.objectContaining({ code: "MEDIA_FULL" }));
    core.tick(20);
    expect(core.memoryBytes).toBe(memoryBytes);
  });
});

describe("slots", () => {
  it("numbers come back: legs and streams opened and closed in any order are never two at once", () => {
    const core = MediaCore.createSync({ legCountMax: 50, streamCountMax: 50 });
    const open = new Map<number, number>();
    let state = 7;
    const random = (max: number): number => {
      state = (Math.imul(state, 1103515245) + 12345) >>> 0;
      return (state >>> 8) % max;
    };
    for (let round = 0; round < 20_000; round++) {
      if (open.size < 50 && random(2) === 0) {
        const leg = core.openLeg({}, round);
        expect(open.has(leg)).toBe(false);
        const stream = core.openTap({ leg, tracks: ["inbound"] }, round);
        expect([...open.values()].includes(stream)).toBe(false);
        open.set(leg, stream);
      } else if (open.size > 0) {
        const [leg, stream] = [...open][random(open.size)]!;
        if (random(2) === 0) core.closeStream(stream);
        core.closeLeg(leg, round);
        open.delete(leg);
        core.forEachDatagram(() => undefined);
      }
      if (round % 100 === 0) core.tick(round);
      core.forEachFrame(() => undefined);
    }
    expect(core.legCount).toBe(open.size);
    expect(core.faults).toBe(0);
  });

  it("legs are spread over four moments of the frame, whatever was closed in between", () => {
    const core = MediaCore.createSync({ legCountMax: 400 });
    const legs = Array.from({ length: 400 }, () => core.openLeg({}, 0));
    // Of the first 300, three in four: what is left is uneven.
    for (let i = 0; i < 300; i++) if (i % 4 !== 0) core.closeLeg(legs[i]!, 0);
    for (let i = 0; i < 225; i++) core.openLeg({}, 0);
    core.tick(1000);
    const served = [1005, 1010, 1015, 1020].map((nowMs) => core.tick(nowMs));
    expect(served).toEqual([100, 100, 100, 100]);
  });

  it("a tick serves the legs that are open and due", () => {
    const core = MediaCore.createSync({ legCountMax: 10_240 });
    for (let i = 0; i < 8; i++) core.openLeg({}, 0);
    core.tick(0);
    expect([5, 10, 15, 20, 20, 24, 25].map((nowMs) => core.tick(nowMs))).toEqual([2, 2, 2, 2, 0, 0, 2]);
  });
});

describe("a relay of 10,000 legs", () => {
  it("loses, repeats and mixes up nothing: 5,000 bridges for a simulated second, every packet looked at", () => {
    const load = new RelayLoad(10_000);
    load.pass(50);
    expect(load.count).toMatchObject({ sent: 500_000, relayed: 500_000, wrong: 0 });
    const totals = { received: 0, sent: 0, lost: 0 };
    for (const leg of load.legs) {
      const stats = load.core.stats(leg);
      totals.received += stats.packetsReceived;
      totals.sent += stats.packetsSent;
      totals.lost += stats.packetsLost;
    }
    expect(totals).toEqual({ received: 500_000, sent: 500_000, lost: 0 });
    expect(load.core.faults).toBe(0);
  });
});
