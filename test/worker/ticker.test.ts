import { describe, expect, it } from "vitest";
import { Ticker } from "../../src/worker/ticker.ts";
import { ManualClock } from "../support/manual-clock.ts";

function make(polls: boolean, datagrams: () => number = () => 0) {
  const clock = new ManualClock();
  const startMs = clock.nowMs();
  const ticks: number[] = [];
  const polled: number[] = [];
  const ticker = new Ticker(clock, polls, {
    poll: (nowMs) => {
      polled.push(nowMs - startMs);
      return datagrams();
    },
    tick: (nowMs) => ticks.push(nowMs - startMs),
  });
  ticker.start();
  return { clock, ticker, ticks, polled };
}

describe("ticker", () => {
  it("ticks every 5 ms on absolute deadlines, and not between", () => {
    const { clock, ticks, polled } = make(false);
    clock.advance(21);
    expect(ticks).toEqual([5, 10, 15, 20]);
    expect(polled).toEqual([]);
  });

  it("does not drift when each tick comes a little late", () => {
    const { clock, ticks } = make(false);
    for (let i = 0; i < 1000; i++) {
      clock.stall(0.7);
      clock.advance(4.3);
    }
    expect(ticks.length).toBe(1000);
    expect(ticks.at(-1)! - ticks[0]!).toBeLessThanOrEqual(4996);
  });

  it("makes up for nothing after a stall: one tick, then the next deadline", () => {
    const { clock, ticks, ticker } = make(false);
    clock.advance(5);
    clock.stall(203);
    clock.advance(0);
    expect(ticks).toEqual([5, 208]);
    clock.advance(7);
    expect(ticks).toEqual([5, 208, 210, 215]);
    expect(ticker.takeLateness()).toEqual({ lateTicks: 1, worstLatenessMs: 198 });
    expect(ticker.takeLateness()).toEqual({ lateTicks: 0, worstLatenessMs: 0 });
  });

  it("polls each ms while little comes, and seldom while much does", () => {
    let datagrams = 0;
    const { clock, polled } = make(true, () => datagrams);
    clock.advance(10);
    expect(polled.length).toBe(10);
    datagrams = 100;
    clock.advance(50);
    expect(polled.length).toBeLessThanOrEqual(21);
    datagrams = 20;
    clock.advance(5);
    polled.length = 0;
    clock.advance(100);
    expect(polled.length).toBeGreaterThan(40);
    expect(polled.length).toBeLessThanOrEqual(70);
  });

  it("stops, also from inside its work, and leaves no timer behind", () => {
    const { clock, ticker, ticks } = make(true);
    clock.advance(7);
    ticker.stop();
    clock.advance(50);
    expect(ticks).toEqual([5]);
    expect(clock.pendingTimers).toBe(0);
    ticker.start();
    ticker.start();
    clock.advance(5);
    expect(ticks).toEqual([5, 62]);
    const inside: Ticker = new Ticker(clock, false, { poll: () => 0, tick: () => inside.stop() });
    ticker.stop();
    inside.start();
    clock.advance(50);
    expect(clock.pendingTimers).toBe(0);
  });
});
