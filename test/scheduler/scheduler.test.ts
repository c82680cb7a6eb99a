/** Real threads, started through worker-threads-pool; hardening.md 3, rows about workers. */
import { afterEach, describe, expect, it } from "vitest";
import { SystemClock } from "../../src/base/clock.ts";
import type { Log } from "../../src/base/log.ts";
import { silentLog } from "../../src/base/log.ts";
import { Scheduler, type SchedulerOptions } from "../../src/scheduler/scheduler.ts";
import { STREAM_DEFAULTS } from "../support/stream-harness.ts";

const running: Scheduler[] = [];

afterEach(async () => {
  await Promise.all(running.splice(0).map((scheduler) => scheduler.stop()));
});

/** Runs timers of a minute in no time, and leaves short ones alone. */
class HastyClock extends SystemClock {
  readonly long: number[] = [];
  #skippedMs = 0;
  override nowMs(): number {
    return super.nowMs() + this.#skippedMs;
  }
  override after(delayMs: number, callback: () => void) {
    if (delayMs < 20_000) return super.after(delayMs, callback);
    this.long.push(delayMs);
    return super.after(1, () => {
      this.#skippedMs += delayMs;
      callback();
    });
  }
}

function make(more: Partial<SchedulerOptions> = {}): Scheduler {
  const scheduler = new Scheduler({
    workerCount: 2,
    wasmUrl: "",
    legCountMax: 4,
    portMin: 30_000,
    portMax: 30_099,
    stream: STREAM_DEFAULTS,
    clock: new SystemClock(),
    log: silentLog,
    workerUrl: new URL("./thread-fixture.mjs", import.meta.url),
    ...more,
  });
  running.push(scheduler);
  return scheduler;
}

async function until(done: () => boolean): Promise<void> {
  while (!done()) await new Promise((resolve) => setTimeout(resolve, 2));
}

describe("R-PERF-4: workers", () => {
  it("starts as many as were asked for, with disjoint port ranges", async () => {
    const scheduler = make({ workerCount: 3 });
    await scheduler.start();
    expect(scheduler.workers.map(({ index, accepting }) => [index, accepting])).toEqual([
      [0, true],
      [1, true],
      [2, true],
    ]);
    const firstPorts = await Promise.all(
      scheduler.workers.map(async (worker) => (await worker.request("load", null)).packetsIn),
    );
    expect(new Set(firstPorts).size).toBe(3);
  });

  it("places where there is room and says MEDIA_FULL when there is none", async () => {
    const scheduler = make();
    expect(() => scheduler.place()).toThrow(expect.objectContaining({ code: "MEDIA_FULL" }));
    await scheduler.start();
    const counts = [0, 0];
    for (let call = 0; call < 4; call++) {
      const worker = scheduler.place(2);
      worker.reserve(2);
      counts[worker.index]!++;
    }
    expect(counts).toEqual([2, 2]);
    expect(() => scheduler.place()).toThrow(expect.objectContaining({ code: "MEDIA_FULL" }));
    scheduler.workers[1]!.release(2);
    expect(scheduler.place(2).index).toBe(1);
  });

  it("stops all threads; starting again is possible", async () => {
    const scheduler = make();
    await scheduler.start();
    const [first] = scheduler.workers;
    await scheduler.stop();
    expect(first!.alive).toBe(false);
    expect(scheduler.workers).toEqual([]);
    await scheduler.start();
    expect(scheduler.workers.length).toBe(2);
  });

  it("refuses what cannot be", () => {
    expect(() => make({ workerCount: 0 })).toThrow(RangeError);
    expect(() => make({ portMin: 30_000, portMax: 30_001 })).toThrow(RangeError);
  });
});

describe("hardening.md 3: a worker that fails", () => {
  it.each([
    ["throws", 1],
    ["exits", 3],
    ["is stuck in an endless loop", 2],
  ])("%s: its requests reject, it is replaced, the other is unharmed", async (_title, legId) => {
    const scheduler = make();
    const lost: number[] = [];
    scheduler.onWorkerLost = (index) => lost.push(index);
    await scheduler.start();
    const [victim, other] = scheduler.workers;
    const told: string[] = [];
    victim!.subscribe(5, { onLegLost: (reason) => told.push(reason) });
    await expect(victim!.request("unbridge", { legId })).rejects.toMatchObject({ code: "MEDIA_WORKER_LOST" });
    expect(told.length).toBe(1);
    expect(lost).toEqual([0]);
    await until(() => scheduler.workers[0] !== victim && scheduler.workers[0]!.accepting);
    expect(scheduler.workers[1]).toBe(other);
    expect(other!.alive).toBe(true);
    expect(await scheduler.workers[0]!.request("unbridge", { legId: 9 })).toBeNull();
  });

  it("3 deaths in 60 s open a breaker for a minute, not a loop", async () => {
    const errors: string[] = [];
    const log: Log = { ...silentLog, error: (message) => errors.push(message) };
    const clock = new HastyClock();
    const scheduler = make({ workerCount: 1, clock, log });
    await scheduler.start();
    for (let death = 1; death <= 3; death++) {
      const victim = scheduler.workers[0]!;
      await victim.request("unbridge", { legId: 1 }).catch(() => {});
      if (death < 3) {
        await until(() => scheduler.workers[0] !== victim && scheduler.workers[0]!.accepting);
        expect(clock.long).toEqual([]);
      }
    }
    expect(clock.long).toEqual([60_000]);
    expect(errors.filter((message) => message.includes("no replacement for a minute")).length).toBe(1);
    await until(() => scheduler.workers[0]!.accepting);
    // After that minute one more death is enough.
    await scheduler.workers[0]!.request("unbridge", { legId: 1 }).catch(() => {});
    expect(clock.long).toEqual([60_000, 60_000]);
  });

  it("a thread that cannot start makes start() reject and leaves nothing running", async () => {
    const scheduler = make({ wasmUrl: "dies-at-start" });
    await expect(scheduler.start()).rejects.toMatchObject({ code: "MEDIA_WORKER_LOST" });
    expect(scheduler.workers).toEqual([]);
  });

  it("a thread entry that does not exist rejects too, and throws nowhere else", async () => {
    const scheduler = make({ workerUrl: new URL("./no-such-file.mjs", import.meta.url) });
    await expect(scheduler.start()).rejects.toMatchObject({ code: "MEDIA_WORKER_LOST" });
  });
});
