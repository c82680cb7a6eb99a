/**
 * What the background of a talker sounds like, learned from the quietest frames that were heard: when audio stays away,
 * noise like it is less of a hole than digital silence.
 */

import { Noise, noiseReflections } from "./comfort-noise";
import { autocorrelate, ORDER_MAX, reflect } from "./linear-prediction";

/** The floor rises by so much with each look at a louder frame: 3 dB in about 3 s, so speech does not lift it. */
const RISE: f64 = 1.02;
/** Frames up to so many times the floor's power are background. */
const NEAR: f64 = 2;
/** A background is not believed above this effective value (-40 dBov), nor made up below that one (-70 dBov). */
const LEVEL_MAX: f64 = 321;
const LEVEL_MIN: f64 = 10;
/** Share of a new frame in the shape. */
const SHARE: f64 = 0.25;

const SUMS = memory.data(88, 16);
const SHAPE = memory.data(40, 16);

/** Mean square of `n` samples. */
export function meanSquare(samples: usize, n: i32): f64 {
  let sums = i64x2.splat(0);
  const end = <usize>n & ~7;
  for (let i: usize = 0; i < end; i += 8) {
    const eight = v128.load(samples + (i << 1));
    // A pair of squares fits 32 bits, more of them do not.
    const pairs = i32x4.dot_i16x8_s(eight, eight);
    sums = i64x2.add(sums, i64x2.add(i64x2.extend_low_i32x4_u(pairs), i64x2.extend_high_i32x4_u(pairs)));
  }
  let sum = i64x2.extract_lane(sums, 0) + i64x2.extract_lane(sums, 1);
  for (let i: usize = end; i < <usize>n; i++) {
    const sample = <i32>load<i16>(samples + (i << 1));
    sum += <i64>(sample * sample);
  }
  return <f64>sum / <f64>n;
}

/**
 * Looks at one played frame.
 * @param floor - mean square of the background so far, negative when there is none yet
 * @returns the floor from now on
 */
export function backgroundHear(noise: Noise, floor: f64, samples: usize, n: i32): f64 {
  const power = meanSquare(samples, n);
  const next = floor < 0 || power < floor ? power : min<f64>(power, max<f64>(floor * RISE, 1));
  // What never is soft is no background: speech that has not paused yet, music, a tone.
  if (power > next * NEAR || next > LEVEL_MAX * LEVEL_MAX) return next;
  autocorrelate(samples, n, SUMS);
  reflect(SUMS, SHAPE);
  const share = noise.known === 0 ? 1 : SHARE;
  for (let i: usize = 0; i < <usize>ORDER_MAX; i++) {
    const at = noiseReflections(noise) + (i << 2);
    const before = <f64>load<f32>(at);
    store<f32>(at, <f32>(before + (<f64>load<f32>(SHAPE + (i << 2)) - before) * share));
  }
  noise.level = <f32>Math.sqrt(next);
  noise.known = 1;
  return next;
}

/** The background is loud enough to be missed. */
export function isBackground(noise: Noise): bool {
  return noise.known !== 0 && <f64>noise.level >= LEVEL_MIN;
}

/** True for a stretch that is hardly heard: near the floor, or soft in itself, and never loud. */
export function isQuiet(samples: usize, n: i32, floor: f64): bool {
  const power = meanSquare(samples, n);
  return power <= max<f64>(SOFT, 3 * floor) && power <= LOUD;
}
/** Mean squares: effective values of 100 and 400. */
const SOFT: f64 = 10_000;
const LOUD: f64 = 160_000;
