/** Mix-minus against plain arithmetic: for every leg the sum of all others, saturated to 16 bits. */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { loadWasm } from "../support/wasm.ts";

const SAMPLES = 160;
const LEGS_MAX = 64;
const wasm = loadWasm();
const legs = wasm.reserve((LEGS_MAX + 2) * 320);
const out = wasm.reserve((LEGS_MAX + 2) * 320);
const sums = wasm.reserve(wasm.constant("MIX_SUM_BYTES") + 64);

function saturate(value: number): number {
  return Math.max(-32_768, Math.min(32_767, value));
}

/** What each of `frames` hears. */
function others(frames: readonly Int16Array[]): Int16Array[] {
  const total = Array.from({ length: SAMPLES }, (_, i) => frames.reduce((sum, frame) => sum + frame[i]!, 0));
  return frames.map((own) => Int16Array.from(total, (sum, i) => saturate(sum - own[i]!)));
}

function place(frames: readonly Int16Array[]): void {
  frames.forEach((frame, k) => wasm.write(legs + k * 320, octetsOf(frame)));
}

function octetsOf(frame: Int16Array): Uint8Array {
  return new Uint8Array(frame.buffer, frame.byteOffset, frame.byteLength);
}

function heard(from: number, count: number): Int16Array[] {
  return Array.from({ length: count }, (_, k) => {
    const octets = wasm.read(from + k * 320, 320);
    return Int16Array.from({ length: SAMPLES }, (_sample, i) => octets.readInt16LE(i * 2));
  });
}

/** From whispers that never clip to noise that always does, with the extremes strewn in. */
const frame = fc
  .tuple(fc.constantFrom(0, 1, 40, 700, 5000, 20_000, 32_767), fc.integer({ min: 1, max: 2 ** 31 - 1 }), fc.boolean())
  .map(([peak, seed, extremes]) => {
    let state = seed;
    return Int16Array.from({ length: SAMPLES }, () => {
      state = (Math.imul(state, 1_103_515_245) + 12_345) & 0x7fffffff;
      const draw = (state >> 8) & 0xffff;
      if (extremes && draw % 37 === 0) return draw & 0x100 ? 32_767 : -32_768;
      return Math.round(((draw - 32_768) / 32_768) * peak);
    });
  });

describe("mix-minus", () => {
  it("gives every leg the saturated sum of all others and touches nothing beside", () => {
    fc.assert(
      fc.property(fc.array(frame, { minLength: 1, maxLength: LEGS_MAX, size: "max" }), (frames) => {
        place(frames);
        wasm.write(out, Buffer.alloc((LEGS_MAX + 2) * 320, 0xa5));
        wasm.call.mixMinus!(legs, frames.length, out);
        expect(heard(out, frames.length)).toEqual(others(frames));
        expect(wasm.read(out + frames.length * 320, 320).every((octet) => octet === 0xa5)).toBe(true);
      }),
      { numRuns: 200 },
    );
  });

  it("takes sums at the very edge of 16 bits for what they are", () => {
    for (const [a, b, c] of [
      [32_767, 0, 0],
      [32_767, 1, 0],
      [32_767, 1, -1],
      [-32_768, 0, 0],
      [-32_768, -1, 0],
      [-32_768, -1, 1],
      [255, 32_512, 0],
      [255, 32_513, 0],
      [-256, -32_512, 0],
      [-256, -32_513, 0],
      [32_767, 32_767, 32_767],
      [-32_768, -32_768, -32_768],
    ] as const) {
      const frames = [a, b, c].map((value) => new Int16Array(SAMPLES).fill(value));
      place(frames);
      wasm.call.mixMinus!(legs, 3, out);
      expect(heard(out, 3), `${a} ${b} ${c}`).toEqual(others(frames));
    }
  });

  it("works in place", () => {
    fc.assert(
      fc.property(fc.array(frame, { minLength: 1, maxLength: 8 }), (frames) => {
        place(frames);
        wasm.call.mixMinus!(legs, frames.length, legs);
        expect(heard(legs, frames.length)).toEqual(others(frames));
      }),
      { numRuns: 50 },
    );
  });

  it("in two steps, from several batches, with a listener who says nothing", () => {
    fc.assert(
      fc.property(fc.array(frame, { minLength: 2, maxLength: 40 }), fc.nat(40), (frames, cut) => {
        const first = Math.min(cut, frames.length);
        place(frames);
        wasm.write(sums + 640, Buffer.alloc(64, 0xa5));
        wasm.call.mixSum!(legs, first, sums);
        wasm.call.mixAdd!(legs + first * 320, frames.length - first, sums);
        frames.forEach((_, k) => wasm.call.mixOutOf!(sums, legs + k * 320, out + k * 320));
        expect(heard(out, frames.length)).toEqual(others(frames));
        wasm.call.mixOutOf!(sums, 0, out);
        expect(heard(out, 1)[0]).toEqual(others([...frames, new Int16Array(SAMPLES)]).at(-1));
        expect(wasm.read(sums + 640, 64).every((octet) => octet === 0xa5)).toBe(true);
      }),
      { numRuns: 50 },
    );
  });

  it.each([0, -1, 65, 2 ** 31 - 1, -(2 ** 31)])("a count of %i does nothing", (count) => {
    wasm.write(out, Buffer.alloc(640, 0xa5));
    wasm.call.mixMinus!(legs, count, out);
    expect(wasm.read(out, 640).every((octet) => octet === 0xa5)).toBe(true);
  });
});
