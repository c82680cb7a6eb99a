/** The end of a far end's SRTP key (RFC 4568 6.1, SDP-SEC-3). */
import { describe, expect, it } from "vitest";
import { KeyLifetime } from "../../src/calls/key-lifetime.ts";
import { ManualClock } from "../support/manual-clock.ts";

const key = (octet: number, receiveLifetimePackets: number | null) => ({
  receiveKeySalt: new Uint8Array(30).fill(octet),
  receiveLifetimePackets,
});

function made() {
  const clock = new ManualClock();
  const state = { packets: 0, looks: 0, overs: 0 };
  const lifetime = new KeyLifetime(
    clock,
    async () => {
      state.looks++;
      return state.packets;
    },
    () => state.overs++,
  );
  /** Time passes and packets come, 50 in a second, until so many more have come or the end was told. */
  const receive = async (packets: number): Promise<void> => {
    for (const end = state.packets + packets; state.packets < end && state.overs === 0; state.packets += 50) {
      clock.advance(1000);
      await Promise.resolve();
      await Promise.resolve();
    }
  };
  return { clock, lifetime, state, receive };
}

const settled = async (): Promise<void> => {
  for (let turn = 0; turn < 5; turn++) await Promise.resolve();
};

describe("SDP-SEC-3 the lifetime of their key", () => {
  it("ends the use of a key before the last packet, and looks seldom until then", async () => {
    const { lifetime, state, receive, clock } = made();
    lifetime.follow(key(1, 2 ** 16));
    await settled();
    await receive(2 ** 17);
    expect(state.overs).toBe(1);
    expect(state.packets).toBeGreaterThan(2 ** 16 - 500);
    expect(state.packets).toBeLessThanOrEqual(2 ** 16);
    expect(state.looks).toBeLessThan(20);
    expect(clock.pendingTimers).toBe(0);
  });

  it("the same key again goes on, a new one begins anew (SDP-SEC-6)", async () => {
    const { lifetime, state, receive } = made();
    lifetime.follow(key(1, 10_000));
    await settled();
    await receive(6000);
    lifetime.follow(key(1, 10_000));
    await settled();
    await receive(3000);
    lifetime.follow(key(2, 10_000));
    await settled();
    await receive(9000);
    expect(state.overs).toBe(0);
    await receive(2000);
    expect(state.overs).toBe(1);
  });

  it("goes on counting where media that moved begin at nothing", async () => {
    const { lifetime, state, receive } = made();
    lifetime.follow(key(1, 10_000));
    await settled();
    await receive(6000);
    await lifetime.look();
    state.packets = 0;
    await receive(5000);
    expect(state.overs).toBe(1);
    expect(state.packets).toBeLessThanOrEqual(4000);
  });

  it("no lifetime, one that no call reaches, and plain RTP cost nothing", async () => {
    const { lifetime, state, clock } = made();
    for (const one of [key(1, null), key(2, 2 ** 48), key(3, 2 ** 24), null]) {
      lifetime.follow(one);
      await settled();
      await lifetime.look();
    }
    expect(state.looks).toBe(0);
    expect(clock.pendingTimers).toBe(0);
  });
});
