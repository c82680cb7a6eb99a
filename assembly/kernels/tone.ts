/** Sine tones into mu-law, phase-continuous over calls: ringback and in-band digits (ITU-T Q.23, E.180). */

import { ulawEncode } from "./g711";

/** State: two phases and steps in 2^32 per turn, one amplitude. */
export const TONE_STATE_BYTES: i32 = 32;

/** A quarter wave and its mirror images: 1024 samples of a sine, 16-bit. */
const SINE = memory.data(2048, 16);
const SCRATCH = memory.data(320, 16);
const SCRATCH_SAMPLES: i32 = 160;
/** 0 dBm0 in 16-bit samples: the peak of the digital milliwatt lies 3.14 dB below full scale of 32124. */
const PEAK_0_DBM0: f64 = 22_368;

for (let i: i32 = 0; i < 1024; i++)
  store<i16>(SINE + <usize>(i << 1), <i16>nearest(32_767 * Math.sin((<f64>i * 2 * Math.PI) / 1024)));

/** @param secondHz - 0 for a single tone @param levelDbm0 - of each tone */
export function toneBegin(state: usize, firstHz: f64, secondHz: f64, levelDbm0: f64): void {
  store<u32>(state, 0);
  store<u32>(state, 0, 4);
  store<u32>(state, <u32>(<u64>((firstHz * 4294967296.0) / 8000)), 8);
  store<u32>(state, <u32>(<u64>((secondHz * 4294967296.0) / 8000)), 12);
  store<i32>(state, <i32>(PEAK_0_DBM0 * 10 ** (levelDbm0 / 20)), 16);
}

/** Writes `n` octets of mu-law and moves on. */
export function toneWrite(state: usize, dst: usize, n: i32): void {
  let first = load<u32>(state);
  let second = load<u32>(state, 4);
  const firstStep = load<u32>(state, 8);
  const secondStep = load<u32>(state, 12);
  const amplitude = load<i32>(state, 16);
  while (n > 0) {
    const count = min<i32>(n, SCRATCH_SAMPLES);
    for (let i: i32 = 0; i < count; i++) {
      let sample = (<i32>load<i16>(SINE + <usize>((first >> 22) << 1)) * amplitude) >> 15;
      if (secondStep !== 0) sample += (<i32>load<i16>(SINE + <usize>((second >> 22) << 1)) * amplitude) >> 15;
      store<i16>(SCRATCH + <usize>(i << 1), <i16>min<i32>(max<i32>(sample, -32_768), 32_767));
      first += firstStep;
      second += secondStep;
    }
    ulawEncode(SCRATCH, dst, count);
    dst += <usize>count;
    n -= count;
  }
  store<u32>(state, first);
  store<u32>(state, second, 4);
}
