import { describe, expect, it } from "vitest";
import { chooseWorker, type WorkerCapacity } from "../../src/scheduler/placement.ts";
import { sharePortRange } from "../../src/scheduler/scheduler.ts";

const worker = (index: number, more: Partial<WorkerCapacity> = {}): WorkerCapacity => ({
  index,
  alive: true,
  legs: 0,
  legCountMax: 100,
  utilisation: 0.1,
  ...more,
});

describe("R-MEDIA-10: which worker a call goes to", () => {
  it.each<[string, WorkerCapacity[], number, number]>([
    ["none when there is none", [], 1, -1],
    ["the one with the most room", [worker(0, { legs: 5 }), worker(1, { legs: 3 })], 1, 1],
    ["by share, not by number", [worker(0, { legs: 50 }), worker(1, { legs: 10, legCountMax: 12 })], 1, 0],
    ["never a dead one", [worker(0, { alive: false }), worker(1, { legs: 90 })], 1, 1],
    ["never a full one", [worker(0, { legs: 100 }), worker(1, { alive: false })], 1, -1],
    ["only where all legs of the call fit", [worker(0, { legs: 99 }), worker(1, { legs: 98 })], 2, 1],
    ["the less busy of two equals", [worker(0, { utilisation: 0.5 }), worker(1, { utilisation: 0.2 })], 1, 1],
    ["a busy one last", [worker(0, { utilisation: 0.95 }), worker(1, { legs: 80 })], 1, 1],
    [
      "a busy one when all are",
      [worker(0, { utilisation: 0.95, legs: 2 }), worker(1, { utilisation: 0.99, legs: 1 })],
      1,
      1,
    ],
    ["the first of equals", [worker(0), worker(1)], 1, 0],
  ])("%s", (_title, workers, legsWanted, wanted) => {
    expect(chooseWorker(workers, legsWanted)).toBe(wanted);
  });
});

describe("R-MEDIA-11: the port range is shared out", () => {
  it.each([
    [10_000, 60_000, 3],
    [10_001, 10_006, 2],
    [2, 5, 2],
    [40_000, 40_019, 7],
    [65_000, 65_535, 4],
  ])("%i-%i among %i: whole pairs, disjoint, nothing outside, nothing left over", (min, max, count) => {
    const shares = Array.from({ length: count }, (_, index) => sharePortRange(min, max, index, count));
    for (const share of shares) {
      expect(share.min % 2).toBe(0);
      expect(share.max % 2).toBe(1);
      expect(share.max).toBeGreaterThan(share.min);
    }
    for (let i = 1; i < count; i++) expect(shares[i]!.min).toBe(shares[i - 1]!.max + 1);
    expect(shares[0]!.min - min).toBeLessThan(2);
    expect(shares[0]!.min).toBeGreaterThanOrEqual(min);
    expect(max - shares[count - 1]!.max).toBeLessThan(2);
    expect(shares[count - 1]!.max).toBeLessThanOrEqual(max);
  });

  it("0,0 stays any port; too small a range is refused by name", () => {
    expect(sharePortRange(0, 0, 1, 4)).toEqual({ min: 0, max: 0 });
    expect(() => sharePortRange(10_000, 10_003, 0, 3)).toThrow(/portMin, portMax/);
    expect(() => sharePortRange(10_000, 70_000, 0, 1)).toThrow(RangeError);
    expect(() => sharePortRange(0, 60_000, 0, 1)).toThrow(RangeError);
  });
});
