/** What holds of the jitter buffer whatever arrives: random senders, random roads, random nonsense. */
import fc from "fast-check";
import { describe, expect, it, vi } from "vitest";
import { JitterBuffer } from "../support/jitter-run.ts";
import { seededRandom } from "../support/seeded-random.ts";
import { loadWasm, type WasmModule } from "../support/wasm.ts";

// Much is simulated; a busy machine may take its time.
vi.setConfig({ testTimeout: 120_000 });

const random = seededRandom(2026);
/** Noise in which eight octets in a row tell where they are. */
const audio = Buffer.from(Array.from({ length: 8000 * 30 }, () => Math.floor(random() * 256)));
const places = new Map<string, number>();
for (let at = 0; at + 8 <= audio.length; at++) places.set(audio.toString("latin1", at, at + 8), at);
const KEY = 8;
const DEPTH_MAX_MS = 512;

/** One module and one place for all runs; a reset and a wipe make it new. */
let shared: { buffer: JitterBuffer; wasm: WasmModule } | undefined;
function fresh(startMs: number): JitterBuffer {
  if (!shared) {
    const wasm = loadWasm();
    shared = { wasm, buffer: new JitterBuffer(startMs, wasm) };
  }
  const { buffer, wasm } = shared;
  wasm.octets().fill(0, buffer.place, buffer.place + wasm.constant("JITTER_BYTES"));
  buffer.reset(startMs);
  return buffer;
}

/** As `expect`, for what is asked a million times. */
function check(holds: boolean, what: string): void {
  if (!holds) throw new Error(what);
}

/** Invariants of every tick, and of the whole. */
class Watch {
  readonly #buffer: JitterBuffer;
  readonly #played = new Uint8Array(audio.length);
  #ticks = 0;
  #inserted = 0;
  #kept = 0;
  #shortened = 0;
  #lengthened = 0;
  #isAfterSound = false;

  constructor(buffer: JitterBuffer) {
    this.#buffer = buffer;
  }

  insert(sequence: number, timestamp: number, payload: Uint8Array, nowMs: number, marker: boolean): void {
    this.#inserted++;
    const status = this.#buffer.insert(sequence, timestamp, payload, nowMs, { marker });
    if (status === 0) this.#kept++;
    else if (status === this.#buffer.wasm.constant("STATUS_MALFORMED")) this.#inserted--;
  }

  tick(nowMs: number): void {
    const { tick, octets } = this.#buffer.tick(nowMs);
    this.#ticks++;
    check(octets.length === 160, "a frame has 160 octets");
    check(tick.play >= 0 && tick.play <= 3, `played ${tick.play}`);
    check(tick.depthMs <= DEPTH_MAX_MS, `depth ${tick.depthMs} ms`);
    check(tick.targetMs >= 0 && tick.targetMs <= 200, `target ${tick.targetMs} ms`);
    const isStretched = tick.shortened !== this.#shortened || tick.lengthened !== this.#lengthened;
    this.#shortened = tick.shortened;
    this.#lengthened = tick.lengthened;
    // Made-up sound and stretches repeat the past by their nature; a joint behind them takes 10 ms at most.
    const from = this.#isAfterSound ? 0 : 80;
    this.#isAfterSound = tick.play === 0;
    if (!isStretched && tick.play === 0) this.#mark(octets, from, nowMs);
  }

  /** Notes which samples of the sender were heard: each of them once. */
  #mark(octets: Buffer, from: number, nowMs: number): void {
    for (let i = from; i + KEY <= 160; ) {
      const at = places.get(octets.toString("latin1", i, i + KEY));
      if (at === undefined) {
        i++;
        continue;
      }
      for (let k = at; i < 160 && octets[i] === audio[k]; k++, i++) {
        if (this.#played[k]) throw new Error(`sample ${k} is heard twice, the second time at ${nowMs} ms`);
        this.#played[k] = 1;
      }
    }
  }

  end(): void {
    const { call, constant } = this.#buffer.wasm;
    const frames = ["NORMAL", "CONCEALED", "SILENCE", "NOISE"].map(
      (name) => call["jitterFrames"]!(this.#buffer.place, constant(`PLAY_${name}`)) >>> 0,
    );
    expect(frames.reduce((sum, n) => sum + n, 0)).toBe(this.#ticks);
    expect(this.#kept + this.#buffer.tell("Late") + this.#buffer.tell("Duplicates")).toBe(this.#inserted);
    expect(this.#buffer.canariesAlive).toBe(true);
  }

  /** Samples of the sender that were heard as they came. */
  get heard(): number {
    let heard = 0;
    for (const sample of this.#played) heard += sample;
    return heard;
  }
}

const packet = fc.record({
  samples: fc.oneof(
    { weight: 6, arbitrary: fc.constant(160) },
    fc.constantFrom(80, 240, 320, 480),
    fc.integer({ min: 1, max: 700 }),
  ),
  delayMs: fc.oneof({ weight: 4, arbitrary: fc.integer({ min: 0, max: 30 }) }, fc.integer({ min: 0, max: 400 })),
  lost: fc.integer({ min: 0, max: 9 }).map((dice) => dice === 0),
  copies: fc.oneof({ weight: 9, arbitrary: fc.constant(1) }, fc.constant(2)),
  pauseMs: fc.oneof({ weight: 30, arbitrary: fc.constant(0) }, fc.integer({ min: 0, max: 3000 })),
  marker: fc.integer({ min: 0, max: 29 }).map((dice) => dice === 0),
  /** The sender's clock leaps, far enough that it cannot be taken for a pause. */
  leap: fc.oneof({ weight: 60, arbitrary: fc.constant(0) }, fc.integer({ min: 40_000, max: 0xffff_0000 })),
});

describe("properties", () => {
  it("any sender over any road: a frame a tick, no sample twice, bounded depth, counters that add up", () => {
    fc.assert(
      fc.property(
        fc.array(packet, { minLength: 1, maxLength: 300 }),
        fc.constantFrom(0, 20, 40, 100, 200),
        fc.integer({ min: 0, max: 0xffff }),
        fc.integer({ min: 0, max: 0xffffffff }),
        fc.integer({ min: 0, max: 19 }),
        (packets, startMs, firstSequence, firstTimestamp, phaseMs) => {
          const watch = new Watch(fresh(startMs));
          const arrivals: {
            at: number;
            n: number;
            sequence: number;
            timestamp: number;
            ms: number;
            marker: boolean;
          }[] = [];
          let [at, sentMs, sequence, timestamp] = [0, 0, firstSequence, firstTimestamp];
          for (const { samples, delayMs, lost, copies, pauseMs, marker, leap } of packets) {
            sentMs += samples / 8 + pauseMs;
            timestamp = (timestamp + pauseMs * 8 + leap) >>> 0;
            for (let copy = 0; copy < copies && !lost; copy++)
              arrivals.push({ at, n: samples, sequence, timestamp, ms: sentMs + delayMs + copy, marker });
            at = (at + samples) % (audio.length - 1000);
            timestamp = (timestamp + samples) >>> 0;
            sequence = (sequence + 1) & 0xffff;
          }
          arrivals.sort((a, b) => a.ms - b.ms);
          let next = 0;
          for (let nowMs = phaseMs; nowMs < sentMs + 600; nowMs += 20) {
            for (; next < arrivals.length && arrivals[next]!.ms <= nowMs; next++) {
              const { at, n, sequence, timestamp, ms, marker } = arrivals[next]!;
              watch.insert(sequence, timestamp, audio.subarray(at, at + n), ms, marker);
            }
            watch.tick(nowMs);
          }
          watch.end();
        },
      ),
      { numRuns: 100, seed: 20_260_101 },
    );
  });

  it("a road within the hold: every sample is heard once, but for what a stretch takes", () => {
    fc.assert(
      fc.property(
        fc.array(fc.integer({ min: 0, max: 35 }), { minLength: 100, maxLength: 200 }),
        fc.constantFrom(80, 160, 240, 480),
        (delays, samples) => {
          const buffer = fresh(60);
          const watch = new Watch(buffer);
          const arrivals = delays.map((delay, i) => ({ i, ms: ((i + 1) * samples) / 8 + delay }));
          arrivals.sort((a, b) => a.ms - b.ms);
          let next = 0;
          for (let nowMs = 3; nowMs < (delays.length * samples) / 8 + 300; nowMs += 20) {
            for (; next < arrivals.length && arrivals[next]!.ms <= nowMs; next++) {
              const { i, ms } = arrivals[next]!;
              watch.insert(i, i * samples, audio.subarray(i * samples, (i + 1) * samples), ms, false);
            }
            watch.tick(nowMs);
          }
          watch.end();
          expect([buffer.tell("Late"), buffer.tell("Duplicates"), buffer.tell("Skipped")]).toEqual([0, 0, 0]);
          const stretched = buffer.tell("Shortened") + buffer.tell("Lengthened");
          expect(watch.heard).toBeGreaterThanOrEqual(delays.length * samples - 720 - 4 * stretched);
        },
      ),
      { numRuns: 30, seed: 7 },
    );
  });

  it("nonsense: any numbers in any order, comfort noise between them, clocks that leap", () => {
    const step = fc.oneof(
      fc.record({
        kind: fc.constant("packet" as const),
        sequence: fc.integer({ min: -70_000, max: 70_000 }),
        timestamp: fc.oneof(fc.integer({ min: 0, max: 0xffffffff }), fc.integer({ min: 0, max: 20_000 })),
        n: fc.integer({ min: 0, max: 1500 }),
        marker: fc.boolean(),
      }),
      fc.record({
        kind: fc.constant("noise" as const),
        timestamp: fc.integer({ min: 0, max: 20_000 }),
        payload: fc.uint8Array({ maxLength: 40 }),
      }),
      fc.record({
        kind: fc.constant("tick" as const),
        byMs: fc.oneof({ weight: 20, arbitrary: fc.constant(20) }, fc.integer({ min: 0, max: 1e7 })),
      }),
    );
    fc.assert(
      fc.property(
        fc.array(step, { minLength: 20, maxLength: 400 }),
        fc.integer({ min: -5, max: 500 }),
        (steps, startMs) => {
          const buffer = fresh(startMs);
          const wasm = buffer.wasm;
          let [nowMs, ticks] = [0, 0];
          for (const action of steps) {
            if (action.kind === "packet")
              buffer.insert(action.sequence, action.timestamp, audio.subarray(0, action.n), nowMs, action);
            else if (action.kind === "noise") buffer.comfortNoise(1, action.timestamp, action.payload);
            else {
              nowMs += action.byMs;
              const { tick } = buffer.tick(nowMs);
              ticks++;
              expect(tick.depthMs).toBeLessThanOrEqual(DEPTH_MAX_MS);
              expect(tick.targetMs).toBeLessThanOrEqual(200);
            }
          }
          const frames = [0, 1, 2, 3].reduce((sum, play) => sum + wasm.call["jitterFrames"]!(buffer.place, play), 0);
          expect(frames).toBe(ticks);
          expect(buffer.canariesAlive).toBe(true);
        },
      ),
      { numRuns: 200, seed: 99 },
    );
  });
});
