/** Comfort noise, both ways: RFC 3389 payloads, the noise made of them, and what a sender with pauses sends. */
import { describe, expect, it } from "vitest";
import { JitterBuffer } from "../support/jitter-run.ts";
import { seededRandom } from "../support/seeded-random.ts";
import { makeSpeech } from "../support/speech.ts";
import { loadWasm } from "../support/wasm.ts";

const OVERLOAD = 32_124;
const NOISE = 3;

/** `seconds` of noise as the payload describes it. */
function noiseOf(payload: Uint8Array, seconds = 4): Int16Array {
  const buffer = new JitterBuffer();
  expect(buffer.comfortNoise(1, 0, payload)).toBe(0);
  const parts = Array.from({ length: seconds * 50 }, (_, tick) => {
    const { play, octets } = buffer.take(tick * 20);
    expect(play).toBe(NOISE);
    return octets;
  });
  return buffer.decode(Buffer.concat(parts));
}

const dBov = (samples: Int16Array) =>
  20 * Math.log10(Math.sqrt(samples.reduce((sum, s) => sum + s * s, 0) / samples.length) / OVERLOAD);

/** Reflection coefficients of a long signal, by Schur's recursion: not the way the module does it. */
function reflections(samples: ArrayLike<number>, order: number): number[] {
  const r = Array.from({ length: order + 1 }, (_, lag) => {
    let sum = 0;
    for (let i = lag; i < samples.length; i++) sum += samples[i]! * samples[i - lag]!;
    return sum;
  });
  let forward = r.slice(1);
  let backward = r.slice(0, order);
  const found: number[] = [];
  for (let m = 0; m < order; m++) {
    const k = -forward[0]! / backward[0]!;
    found.push(k);
    const [f, b] = [forward, backward];
    forward = f.map((x, i) => x + k * b[i]!).slice(1);
    backward = b.map((x, i) => x + k * f[i]!).slice(0, -1);
  }
  return found;
}

const octetOf = (k: number) => Math.min(254, Math.max(0, 127 + Math.round((k * 32_768) / 258)));

describe("RFC 3389 3: noise of a description", () => {
  it.each([20, 30, 40, 50, 60, 66])("3.1 a level of -%i dBov, white", (level) => {
    expect(Math.abs(dBov(noiseOf(Uint8Array.of(level))) + level)).toBeLessThan(0.7);
  });

  it("3.1 the highest bit is no part of the level", () => {
    expect(Math.abs(dBov(noiseOf(Uint8Array.of(0x80 | 40))) + 40)).toBeLessThan(0.7);
  });

  it("3.1 the softest is silence, the loudest does not wrap", () => {
    expect(noiseOf(Uint8Array.of(127)).every((sample) => Math.abs(sample) <= 8)).toBe(true);
    expect(dBov(noiseOf(Uint8Array.of(0)))).toBeGreaterThan(-3);
  });

  it.each([
    ["low-pass", [-0.7]],
    ["high-pass", [0.5]],
    ["a resonance", [-0.6, 0.7]],
    ["an office", [-0.8, 0.4, -0.2, 0.3, -0.1, 0.1, 0.05, -0.05, 0.1, -0.1]],
  ])("3.2 spectral information: %s keeps its level and has its coefficients", (_name, shape) => {
    const samples = noiseOf(Uint8Array.of(30, ...shape.map(octetOf)), 20);
    expect(Math.abs(dBov(samples) + 30)).toBeLessThan(1);
    const found = reflections(samples, shape.length);
    for (const [i, k] of shape.entries()) expect(Math.abs(found[i]! - k), `coefficient ${i}`).toBeLessThan(0.05);
  });

  it("3.2 coefficients at the end of their range, reserved ones and too many of them stay bounded", () => {
    for (const payload of [
      Uint8Array.of(10, 0, 254, 0, 254, 0, 254, 0, 254, 0, 254),
      Uint8Array.from({ length: 200 }, (_, i) => (i === 0 ? 20 : 254)),
      Uint8Array.from({ length: 50 }, () => 255),
      Uint8Array.from({ length: 50 }, () => 0),
    ]) {
      const samples = noiseOf(payload, 2);
      expect(samples.length).toBe(16_000);
    }
    // Reserved coefficients count as zero: white noise of the level.
    expect(Math.abs(dBov(noiseOf(Uint8Array.of(30, 255, 255))) + 30)).toBeLessThan(0.7);
  });

  it("an empty payload describes nothing", () => {
    const buffer = new JitterBuffer();
    expect(buffer.comfortNoise(1, 0, new Uint8Array(0))).toBe(buffer.wasm.constant("STATUS_MALFORMED"));
    expect(buffer.take(0).play).toBe(2);
  });

  it("does not repeat itself: no period within 2 s", () => {
    const samples = noiseOf(Uint8Array.of(30), 4);
    const power = samples.reduce((sum, s) => sum + s * s, 0) / samples.length;
    for (let lag = 1; lag < 16_000; lag += 7) {
      let product = 0;
      for (let i = 0; i < 4000; i++) product += samples[i]! * samples[i + lag]!;
      expect(Math.abs(product / 4000 / power)).toBeLessThan(0.12);
    }
  });
});

describe("RFC 3389 4: a sender that is silent in pauses", () => {
  class Sender {
    readonly wasm = loadWasm();
    readonly #state = this.wasm.reserve(this.wasm.constant("DTX_BYTES"));
    readonly #frame = this.wasm.reserve(160);
    readonly #payload = this.wasm.reserve(64);
    constructor() {
      this.wasm.call["dtxReset"]!(this.#state);
    }
    /** Audio (0), nothing (-1) or a payload. */
    step(octets: Uint8Array, order = 10): number | Buffer {
      this.wasm.write(this.#frame, octets);
      const result = this.wasm.call["dtxStep"]!(this.#state, this.#frame, order, this.#payload);
      return result > 0 ? this.wasm.read(this.#payload, result) : result;
    }
  }
  const encoder = new JitterBuffer();

  /** Noise through A(z) = 1 - 0.9 z^-1, of a level in dBov. */
  function roomNoise(seconds: number, level: number, seed = 7): Float64Array {
    const random = seededRandom(seed);
    let y = 0;
    const gain = OVERLOAD * 10 ** (-level / 20) * Math.sqrt(12 * (1 - 0.81));
    return Float64Array.from({ length: seconds * 8000 }, () => {
      y = 0.9 * y + (random() - 0.5) * gain;
      return y;
    });
  }

  /** Speech for two seconds, a pause of three, and so on. */
  function talk(seconds: number, level: number): { octets: Buffer; talks: (frame: number) => boolean } {
    const speech = makeSpeech({ seconds, pauses: false, background: 0 }).samples;
    const noise = roomNoise(seconds, level);
    const talks = (frame: number) => frame % 250 < 100;
    const samples = Int16Array.from(noise, (x, i) => Math.round(x + (talks(Math.floor(i / 160)) ? speech[i]! : 0)));
    return { octets: encoder.encode(samples), talks };
  }

  it.each([45, 55])(
    "speech over a room of -%i dBov: all speech is sent, three quarters of the pauses are not",
    (level) => {
      const { octets, talks } = talk(30, level);
      const sender = new Sender();
      const descriptions: Buffer[] = [];
      let [cut, saved, paused] = [0, 0, 0];
      for (let frame = 0; frame * 160 < octets.length; frame++) {
        const result = sender.step(octets.subarray(frame * 160, frame * 160 + 160));
        if (typeof result !== "number") descriptions.push(result);
        if (talks(frame) && result !== 0) cut++;
        if (!talks(frame)) {
          paused++;
          if (result !== 0) saved++;
        }
      }
      expect(cut).toBeLessThanOrEqual(30 * 2);
      expect(saved / paused).toBeGreaterThan(0.75);
      // One at the beginning of each of six pauses, and one a second.
      expect(descriptions.length).toBeGreaterThanOrEqual(6);
      expect(descriptions.length).toBeLessThanOrEqual(6 * 5);
      for (const payload of descriptions) {
        expect(payload.length).toBe(11);
        expect(Math.abs(payload[0]! - level)).toBeLessThanOrEqual(3);
        // The room falls by one pole at 0.9.
        expect(Math.abs((258 * (payload[1]! - 127)) / 32_768 + 0.9)).toBeLessThan(0.12);
      }
    },
  );

  it("the order may be anything from 0 to 10", () => {
    const octets = encoder.encode(Int16Array.from(roomNoise(2, 50)));
    for (const order of [-1, 0, 1, 5, 10, 99]) {
      const sender = new Sender();
      const found: Buffer[] = [];
      for (let at = 0; at < octets.length; at += 160) {
        const result = sender.step(octets.subarray(at, at + 160), order);
        if (typeof result !== "number") found.push(result);
      }
      expect(found[0]!.length).toBe(1 + Math.min(10, Math.max(0, order)));
    }
  });

  it("a room that becomes 6 dB louder is described anew", () => {
    const sender = new Sender();
    const levels: number[] = [];
    for (const level of [60, 54]) {
      const octets = encoder.encode(Int16Array.from(roomNoise(4, level)));
      for (let at = 0; at < octets.length; at += 160) {
        const result = sender.step(octets.subarray(at, at + 160));
        if (typeof result !== "number") levels.push(result[0]!);
      }
    }
    expect(Math.abs(levels[0]! - 60)).toBeLessThanOrEqual(2);
    expect(Math.abs(levels.at(-1)! - 54)).toBeLessThanOrEqual(2);
  });

  it("what is described and made again sounds like the room: level and coefficients", () => {
    const room = roomNoise(6, 45);
    const octets = encoder.encode(Int16Array.from(room));
    const sender = new Sender();
    let last: Buffer | undefined;
    for (let at = 0; at < octets.length; at += 160) {
      const result = sender.step(octets.subarray(at, at + 160));
      if (typeof result !== "number") last = result;
    }
    const made = noiseOf(last!, 10);
    expect(Math.abs(dBov(made) + 45)).toBeLessThan(2);
    const [a, b] = [reflections(room, 3), reflections(made, 3)];
    for (let i = 0; i < 3; i++) expect(Math.abs(a[i]! - b[i]!)).toBeLessThan(0.15);
  });

  it("digital silence is a pause of -127 dBov; speech from the first frame on is sent", () => {
    const silent = new Sender();
    const results = Array.from({ length: 30 }, () => silent.step(Buffer.alloc(160, 0xff)));
    const payload = results.find((result) => typeof result !== "number") as Buffer;
    expect(payload[0]).toBe(127);
    const loud = new Sender();
    const speech = encoder.encode(makeSpeech({ seconds: 2, pauses: false }).samples);
    const sent = Array.from({ length: 100 }, (_, i) => loud.step(speech.subarray(i * 160, i * 160 + 160)));
    expect(sent.slice(5, 60).filter((result) => result !== 0)).toEqual([]);
  });
});
