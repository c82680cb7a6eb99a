import { describe, expect, it } from "vitest";
import { silentLog } from "../../src/base/log.ts";
import { type Thread, WorkerHandle } from "../../src/scheduler/worker-handle.ts";
import type { WorkerLoad, WorkerMessage } from "../../src/worker/protocol.ts";
import { ManualClock } from "../support/manual-clock.ts";

const load: WorkerLoad = {
  legs: 0,
  streams: 0,
  packetsIn: 0,
  packetsOut: 0,
  framesOut: 0,
  framesDropped: 0,
  lateTicks: 0,
  worstLatenessMs: 0,
  utilisation: 0,
  datagrams: "dgram",
};
const READY: WorkerMessage = { notice: "ready", abiVersion: 1, datagrams: "dgram", why: "" };

/** The near end of a thread that a test plays. */
class PlayedThread implements Thread {
  readonly sent: { id: number; name: string; args: unknown }[] = [];
  terminated = 0;
  readonly #listeners = new Map<string, (value: never) => void>();

  postMessage(message: unknown): void {
    this.sent.push(...(structuredClone(message) as { id: number; name: string; args: unknown }[]));
  }

  terminate(): Promise<number> {
    this.terminated++;
    return Promise.resolve(1);
  }

  on(event: string, listener: (value: never) => void): void {
    this.#listeners.set(event, listener);
  }

  emit(event: string, value: unknown): void {
    this.#listeners.get(event)?.(value as never);
  }

  say(message: WorkerMessage): void {
    this.emit("message", [message]);
  }
}

function make() {
  const thread = new PlayedThread();
  const clock = new ManualClock();
  const gone: string[] = [];
  const handle = new WorkerHandle(thread, {
    index: 3,
    legCountMax: 10,
    clock,
    log: silentLog,
    onGone: (_handle, reason) => gone.push(reason),
  });
  return { thread, clock, gone, handle };
}

describe("requests", () => {
  it("each gets its own reply, in whatever order", async () => {
    const { thread, handle } = make();
    const first = handle.request("unbridge", { legId: 1 });
    const second = handle.request("load", null);
    expect(thread.sent.map(({ name }) => name)).toEqual(["unbridge", "load"]);
    thread.say({ id: thread.sent[1]!.id, ok: true, value: load });
    thread.say({ id: thread.sent[0]!.id, ok: true, value: null });
    expect(await second).toEqual(load);
    expect(await first).toBeNull();
  });

  it("a refusal comes back with its code as the class that it is", async () => {
    const { thread, handle } = make();
    const cases = [
      ["MEDIA_NO_PORT", "MediaError"],
      ["INVALID_ARGUMENT", "RangeError"],
      ["MEDIA_BUSY", "GatewayError"],
    ] as const;
    for (const [code, name] of cases) {
      const request = handle.request("unbridge", { legId: 1 });
      thread.say({ id: thread.sent.at(-1)!.id, ok: false, code, message: "why" });
      const error = await request.catch((thrown: Error & { code?: string }) => thrown);
      expect(error).toMatchObject({ name, message: "why" });
      if (name !== "RangeError") expect(error).toMatchObject({ code });
    }
  });

  it("arguments that cannot cross threads are the caller's mistake and leave nothing behind", async () => {
    const { handle } = make();
    const args = { legId: (() => {}) as unknown as number };
    await expect(handle.request("unbridge", args)).rejects.toThrow(TypeError);
  });

  it("what is asked for in one turn crosses together, and what cannot cross stops nobody else", async () => {
    const thread = new PlayedThread();
    const posted: number[] = [];
    const post = thread.postMessage.bind(thread);
    thread.postMessage = (message) => {
      post(message);
      posted.push((message as unknown[]).length);
    };
    const ends: (() => void)[] = [];
    const handle = new WorkerHandle(thread, {
      index: 0,
      legCountMax: 10,
      clock: new ManualClock(),
      log: silentLog,
      defer: (work) => ends.push(work),
    });
    const [first, second] = [handle.request("unbridge", { legId: 1 }), handle.request("unbridge", { legId: 2 })];
    expect(posted).toEqual([]);
    ends.shift()!();
    expect(posted).toEqual([2]);
    for (const { id } of [...thread.sent]) thread.say({ id, ok: true, value: null });
    expect(await Promise.all([first, second])).toEqual([null, null]);

    const bad = handle.request("unbridge", { legId: (() => {}) as unknown as number });
    const good = handle.request("unbridge", { legId: 3 });
    ends.shift()!();
    await expect(bad).rejects.toThrow(TypeError);
    thread.say({ id: thread.sent.at(-1)!.id, ok: true, value: null });
    expect(await good).toBe(null);
  });

  it("replies to nobody are ignored", () => {
    const { thread, handle } = make();
    thread.say({ id: 99, ok: true, value: null });
    expect(handle.alive).toBe(true);
  });
});

describe("notices", () => {
  it("go to those who follow the leg, until they stop", () => {
    const { thread, handle } = make();
    const seen: unknown[] = [];
    const stop = handle.subscribe(7, {
      onLegEvent: (event) => seen.push(event.type),
      onStreamEvent: (sid, event) => seen.push(sid, event.type),
      onPlayEnded: (playId, completed) => seen.push(playId, completed),
      onRecordingFailed: (recordingId, reason) => seen.push(recordingId, reason),
    });
    thread.say({ notice: "leg-event", legId: 7, event: { type: "first-packet", leg: 0 } });
    thread.say({ notice: "leg-event", legId: 8, event: { type: "first-packet", leg: 1 } });
    thread.say({ notice: "stream-event", legId: 7, streamSid: "MZ", event: { type: "started" } });
    thread.say({ notice: "play-ended", legId: 7, playId: 4, completed: true });
    thread.say({ notice: "recording-failed", legId: 7, recordingId: 9, reason: "full" });
    stop();
    thread.say({ notice: "leg-event", legId: 7, event: { type: "silent", leg: 0 } });
    expect(seen).toEqual(["first-packet", "MZ", "started", 4, true, 9, "full"]);
  });

  it("one listener that throws does not stop the others", () => {
    const { thread, handle } = make();
    const seen: string[] = [];
    handle.subscribe(7, {
      onLegEvent: () => {
        throw new Error("mine");
      },
    });
    handle.subscribe(7, { onLegEvent: (event) => seen.push(event.type) });
    thread.say({ notice: "leg-event", legId: 7, event: { type: "silent", leg: 0 } });
    expect(seen).toEqual(["silent"]);
  });

  it("ready makes it accept calls; load is kept", async () => {
    const { thread, handle } = make();
    expect(handle.accepting).toBe(false);
    thread.say(READY);
    await handle.ready;
    thread.say({ notice: "load", load });
    expect(handle).toMatchObject({ accepting: true, abiVersion: 1, datagrams: "dgram", load });
  });

  it("slots are reserved and released", () => {
    const { handle } = make();
    handle.reserve(2);
    handle.reserve(1);
    handle.release(2);
    expect(handle.reservedLegs).toBe(1);
    handle.release(5);
    expect(handle.reservedLegs).toBe(0);
  });
});

describe("death", () => {
  it.each([
    ["error", new Error("boom"), "it threw: boom"],
    ["exit", 1, "it exited with code 1"],
    ["messageerror", new Error("odd"), "a message could not be read: odd"],
  ])("%s rejects what waits, tells the legs once, and says so once", async (event, value, reason) => {
    const { thread, handle, gone } = make();
    thread.say(READY);
    const lost: string[] = [];
    handle.subscribe(7, { onLegLost: (why) => lost.push(why) });
    const request = handle.request("load", null);
    thread.emit(event, value);
    thread.emit("exit", 1);
    await expect(request).rejects.toMatchObject({ code: "MEDIA_WORKER_LOST" });
    await expect(handle.request("load", null)).rejects.toMatchObject({ code: "MEDIA_WORKER_LOST" });
    expect(lost).toEqual([`media worker 3: ${reason}`]);
    expect(gone).toEqual([reason]);
    expect(handle.alive).toBe(false);
    expect(thread.terminated).toBeGreaterThan(0);
  });

  it("a thread that dies before it is ready rejects `ready`", async () => {
    const { thread, handle } = make();
    thread.emit("error", new Error("no module"));
    await expect(handle.ready).rejects.toMatchObject({ code: "MEDIA_WORKER_LOST" });
  });

  it("a leg that the engine gave up is told alone", () => {
    const { thread, handle } = make();
    const lost: string[] = [];
    handle.subscribe(7, { onLegLost: (why) => lost.push(why) });
    handle.subscribe(8, { onLegLost: () => lost.push("wrong") });
    thread.say({ notice: "leg-lost", legId: 7, reason: "trap" });
    expect(lost).toEqual(["trap"]);
    expect(handle.alive).toBe(true);
  });
});

describe("the watchdog (hardening.md 3: worker stuck in an endless loop)", () => {
  it("3 s of silence end a worker, a report each second keeps it", () => {
    const { thread, clock, gone } = make();
    thread.say(READY);
    for (let second = 0; second < 10; second++) {
      clock.advance(1000);
      thread.say({ notice: "load", load });
    }
    clock.advance(2999);
    expect(gone).toEqual([]);
    clock.advance(1);
    expect(gone).toEqual(["it was silent for 3000 ms"]);
  });

  it("gives a thread 15 s to become ready", () => {
    const { clock, gone } = make();
    clock.advance(14_999);
    expect(gone).toEqual([]);
    clock.advance(1);
    expect(gone).toEqual(["it did not become ready"]);
  });

  it("does not blame a worker for a stall of our own thread", () => {
    const { thread, clock, gone } = make();
    thread.say(READY);
    clock.stall(10_000);
    clock.advance(0);
    expect(gone).toEqual([]);
    // The reports that had queued up meanwhile are read now.
    thread.say({ notice: "load", load });
    clock.advance(2999);
    expect(gone).toEqual([]);
    clock.advance(1);
    expect(gone.length).toBe(1);
  });

  it("leaves no timer behind", () => {
    const { thread, clock, handle } = make();
    thread.say(READY);
    handle.kill("enough");
    expect(clock.pendingTimers).toBe(0);
  });
});

describe("stop", () => {
  it("asks, then ends the thread; the loss is nobody's fault", async () => {
    const { thread, handle } = make();
    thread.say(READY);
    const stopped = handle.stop();
    expect(handle.accepting).toBe(false);
    expect(thread.sent.at(-1)).toMatchObject({ name: "shutdown" });
    thread.say({ id: thread.sent.at(-1)!.id, ok: true, value: null });
    await stopped;
    expect(handle.alive).toBe(false);
  });

  it("ends a thread by force that does not answer", async () => {
    const { thread, clock, handle } = make();
    thread.say(READY);
    const stopped = handle.stop(2000);
    clock.advance(2000);
    expect(thread.terminated).toBe(1);
    thread.emit("exit", 1);
    await stopped;
  });
});
